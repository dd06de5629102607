"""What an addon can and cannot do to Launchplane's records; rows are compared each time."""

from odoo.addons.launchplane_lane_authority.quarantine.evidence import Cause
from odoo.addons.launchplane_lane_authority.tests.lane_case import RESETTABLE
from odoo.addons.launchplane_lane_authority.tests.quarantine_case import QuarantineCase
from odoo.addons.launchplane_lane_authority.tests.test_sealed import VALUES
from odoo.exceptions import AccessError
from odoo.tests import TransactionCase, tagged

from ..models.launchplane_meddler import EVENT, MARKER

THROUGH_ODOO = (
    "write_as_superuser",
    "create_as_superuser",
    "unlink_as_superuser",
    "assign_as_superuser",
    "past_the_refusal",
    "unlink_past_the_refusal",
    "create_past_the_refusal",
)
SEEN = (
    "UPDATE launchplane_lane_marker SET rollout_state = 'production'",
    "UPDATE launchplane_lane_marker SET token = 'forged'",
    "UPDATE launchplane_lane_marker SET claimed = false",
    "UPDATE launchplane_lane_marker SET generation = generation + 1",
)


@tagged("post_install", "-at_install")
class TestMeddler(QuarantineCase, TransactionCase):
    """A marker that was claimed, and the event that tells of it."""

    def setUp(self):
        super().setUp()
        self.stamp(self.marker(RESETTABLE))
        self.env[MARKER]._claim("people work here")
        self.meddler = self.env["launchplane.meddler"]
        self.before = self.rows()

    def rows(self):
        """Everything in both tables."""
        self.env.invalidate_all(flush=True)
        return [
            self.query(f"SELECT * FROM {name.replace('.', '_')} ORDER BY id", ())
            for name in (MARKER, EVENT)
        ]

    def test_every_way_through_odoo_is_refused(self):
        for name in THROUGH_ODOO:
            for model in (MARKER, EVENT):
                with self.subTest(f"{name} {model}"):
                    with self.assertRaises(AccessError):
                        getattr(self.meddler, name)(model, VALUES[model])
                    self.assertEqual(self.rows(), self.before)
        self.assertIsNone(self.cause())

    def test_sql_is_seen_at_the_next_reading(self):
        for statement in SEEN:
            with self.subTest(statement), self.env.cr.savepoint() as savepoint:
                self.meddler.sql(statement)
                self.assertEqual(self.cause(), Cause.TAMPERED)
                self.assertEqual(self.settings().launchplane_authority, "Rebuilds are refused")
                savepoint.rollback()
        self.assertIsNone(self.cause())

    def test_a_marker_that_sql_deletes_is_missed(self):
        self.meddler.sql("DELETE FROM launchplane_lane_marker")
        self.assertEqual(self.settings().launchplane_authority, "Not registered")
        with self.assertRaises(AccessError):
            self.env[MARKER].sudo().create(VALUES[MARKER])
