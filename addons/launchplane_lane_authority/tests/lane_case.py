"""A lane for tests: real keys, a real signed marker in the real table, the real engine tag."""

import json
import os
import secrets
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from odoo.tools import config

from launchplane_lane_contracts.contract import RULEBOOK_VERSION
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import EngineTag, Lineage, Marker
from launchplane_lane_contracts.orders import StampOrder
from launchplane_lane_contracts.policy import Policy
from launchplane_lane_contracts.vocabulary import RolloutState, TagState

from ..guard.marker_table import write_row
from ..guard.settings import IDENTITY_VARIABLE, PUBLIC_KEYS_VARIABLE
from ..reading.cursor_query import query_through_cursor
from ..reading.database_here import read_database_here
from .control_plane import ControlPlane

CM = Lane(product="odoo-tenant-cm", context="cm", instance="prod")
SYO = Lane(product="odoo-tenant-syo", context="syo", instance="prod")
PROTECTED = Policy(lane=CM, rollout_state=RolloutState.PRODUCTION)
RESETTABLE = Policy(
    lane=CM,
    rollout_state=RolloutState.TESTING,
    authoritative_data=False,
    bootstrap_empty_allowed=True,
    requires_backup_before_destroy=False,
    requires_restore_proof=False,
    requires_runtime_identity=False,
)


def provisional(days):
    """A policy under which the lane may start from empty for so many days, the last one begun."""
    return Policy(
        lane=CM,
        rollout_state=RolloutState.PROVISIONAL,
        authoritative_data=False,
        bootstrap_empty_allowed=True,
        provisional_until=datetime.now(UTC) + timedelta(days=days) - timedelta(hours=1),
    )


class LaneCase:
    """Mixed into Odoo's test cases. Every change is rolled back with the test's transaction."""

    @classmethod
    def setUpClass(cls):
        """Give this process a lane's environment."""
        super().setUpClass()
        cls.control_plane = ControlPlane()
        cls.addClassCleanup(cls.control_plane.close)
        environment = {
            PUBLIC_KEYS_VARIABLE: str(cls.control_plane.public_keys),
            IDENTITY_VARIABLE: identity_json(CM),
        }
        cls.startClassPatcher(patch.dict(os.environ, environment))

    def setUp(self):
        """Begin with neither marker nor tag, whatever the database came with."""
        super().setUp()
        self.query = query_through_cursor(self.env.cr)
        self.query("DELETE FROM public.launchplane_lane_marker", ())
        self.query(f'COMMENT ON DATABASE "{self.env.cr.dbname}" IS NULL', ())

    def run_for(self, lane):
        """Let this process run for another lane, or for none."""
        text = identity_json(lane) if lane else ""
        self.startPatcher(patch.dict(os.environ, {IDENTITY_VARIABLE: text}))

    def marker(self, policy, **changes):
        """A marker over the place where this test runs."""
        identity = read_database_here(self.env.cr).identity()
        values = {
            "lane": policy.lane,
            "policy": policy,
            "policy_revision": 1,
            "authoritative": policy.authoritative_data,
            "generation": 3,
            "nonce": secrets.token_hex(8),
            "identity": identity,
            "filestore_path": config.filestore(self.env.cr.dbname),
            "lineage": Lineage(),
            "stamped_at": datetime(2026, 3, 1, 9, tzinfo=UTC),
        }
        return Marker(**{**values, **changes})

    def stamp(self, marker, control_plane=None):
        """Put the marker into the database as the guard does, and the tag beside it."""
        now = datetime.now(UTC)
        order = StampOrder(
            lane=marker.lane,
            nonce=marker.nonce,
            database=marker.identity.database_name,
            filestore_path=marker.filestore_path,
            issued_at=now,
            begin_before=now + timedelta(minutes=15),
            rulebook_version=RULEBOOK_VERSION,
            permit_id=None,
            marker=marker,
            lock=False,
        )
        token = (control_plane or self.control_plane).sign(order)
        write_row(self.query, marker.row(token), keep_claim=False)
        self.tag(marker)
        return token

    def tag(self, marker):
        """Write the engine tag that belongs to the marker."""
        tag = EngineTag(
            lane=marker.lane,
            generation=marker.generation,
            database_oid=marker.identity.database_oid,
            state=TagState.LIVE,
        )
        name = self.env.cr.dbname
        self.query(f'COMMENT ON DATABASE "{name}" IS %s', (tag.text(),))

    def settings(self):
        """A settings form as it opens."""
        return self.env["res.config.settings"].create({})


def identity_json(lane):
    """What Launchplane puts into a container's environment."""
    return json.dumps(
        {
            "schema_version": 1,
            "product": lane.product,
            "context": lane.context,
            "instance": lane.instance,
            "environment_kind": "stable",
            "deployment_record_id": "deployment-7",
            "artifact_id": "artifact-7",
            "source_git_ref": "main",
        }
    )
