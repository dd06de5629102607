"""An administrator tries to get round it by every way that he has; where he can, he is seen."""

import json
from datetime import datetime, timedelta

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import mute_logger

from ..quarantine.evidence import Cause
from ..reading.runtime_reading import ADDON
from .lane_case import PROTECTED, RESETTABLE
from .quarantine_case import QuarantineCase

MODEL = "launchplane.lane.marker"
LOOSER = {"authoritative": False}


class WaysRoundCase(QuarantineCase):
    """Protected data, whose marker is compared after each attempt."""

    def setUp(self):
        """A marker and its row."""
        super().setUp()
        self.stamp(self.marker(PROTECTED))
        self.before = self.row()
        self.administrator = self.env.ref("base.user_admin")

    def row(self):
        """All that stands in the marker's table."""
        self.env.flush_all()
        return self.query("SELECT * FROM launchplane_lane_marker", ())

    def unchanged(self):
        """The same row, and still the marker of this very data."""
        self.env.invalidate_all(flush=True)
        self.assertEqual(self.row(), self.before)
        self.assertIsNone(self.cause())


@tagged("post_install", "-at_install")
class TestWaysRound(WaysRoundCase, TransactionCase):
    """Within the server."""

    def server_action(self, code):
        """What an administrator writes in developer mode, and runs."""
        return (
            self.env["ir.actions.server"]
            .with_user(self.administrator)
            .create(
                {
                    "name": "round it",
                    "model_id": self.env["ir.model"]._get_id("res.partner"),
                    "state": "code",
                    "code": code,
                }
            )
        )

    def test_server_actions(self):
        for code in (
            f"env['{MODEL}'].search([]).write({LOOSER})",
            f"env['{MODEL}'].sudo().search([]).write({LOOSER})",
            f"env['{MODEL}'].sudo().search([]).unlink()",
            f"env['{MODEL}'].sudo().create({LOOSER})",
            f"env['{MODEL}'].sudo().search([])['authoritative'] = False",
        ):
            with self.subTest(code), self.assertRaises(AccessError):
                self.server_action(code).run()
            self.unchanged()

    def test_a_server_action_that_updates_records(self):
        action = self.env["ir.actions.server"].create(
            {
                "name": "update it",
                "model_id": self.env["ir.model"]._get_id(MODEL),
                "state": "object_write",
                "update_path": "lane",
                "value": "a/b/c",
            }
        )
        record = self.env[MODEL].search([])
        with self.assertRaises(AccessError):
            action.with_context(active_model=MODEL, active_ids=record.ids).run()
        self.unchanged()

    def test_sql_in_a_server_action_is_seen(self):
        self.server_action(
            "env.cr.execute('UPDATE launchplane_lane_marker SET authoritative = false')"
        ).run()
        self.assertEqual(self.cause(), Cause.TAMPERED)
        self.assertEqual(self.settings().launchplane_marker_label, "Changed by hand")

    def test_sql_on_every_signed_column_is_seen(self):
        for column, value in (
            ("token", "another"),
            ("state", "pending"),
            ("lane", "a/b/c"),
            ("rollout_state", "testing"),
            ("authoritative", False),
            ("generation", 9),
            ("nonce", "another"),
        ):
            with self.subTest(column):
                self.query(f"UPDATE launchplane_lane_marker SET {column} = %s", (value,))
                self.assertEqual(self.cause(), Cause.TAMPERED)
                self.stamp(self.marker(PROTECTED))

    def test_a_claim_that_sql_takes_off_is_missed(self):
        self.stamp(self.marker(RESETTABLE))
        self.env[MODEL].with_user(self.administrator)._claim("we work here")
        self.assertIsNone(self.cause())
        self.query("UPDATE launchplane_lane_marker SET claimed = false", ())
        self.assertEqual(self.cause(), Cause.TAMPERED)
        self.assertFalse(self.settings().launchplane_may_claim)

    def test_rights_do_not_help(self):
        access = self.env["ir.model.access"].search([("model_id.model", "=", MODEL)])
        access.write({"perm_write": True, "perm_create": True, "perm_unlink": True})
        marker = self.env[MODEL].with_user(self.administrator).search([])
        for attempt in (lambda: marker.write(LOOSER), marker.unlink):
            with self.assertRaises(AccessError):
                attempt()
        self.unchanged()

    def test_the_table_gets_no_fields_and_loses_none(self):
        fields = self.env["ir.model.fields"]
        model = self.env["ir.model"]._get(MODEL)
        with self.assertRaisesRegex(UserError, "the fields that they need"):
            fields.create({"name": "x_loose", "model_id": model.id, "ttype": "char"})
        with self.assertRaises(UserError):
            fields._get(MODEL, "authoritative").unlink()
        with self.assertRaises(UserError):
            model.unlink()
        self.unchanged()

    @mute_logger("odoo.addons.base.models.ir_module")
    def test_the_addon_stays_with_protected_data(self):
        modules = self.env["ir.module.module"]
        ours = modules.search([("name", "=", ADDON)])
        needed = modules.search([("name", "=", "base_setup")])
        for module in (ours, needed):
            with self.assertRaisesRegex(UserError, "ask the operator of the Launchplane host"):
                module.button_uninstall()
        with self.assertRaisesRegex(UserError, "stays with it"):
            ours.write({"state": "uninstalled"})
        self.assertEqual(ours.state, "installed")
        self.unchanged()

    @mute_logger("odoo.addons.base.models.ir_module")
    def test_the_addon_may_go_from_data_that_may_be_replaced(self):
        self.stamp(self.marker(RESETTABLE))
        ours = self.env["ir.module.module"].search([("name", "=", ADDON)])
        ours.button_uninstall()
        self.assertEqual(ours.state, "to remove")


@tagged("post_install", "-at_install")
class TestWaysRoundOverHttp(WaysRoundCase, HttpCase):
    """Forms, lists and programs, as they talk to the server."""

    def refused(self, method, *arguments, **keywords):
        """What a form or a list calls."""
        answer = self.url_open(
            f"/web/dataset/call_kw/{MODEL}/{method}",
            json={
                "params": {"model": MODEL, "method": method, "args": arguments, "kwargs": keywords}
            },
            headers={"X-Odoo-Database": self.env.cr.dbname},
        ).json()
        self.assertIn("error", answer, method)
        self.unchanged()
        return answer["error"]["data"]["message"]

    @mute_logger("odoo.http")
    def test_forms_lists_and_imports(self):
        self.authenticate("admin", "admin")
        ids = self.env[MODEL].search([]).ids
        no = "cannot be created, changed or deleted"
        self.assertIn(no, self.refused("web_save", ids, LOOSER, specification={}))
        self.assertIn(no, self.refused("web_save", [], LOOSER, specification={}))
        self.assertIn(no, self.refused("web_save_multi", ids, [LOOSER], specification={}))
        self.assertIn(no, self.refused("write", ids, LOOSER))
        self.assertIn(no, self.refused("unlink", ids))
        self.assertIn(no, self.refused("copy", ids))
        # What is private cannot be called at all.
        for method in ("_write", "_claim", "_read_here", "init"):
            self.refused(method, ids)

    @mute_logger("odoo.http")
    def test_an_administrators_key(self):
        keys = self.env["res.users.apikeys"].with_user(self.administrator)
        key = keys._generate("rpc", "round it", datetime.now() + timedelta(days=1))
        for method in ("write", "unlink"):
            answer = self.url_open(
                f"/json/2/{MODEL}/{method}",
                data=json.dumps(
                    {
                        "ids": self.env[MODEL].search([]).ids,
                        **({"vals": LOOSER} if method == "write" else {}),
                    }
                ),
                headers={
                    "Authorization": f"Bearer {key}",
                    "Content-Type": "application/json",
                    "X-Odoo-Database": self.env.cr.dbname,
                },
            )
            self.assertEqual(answer.status_code, 403)
            self.assertIn("cannot be created", answer.text)
            self.unchanged()
