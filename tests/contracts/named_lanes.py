"""The lanes that the project knows by name, with the policies that they have."""

from datetime import timedelta

from launchplane_lane_contracts.contract import DatabaseName, FilestorePath
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.policy import Policy, UpstreamSource
from launchplane_lane_contracts.vocabulary import RolloutState

from .cases import NOW

CM_LANE = Lane.parse("odoo-tenant-cm/cm/prod")
OPW_LANE = Lane.parse("odoo-tenant-opw/opw/prod")
SYO_LANE = Lane.parse("odoo-tenant-syo/syo/prod")
VERIREEL_LANE = Lane.parse("odoo-tenant-verireel/verireel/prod")
UNRECORDED_LANE = Lane.parse("odoo-tenant-new/new/testing")
SPARSE_LANE = Lane.parse("odoo-tenant-sparse/sparse/testing")
PROVISIONAL_UNTIL = NOW + timedelta(days=60)

OPW_UPSTREAM = UpstreamSource(
    name="opw's old server",
    host="odoo.opw.example.org",
    database=DatabaseName("opw"),
    filestore_path=FilestorePath("/var/lib/odoo/filestore/opw"),
)

CM = Policy(
    lane=CM_LANE,
    rollout_state=RolloutState.PROVISIONAL,
    authoritative_data=False,
    bootstrap_empty_allowed=True,
    provisional_until=PROVISIONAL_UNTIL,
)
OPW = Policy(
    lane=OPW_LANE,
    rollout_state=RolloutState.PROVISIONAL,
    authoritative_data=False,
    bootstrap_empty_allowed=True,
    restore_from_upstream_allowed=True,
    upstream_source=OPW_UPSTREAM,
    provisional_until=PROVISIONAL_UNTIL,
)
SYO = Policy(lane=SYO_LANE, rollout_state=RolloutState.PRODUCTION)
VERIREEL = Policy(lane=VERIREEL_LANE, rollout_state=RolloutState.PRODUCTION)
SPARSE = Policy.from_plain({"lane": SPARSE_LANE.to_plain(), "rollout_state": "testing"})
"""Nothing but what is required."""
