"""What the settings say in each situation, with real markers and real signatures."""

import os
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from odoo.tests import TransactionCase, tagged
from odoo.tools import config

from launchplane_lane_contracts.marker import Lineage, PhysicalIdentity
from launchplane_lane_contracts.policy import UpstreamSource
from launchplane_lane_contracts.vocabulary import (
    DataSource,
    Operation,
)

from ..guard.marker_table import write_row
from ..guard.settings import PUBLIC_KEYS_VARIABLE
from ..screen.lock_words import lock_words
from .control_plane import ControlPlane
from .lane_case import PROTECTED, RESETTABLE, SYO, LaneCase, provisional
from .permits import permit


@tagged("post_install", "-at_install")
class TestSettings(LaneCase, TransactionCase):
    """One test for each situation that an administrator can find."""

    def test_never_stamped(self):
        settings = self.settings()
        self.assertEqual(settings.launchplane_authority, "Not registered")
        self.assertEqual(settings.launchplane_marker_label, "Not registered")
        self.assertIn("enrol", settings.launchplane_marker_remedy)
        self.assertEqual(settings.launchplane_lane, "odoo-tenant-cm/cm/prod")
        self.assertFalse(settings.launchplane_may_claim)

    def test_protected(self):
        self.stamp(self.marker(PROTECTED))
        settings = self.settings()
        self.assertEqual(settings.launchplane_authority, "Protected")
        self.assertEqual(settings.launchplane_tone, "success")
        self.assertEqual(settings.launchplane_marker_label, "Verified")
        self.assertIn("The policy recorded for this lane says so", settings.launchplane_summary)
        self.assertIn("Neither an empty database nor", settings.launchplane_sources)
        self.assertNotIn("start again from an empty", settings.launchplane_sources)
        self.assertIn("at most 24 hours old", settings.launchplane_requirements)
        self.assertEqual(settings.launchplane_lock_label, "Not locked")
        self.assertEqual(settings.launchplane_lock_tone, "danger")
        self.assertEqual(settings.launchplane_days_left, 0)
        self.assertTrue(settings.launchplane_may_claim)

    def test_protected_and_locked(self):
        self.stamp(self.marker(PROTECTED))
        self.query(f'ALTER DATABASE "{self.env.cr.dbname}" IS_TEMPLATE true', ())
        settings = self.settings()
        self.assertEqual(settings.launchplane_lock_label, "Locked")
        self.assertEqual(settings.launchplane_lock_tone, "success")

    def test_protected_and_not_locked(self):
        self.stamp(self.marker(PROTECTED))
        name = self.env.cr.dbname
        with patch.dict(config.options, {"db_name": [name], "dbfilter": f"^{name}$"}):
            settings = self.settings()
            self.assertEqual(settings.launchplane_lock_label, "Not locked")
            self.assertEqual(settings.launchplane_lock_tone, "danger")
            self.assertIn("server_wide_modules", settings.launchplane_lock_text)
        with patch.dict(config.options, {"db_name": [name], "dbfilter": ""}):
            self.assertIn("host to lock it", self.settings().launchplane_lock_text)

    def test_a_role_that_may_not_lock(self):
        self.stamp(self.marker(PROTECTED))
        here = self.env["launchplane.lane.marker"]._read_here()
        entry = here.reading.entry.model_copy(update={"owned": False})
        reading = here.reading.model_copy(update={"entry": entry})
        _label, tone, text = lock_words(self.env, reading, protected=True, stays_listed=True)
        self.assertEqual(tone, "danger")
        self.assertIn(f"user {here.reading.server.role} does not own it", text)

    def test_provisional_with_five_days_left(self):
        policy = provisional(days=5)
        self.stamp(self.marker(policy))
        settings = self.settings()
        self.assertEqual(settings.launchplane_authority, "Protected in 5 days")
        self.assertEqual(settings.launchplane_tone, "warning")
        self.assertEqual(settings.launchplane_days_left, 5)
        self.assertIn("in 5 days", settings.launchplane_rollout)
        self.assertIn(str(policy.provisional_until.day), settings.launchplane_rollout)
        self.assertIn("start again from an empty database", settings.launchplane_sources)

    def test_provisional_on_its_last_day(self):
        self.stamp(self.marker(provisional(days=1)))
        settings = self.settings()
        self.assertEqual(settings.launchplane_authority, "Protected within a day")
        self.assertEqual(settings.launchplane_days_left, 1)

    def test_provisional_time_is_over(self):
        self.stamp(self.marker(provisional(days=0)))
        settings = self.settings()
        self.assertEqual(settings.launchplane_authority, "Protected")
        self.assertIn("Its provisional time ended on", settings.launchplane_summary)
        self.assertNotIn("start again from an empty", settings.launchplane_sources)
        self.assertIn("treated as production", settings.launchplane_rollout)

    def test_resettable(self):
        self.stamp(self.marker(RESETTABLE))
        settings = self.settings()
        self.assertEqual(settings.launchplane_authority, "May be replaced")
        self.assertIn("start again from an empty database", settings.launchplane_sources)
        self.assertIn("rebuilt at any time", settings.launchplane_requirements)

    def test_authoritative_marker_under_a_looser_policy(self):
        self.stamp(self.marker(RESETTABLE, authoritative=True))
        settings = self.settings()
        self.assertEqual(settings.launchplane_authority, "Protected")
        self.assertIn("The marker signed for this data says so", settings.launchplane_summary)
        self.assertNotIn("start again from an empty", settings.launchplane_sources)

    def test_upstream_in_words(self):
        upstream = UpstreamSource(
            name="the <b>old</b> server",
            host="old.example",
            database="cm",
            filestore_path="/srv/cm",
        )
        policy = RESETTABLE.model_copy(
            update={"restore_from_upstream_allowed": True, "upstream_source": upstream}
        )
        self.stamp(self.marker(policy))
        self.assertIn(
            "the &lt;b&gt;old&lt;/b&gt; server (database cm on the server old.example)",
            self.settings().launchplane_sources,
        )

    def test_copied(self):
        marker = self.marker(PROTECTED)
        elsewhere = PhysicalIdentity(
            **{**dict(marker.identity), "database_oid": marker.identity.database_oid + 1}
        )
        self.stamp(marker.model_copy(update={"identity": elsewhere}))
        self.assert_refused("A copy", "This is a copy of the data of lane odoo-tenant-cm/cm/prod")

    def test_foreign(self):
        self.stamp(self.marker(PROTECTED))
        self.run_for(SYO)
        self.assert_refused("Another lane's data", "runs for lane odoo-tenant-syo/syo/prod")

    def test_tampered(self):
        self.stamp(self.marker(PROTECTED))
        self.query("UPDATE public.launchplane_lane_marker SET authoritative = false", ())
        self.assert_refused("Changed by hand", "proves nothing")

    def test_signed_by_another_key_of_the_same_name(self):
        stranger = ControlPlane()
        self.addCleanup(stranger.close)
        stranger.key_id = self.control_plane.key_id
        self.stamp(self.marker(PROTECTED), control_plane=stranger)
        self.assert_refused("Changed by hand", "proves nothing")

    def test_unverifiable_without_keys(self):
        self.stamp(self.marker(PROTECTED))
        with patch.dict(os.environ, {PUBLIC_KEYS_VARIABLE: ""}):
            self.assert_refused("Cannot be checked", "lacks the public key")

    def test_unverifiable_by_an_unknown_key(self):
        stranger = ControlPlane()
        self.addCleanup(stranger.close)
        self.stamp(self.marker(PROTECTED), control_plane=stranger)
        self.assert_refused("Cannot be checked", "lacks the public key")

    def test_label_missing(self):
        self.stamp(self.marker(PROTECTED))
        self.query(f'COMMENT ON DATABASE "{self.env.cr.dbname}" IS NULL', ())
        self.assert_refused("Label missing", "PostgreSQL keeps beside this database")

    def test_pending(self):
        order = permit(self.marker(RESETTABLE))
        token = self.control_plane.sign(order)
        write_row(self.query, order.pending_row(token), keep_claim=False)
        self.assert_refused("Rebuild not finished", "has not been confirmed yet")

    def test_without_a_lane_of_its_own(self):
        self.stamp(self.marker(PROTECTED))
        self.run_for(None)
        settings = self.settings()
        self.assertEqual(settings.launchplane_marker_label, "Genuine")
        self.assertIn("not told which lane it runs for", settings.launchplane_marker_meaning)

    def test_broken_table(self):
        self.query("ALTER TABLE public.launchplane_lane_marker RENAME COLUMN token TO t", ())
        self.assert_refused("Changed by hand", "proves nothing")

    def test_where_the_data_came_from_and_what_is_kept(self):
        until = datetime.now(UTC) + timedelta(days=7)
        lineage = Lineage(
            operation=Operation.RECREATE,
            data_source=DataSource.EMPTY,
            permit_id="permit-1",
            set_aside="cm__kept_g2_recreate_abcdef",
            kept_until=until,
        )
        self.stamp(self.marker(RESETTABLE, lineage=lineage))
        settings = self.settings()
        self.assertIn("Rebuilt on 1 March 2026", settings.launchplane_arrival)
        self.assertIn("it started from an empty database", settings.launchplane_arrival)
        self.assertIn("cm__kept_g2_recreate_abcdef", settings.launchplane_kept)
        self.assertIn("at least until", settings.launchplane_kept)
        self.stamp(
            self.marker(
                RESETTABLE,
                lineage=lineage.model_copy(update={"kept_until": until - timedelta(days=8)}),
            )
        )
        self.assertIn("may have been removed since", self.settings().launchplane_kept)

    def test_saving_the_settings_changes_nothing(self):
        self.stamp(self.marker(PROTECTED))
        before = self.query("SELECT * FROM launchplane_lane_marker", ())
        self.settings().execute()
        self.assertEqual(self.query("SELECT * FROM launchplane_lane_marker", ()), before)

    def assert_refused(self, label, meaning):
        """It says so, permits nothing, and tells what to do."""
        settings = self.settings()
        self.assertEqual(settings.launchplane_marker_label, label)
        self.assertIn(meaning, settings.launchplane_marker_meaning)
        self.assertIn("perator", settings.launchplane_marker_remedy)
        self.assertEqual(settings.launchplane_authority, "Rebuilds are refused")
        self.assertIn("Nothing may replace it for now.", settings.launchplane_sources)
