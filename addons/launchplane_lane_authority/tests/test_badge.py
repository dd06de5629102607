"""The badge in the top bar: for whom, when, and what it says."""

from odoo.tests import TransactionCase, tagged

from .lane_case import PROTECTED, RESETTABLE, provisional
from .quarantine_case import QuarantineCase


@tagged("post_install", "-at_install")
class TestBadge(QuarantineCase, TransactionCase):
    """As the browser asks for it."""

    def badge(self, user=None):
        """What it gets."""
        marker = self.env["launchplane.lane.marker"]
        return marker.with_user(user or self.env.ref("base.user_admin")).lane_badge()

    def test_none_where_all_is_well(self):
        self.assertFalse(self.badge())
        for policy in (PROTECTED, RESETTABLE, provisional(days=30)):
            self.stamp(self.marker(policy))
            self.assertFalse(self.badge())

    def test_quarantine(self):
        self.stamp_a_copy()
        badge = self.badge()
        self.assertEqual((badge["label"], badge["tone"]), ("Quarantine", "danger"))
        self.assertIn("Mail stays queued", badge["text"])
        self.assertIn("a copy of the data of lane", badge["text"])

    def test_provisional_close_to_its_end(self):
        for days, label in ((14, "Provisional: 14 days"), (1, "Provisional: 1 day")):
            self.stamp(self.marker(provisional(days)))
            badge = self.badge()
            self.assertEqual((badge["label"], badge["tone"]), (label, "warning"))
            self.assertIn("protected by itself", badge["text"])
        self.query("UPDATE launchplane_lane_marker SET claimed = true", ())
        self.assertFalse(self.badge())

    def test_neutralised(self):
        self.env["ir.config_parameter"].set_param("database.is_neutralized", "true")
        self.assertFalse(self.badge())
        self.query(
            "INSERT INTO launchplane_lane_event (happened_at, kind, actor, document) "
            "VALUES (now(), 'neutralised', 'odoo', %s)",
            ('{"lane": "a/b/c", "own": false}',),
        )
        badge = self.badge()
        self.assertEqual(badge["label"], "Copy")
        self.assertIn("a/b/c", badge["text"])
        self.stamp(self.marker(PROTECTED))
        self.assertEqual(self.badge()["label"], "Neutralised")

    def test_for_people_who_work_here_alone(self):
        self.stamp_a_copy()
        users = self.env["res.users"]
        clerk = users.create(
            {
                "name": "Bob",
                "login": "bob",
                "group_ids": [(6, 0, self.env.ref("base.group_user").ids)],
            }
        )
        customer = users.create(
            {
                "name": "Eve",
                "login": "eve",
                "group_ids": [(6, 0, self.env.ref("base.group_portal").ids)],
            }
        )
        self.assertEqual(self.badge(clerk)["label"], "Quarantine")
        self.assertFalse(self.badge(customer))
