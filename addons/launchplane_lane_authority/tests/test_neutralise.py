"""Odoo's `neutralize`: a copy loses its marker, the lane's own data keeps it, nothing raises."""

import json

from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import TransactionCase, tagged

from launchplane_lane_contracts.marker import PhysicalIdentity

from ..guard.marker_table import write_row
from ..quarantine.evidence import Cause
from .lane_case import PROTECTED, RESETTABLE
from .permits import permit
from .quarantine_case import QuarantineCase

ADDON = "launchplane_lane_authority"


@tagged("post_install", "-at_install")
class TestNeutralise(QuarantineCase, TransactionCase):
    """As `odoo neutralize` runs it, one statement in the database's own session."""

    def neutralise(self):
        """What this addon adds to a neutralisation, after what Odoo itself does."""
        queries = list(get_neutralization_queries(["base", ADDON]))
        self.assertEqual(len(queries), 2)
        for query in queries:
            self.env.cr.execute(query)
        self.env.invalidate_all()

    def rows(self):
        """The marker."""
        return self.query("SELECT token, authoritative, claimed FROM launchplane_lane_marker", ())

    def event(self):
        """What the newest event says."""
        event = self.env["launchplane.lane.event"].search([], limit=1)
        self.assertEqual(event.kind, "neutralised")
        return json.loads(event.document), event.sentence

    def test_each_kind_of_copy_loses_its_authority(self):
        here = self.marker(PROTECTED).identity.to_plain()
        for change in (
            {"database_oid": here["database_oid"] + 1},
            {"marker_table_oid": here["marker_table_oid"] + 1},
            {"database_name": "another"},
            {"system_identifier": "1"},
        ):
            with self.subTest(change):
                there = PhysicalIdentity.from_plain({**here, **change})
                self.stamp(self.marker(PROTECTED, identity=there))
                self.query("UPDATE launchplane_lane_marker SET claimed = true", ())
                self.assertEqual(self.cause(), Cause.COPIED)
                self.neutralise()
                self.assertEqual(self.rows(), [])
                document, sentence = self.event()
                self.assertFalse(document["own"])
                self.assertIn("this copy of the data of lane odoo-tenant-cm/cm/prod", sentence)

    def test_the_screen_calls_it_a_neutralised_copy(self):
        self.stamp_a_copy()
        self.neutralise()
        settings = self.settings()
        self.assertEqual(settings.launchplane_marker_label, "A neutralised copy")
        self.assertIn("lane odoo-tenant-cm/cm/prod", settings.launchplane_marker_meaning)
        self.assertNotEqual(settings.launchplane_authority, "Protected")
        # Odoo's own neutralisation has switched off what a quarantine holds back.
        self.assertIsNone(self.cause())

    def test_a_row_that_nobody_can_read_loses_it_too(self):
        self.stamp(self.marker(PROTECTED))
        for token in ("", "a", "a.b", "a.%.c", "a.e30.c"):
            with self.subTest(token):
                self.stamp(self.marker(PROTECTED))
                self.query("UPDATE launchplane_lane_marker SET token = %s", (token,))
                self.neutralise()
                self.assertEqual(self.rows(), [])

    def test_the_lanes_own_data_keeps_its_marker_and_people_are_told(self):
        self.stamp(self.marker(PROTECTED))
        before = self.rows()
        self.neutralise()
        self.assertEqual(self.rows(), before)
        document, sentence = self.event()
        self.assertTrue(document["own"])
        self.assertIn("the lane's own data", sentence)
        settings = self.settings()
        self.assertEqual(settings.launchplane_authority, "Protected")
        self.assertEqual(settings.launchplane_quarantine_label, "Neutralised")
        self.assertEqual(settings.launchplane_quarantine_tone, "danger")

    def test_a_rebuild_that_is_not_settled_stays_one(self):
        order = permit(self.marker(RESETTABLE))
        write_row(self.query, order.pending_row(self.control_plane.sign(order)), keep_claim=False)
        before = self.rows()
        self.neutralise()
        self.assertEqual(self.rows(), before)
        self.assertEqual(self.cause(), Cause.PENDING)

    def test_nothing_raises(self):
        self.neutralise()
        for statement in (
            "DROP TABLE launchplane_lane_event",
            "ALTER TABLE launchplane_lane_marker RENAME COLUMN lane TO l",
            "DROP TABLE launchplane_lane_marker",
        ):
            self.stamp_if_it_can()
            self.query(statement, ())
            self.neutralise()

    def stamp_if_it_can(self):
        """A copy's marker, where the table is still as it was."""
        columns = self.query(
            "SELECT 1 FROM information_schema.columns WHERE column_name = 'lane' "
            "AND table_name = 'launchplane_lane_marker'",
            (),
        )
        if columns:
            self.stamp_a_copy()
