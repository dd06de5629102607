"""No road through Odoo's object layer changes a row."""

from odoo import models
from odoo.exceptions import AccessError
from odoo.fields import Datetime
from odoo.tests import TransactionCase, tagged

from ..guard.marker_table import write_event
from .lane_case import PROTECTED, LaneCase

MODELS = ("launchplane.lane.marker", "launchplane.lane.event")
MARKER = {
    "token": "forged",
    "state": "settled",
    "lane": "a/b/c",
    "rollout_state": "testing",
    "authoritative": False,
    "generation": 9,
    "nonce": "forged",
}
EVENT = {"happened_at": Datetime.now(), "kind": "stamp", "actor": "me", "document": "{}"}
VALUES = dict(zip(MODELS, (MARKER, EVENT), strict=True))


@tagged("post_install", "-at_install")
class TestSealed(LaneCase, TransactionCase):
    """Each attempt is made as administrator and in superuser mode; rows are compared after."""

    @classmethod
    def setUpClass(cls):
        """Somebody who may open the settings, and somebody who may not."""
        super().setUpClass()
        groups = cls.env.ref("base.group_system") + cls.env.ref("base.group_user")
        users = cls.env["res.users"]
        cls.administrator = users.create(
            {"name": "Ada", "login": "ada", "group_ids": [(6, 0, groups.ids)]}
        )
        cls.clerk = users.create(
            {
                "name": "Bob",
                "login": "bob",
                "group_ids": [(6, 0, cls.env.ref("base.group_user").ids)],
            }
        )

    def setUp(self):
        """One marker and one event."""
        super().setUp()
        self.stamp(self.marker(PROTECTED))
        write_event(self.query, "stamp", "control plane", {"generation": 3})
        self.before = self.rows()

    def rows(self):
        """Everything in both tables."""
        self.env.flush_all()
        return [
            self.query(f"SELECT * FROM {name.replace('.', '_')} ORDER BY id", ()) for name in MODELS
        ]

    def each(self):
        """Both models, by the road that an administrator has and in superuser mode."""
        for name in MODELS:
            for model in (
                self.env[name].with_user(self.administrator),
                self.env[name].with_user(self.administrator).sudo(),
                self.env[name],
            ):
                yield model, VALUES[name]

    def refused(self, attempt, *arguments):
        """It is refused, and nothing has changed, later flushes included."""
        with self.assertRaises(AccessError):
            attempt(*arguments)
        self.env.invalidate_all(flush=True)
        self.assertEqual(self.rows(), self.before)

    def test_create(self):
        for model, values in self.each():
            self.refused(model.create, values)

    def test_write(self):
        for model, values in self.each():
            self.refused(model.search([], limit=1).write, values)

    def test_unlink(self):
        for model, _values in self.each():
            self.refused(model.search([], limit=1).unlink)

    def test_assignment(self):
        for model, values in self.each():
            name = next(iter(values))
            self.refused(setattr, model.search([], limit=1), name, values[name])

    def test_copy(self):
        for model, _values in self.each():
            self.refused(model.search([], limit=1).copy)

    def test_import(self):
        for model, values in self.each():
            names = [name for name, value in values.items() if isinstance(value, str)]
            answer = model.load(names, [[values[name] for name in names]])
            # An import answers with messages; none of its rows may have come in.
            self.assertFalse(answer["ids"])
            self.assertIn("cannot be created", answer["messages"][0]["message"])
            self.assertEqual(self.rows(), self.before)

    def test_past_our_methods(self):
        for model, values in self.each():
            record = model.search([], limit=1)
            self.refused(models.Model.create, model, [values])
            self.refused(models.Model.unlink, record)
            self.refused(record._write, values)
            self.refused(record._write_multi, [values])
            self.refused(_write_and_flush, record, values)

    def test_the_refusal_says_the_way_on(self):
        marker = self.env["launchplane.lane.marker"].search([])
        with self.assertRaisesRegex(AccessError, "ask the operator of the Launchplane host"):
            marker.write(MARKER)

    def test_who_may_read(self):
        for name in MODELS:
            model = self.env[name]
            self.assertTrue(model.with_user(self.administrator).search([]).read())
            with self.assertRaises(AccessError):
                model.with_user(self.clerk).search([]).read()


def _write_and_flush(record, values):
    models.Model.write(record, values)
    record.flush_recordset()
