"""What puts a database into quarantine, and what does not; scheduled actions by effect."""

import os
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import HttpCase, TransactionCase, tagged

from ..guard.keep import ENDED, BeginIntent, Keep
from ..guard.marker_table import write_row
from ..guard.settings import KEEP_VARIABLE, PUBLIC_KEYS_VARIABLE
from ..quarantine import reading
from ..quarantine.evidence import Cause
from ..quarantine.reading import forget, quarantine_of
from ..reading.expected_generation import remember_generation
from ..server_wide.later import when_it_is_loaded
from .lane_case import CM, PROTECTED, RESETTABLE, SYO
from .permits import permit
from .quarantine_case import QuarantineCase


@tagged("post_install", "-at_install")
class TestEvidence(QuarantineCase, TransactionCase):
    """Positive evidence, and the lack of it."""

    def test_bound(self):
        self.stamp(self.marker(PROTECTED))
        self.assertIsNone(self.cause())

    def test_never_enrolled(self):
        self.assertIsNone(self.cause())

    def test_copied(self):
        self.stamp_a_copy()
        self.assertEqual(self.cause(), Cause.COPIED)

    def test_foreign(self):
        self.stamp(self.marker(PROTECTED))
        self.run_for(SYO)
        self.assertEqual(self.cause(), Cause.FOREIGN)

    def test_a_runtime_that_was_told_no_lane_proves_nothing(self):
        self.stamp(self.marker(PROTECTED))
        self.run_for(None)
        self.assertIsNone(self.cause())
        self.query("DELETE FROM public.launchplane_lane_marker", ())
        self.assertIsNone(self.cause())

    def test_tampered(self):
        self.stamp(self.marker(PROTECTED))
        self.query("UPDATE public.launchplane_lane_marker SET authoritative = false", ())
        self.assertEqual(self.cause(), Cause.TAMPERED)

    def test_without_the_key_the_business_runs(self):
        self.stamp_a_copy()
        with patch.dict(os.environ, {PUBLIC_KEYS_VARIABLE: ""}):
            self.assertIsNone(self.cause())

    def test_what_may_not_be_read_proves_nothing(self):
        self.stamp_a_copy()
        ((role,),) = self.query("SELECT quote_ident(current_user)", ())
        self.query(f"REVOKE ALL ON public.launchplane_lane_marker FROM {role}", ())
        self.assertIsNone(self.cause())

    def test_pending(self):
        order = permit(self.marker(RESETTABLE))
        write_row(self.query, order.pending_row(self.control_plane.sign(order)), keep_claim=False)
        self.assertEqual(self.cause(), Cause.PENDING)

    def test_a_begin_without_its_end(self):
        self.stamp(self.marker(PROTECTED))
        folder = self.folder / "keep"
        folder.mkdir()
        keep = Keep(folder)
        keep.prepare(CM)
        name = self.env.cr.dbname
        with patch.dict(os.environ, {KEEP_VARIABLE: str(folder), "ODOO_DB_NAME": name}):
            self.assertIsNone(self.cause())
            keep.note_begin(
                BeginIntent(
                    permit_id="permit-1",
                    token="token",
                    database_oid=None,
                    kept_name="kept",
                    had_filestore=False,
                    begun_at=datetime.now(UTC),
                )
            )
            self.assertEqual(self.cause(), Cause.UNFINISHED)
            with patch.dict(os.environ, {"ODOO_DB_NAME": "another"}):
                self.assertIsNone(self.cause())
            keep.note("permit-1", ENDED)
            self.assertIsNone(self.cause())

    def test_older_than_what_the_host_settled(self):
        self.stamp(self.marker(PROTECTED, generation=3))
        remember_generation(CM, 3)
        self.assertIsNone(self.cause())
        remember_generation(CM, 4)
        self.assertEqual(self.cause(), Cause.OLDER)
        remember_generation(CM, 2)
        self.assertEqual(self.cause(), Cause.OLDER)
        self.stamp(self.marker(PROTECTED, generation=4))
        self.assertIsNone(self.cause())

    def test_that_it_may_act_holds_for_a_connection_and_seconds_a_quarantine_for_nobody(self):
        self.assertIsNone(self.cause())
        self.stamp_a_copy()
        self.assertIsNone(quarantine_of(self.env.cr))
        with patch.object(reading, "SECONDS", -1.0):
            forget()
            quarantine_of(self.env.cr)
        self.assertIsNotNone(quarantine_of(self.env.cr))
        self.stamp(self.marker(PROTECTED))
        self.assertIsNone(quarantine_of(self.env.cr))

    def test_the_screen_says_so(self):
        self.stamp_a_copy()
        settings = self.settings()
        self.assertEqual(settings.launchplane_quarantine_label, "In quarantine")
        self.assertEqual(settings.launchplane_quarantine_tone, "danger")
        self.assertIn("Mail stays queued", settings.launchplane_quarantine_text)
        self.stamp(self.marker(PROTECTED))
        settings = self.settings()
        self.assertEqual(settings.launchplane_quarantine_label, "No")
        self.assertIn("Mail and scheduled actions run", settings.launchplane_quarantine_text)
        # The tests' server does not load the addon server-wide.
        self.assertIn("server_wide_modules", settings.launchplane_quarantine_text)

    def test_the_screen_warns_where_it_cannot_be_checked(self):
        self.stamp_a_copy()
        with patch.dict(os.environ, {PUBLIC_KEYS_VARIABLE: ""}):
            settings = self.settings()
            self.assertEqual(settings.launchplane_quarantine_label, "Not checked")
            self.assertEqual(settings.launchplane_quarantine_tone, "warning")


@tagged("post_install", "-at_install")
class TestScheduledActions(QuarantineCase, TransactionCase):
    """A job that is due."""

    def setUp(self):
        """A scheduled action that leaves a trace."""
        super().setUp()
        self.job = self.env["ir.cron"].create(
            {
                "name": "ours",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "state": "code",
                "code": "env['res.partner'].create({'name': 'made by a scheduled action'})",
                "interval_number": 1,
                "interval_type": "days",
                "nextcall": datetime.now() - timedelta(days=1),
            }
        )
        self.env.flush_all()

    def test_the_button_says_why_nothing_runs(self):
        self.stamp_a_copy()
        forget()
        before = self.job.nextcall
        with self.assertRaisesRegex(UserError, "is in quarantine"):
            self.job.method_direct_trigger()
        self.assertEqual(self.job.nextcall, before)

    def test_a_job_that_was_taken_is_left_due(self):
        self.stamp_a_copy()
        forget()
        self.registry["ir.cron"]._process_job(self.env.cr, {"cron_name": "ours", "id": self.job.id})
        self.job.invalidate_recordset()
        self.assertFalse(self.job.lastcall)
        self.assertFalse(
            self.env["res.partner"].search([("name", "=", "made by a scheduled action")])
        )

    def test_mail_servers_are_not_reached(self):
        self.stamp_a_copy()
        forget()
        server = self.env["ir.mail_server"].create({"name": "sink", "smtp_host": "127.0.0.1"})
        with self.assertRaisesRegex(UserError, "Mail stays queued"):
            server._connect__(mail_server_id=server.id)
        with self.assertRaisesRegex(UserError, "Mail stays queued"):
            server.send_email(None)


@tagged("post_install", "-at_install")
class TestAnotherOdoo(TransactionCase):
    """An addon of Odoo's that has been rewritten."""

    def test_what_is_not_there_is_said_and_the_database_is_loaded(self):
        def hold_back():
            from odoo.addons.base.models.ir_cron import NoSuchClass  # noqa: F401

        with self.assertLogs("odoo.addons.launchplane_lane_authority", "ERROR") as log:
            when_it_is_loaded("base", hold_back)
        self.assertIn("NoSuchClass", log.output[0])


@tagged("post_install", "-at_install")
class TestOrdinaryRequests(QuarantineCase, HttpCase):
    """They ask nothing about it."""

    def test_no_request_of_people_reads_the_marker(self):
        forget()
        self.authenticate("admin", "admin")
        self.url_open("/web/login")
        self.url_open("/web/health")
        answer = self.make_jsonrpc_request(
            "/web/dataset/call_kw/res.partner/search_read",
            {"model": "res.partner", "method": "search_read", "args": [], "kwargs": {"limit": 1}},
        )
        self.assertTrue(answer)
        self.assertEqual(reading._free_until, {})
