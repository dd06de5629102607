"""*Protect this database*: anyone in the settings may, it only tightens, it is on the record."""

import json

from odoo.exceptions import AccessError, UserError
from odoo.tests import TransactionCase, tagged

from .lane_case import RESETTABLE, LaneCase


@tagged("post_install", "-at_install")
class TestClaim(LaneCase, TransactionCase):
    """Through the dialog, as it is used."""

    def claim(self, reason="The books of March are in here."):
        """Fill in the dialog and press its button."""
        return self.env["launchplane.lane.claim"].create({"reason": reason}).action_protect()

    def test_it_protects(self):
        self.stamp(self.marker(RESETTABLE))
        self.claim()
        settings = self.settings()
        self.assertEqual(settings.launchplane_authority, "Protected")
        self.assertIn("An administrator asked for it", settings.launchplane_summary)
        self.assertNotIn("start again from an empty", settings.launchplane_sources)
        self.assertFalse(settings.launchplane_may_claim)
        # The signed part of the row is as it was, so the marker is still verified.
        self.assertEqual(settings.launchplane_marker_label, "Verified")
        marker = self.env["launchplane.lane.marker"].search([])
        self.assertTrue(marker.claimed)
        self.assertEqual(marker.claim_reason, "The books of March are in here.")
        self.assertEqual(marker.claimed_by, self.env.user.login)
        self.assertTrue(marker.claimed_at)

    def test_it_is_in_the_history(self):
        self.stamp(self.marker(RESETTABLE))
        self.claim()
        event = self.env["launchplane.lane.event"].search([], limit=1)
        self.assertEqual((event.kind, event.actor), ("claim", self.env.user.login))
        self.assertEqual(json.loads(event.document)["reason"], "The books of March are in here.")
        self.assertIn("The books of March are in here.", event.sentence)

    def test_not_twice(self):
        self.stamp(self.marker(RESETTABLE))
        self.claim()
        with self.assertRaisesRegex(UserError, "protected already"):
            self.claim()

    def test_a_reason_is_asked_for(self):
        self.stamp(self.marker(RESETTABLE))
        with self.assertRaisesRegex(UserError, "Say why"):
            self.claim(reason="   ")
        self.assertFalse(self.env["launchplane.lane.marker"].search([]).claimed)

    def test_nothing_to_protect(self):
        with self.assertRaisesRegex(UserError, "Ask the operator of the Launchplane host to enrol"):
            self.claim()

    def test_only_an_administrator(self):
        self.stamp(self.marker(RESETTABLE))
        clerk = self.env["res.users"].create(
            {
                "name": "Bob",
                "login": "bob",
                "group_ids": [(6, 0, self.env.ref("base.group_user").ids)],
            }
        )
        for model in (
            self.env["launchplane.lane.marker"].with_user(clerk),
            self.env["launchplane.lane.marker"].with_user(clerk).sudo(),
        ):
            with self.assertRaises(AccessError):
                model._claim("because")
        with self.assertRaises(AccessError):
            self.env["launchplane.lane.claim"].with_user(clerk).create({"reason": "because"})
