"""Markers as the guard writes them, by orders that a control plane of these tests signs."""

from datetime import UTC, datetime, timedelta
from typing import Any

from launchplane_lane_contracts.contract import (
    DatabaseName,
    FilestorePath,
    Nonce,
    SystemIdentifier,
)
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import EngineTag, Lineage, Marker, PhysicalIdentity
from launchplane_lane_contracts.policy import Policy
from launchplane_lane_contracts.vocabulary import TagState
from launchplane_lane_guard.database import query_through
from launchplane_lane_guard.marker_table import write_row
from launchplane_lane_guard.swap import comment
from tests.addon.control_plane import ControlPlane
from tests.addon.odoo_lane import OdooLane


def policy(lane: Lane, days: int | None = None) -> Policy:
    """Production, or provisional for that many days more."""
    plain: dict[str, Any] = {"lane": lane.to_plain(), "rollout_state": "production"}
    if days is not None:
        until = datetime.now(UTC) + timedelta(days=days, hours=-1)
        plain |= {
            "rollout_state": "provisional",
            "authoritative_data": False,
            "bootstrap_empty_allowed": True,
            "provisional_until": until.isoformat(),
        }
    return Policy.from_plain(plain)


def resettable(lane: Lane) -> Policy:
    """A test lane, which may start again from empty at any time."""
    return Policy.from_plain(
        {
            "lane": lane.to_plain(),
            "rollout_state": "testing",
            "authoritative_data": False,
            "bootstrap_empty_allowed": True,
            "requires_backup_before_destroy": False,
            "requires_restore_proof": False,
        }
    )


def unstamp(lane: OdooLane) -> None:
    """As it was before anybody enrolled it."""
    lane.cluster.execute("DELETE FROM launchplane_lane_marker", lane.database)
    lane.cluster.execute(f"COMMENT ON DATABASE {lane.database} IS NULL")


def stamp(
    lane: OdooLane,
    control_plane: ControlPlane,
    recorded: Policy,
    generation: int = 1,
    *,
    written_elsewhere: bool = False,
) -> None:
    """Write a signed marker for this very database, or one as a copy of another would have it."""
    ((oid,),) = lane.cluster.execute(
        f"SELECT oid::bigint FROM pg_database WHERE datname = '{lane.database}'"
    )
    marker = Marker(
        lane=recorded.lane,
        policy=recorded,
        policy_revision=1,
        authoritative=recorded.authoritative_data,
        generation=generation,
        nonce=Nonce("nonce-of-a-stamp"),
        identity=PhysicalIdentity(
            system_identifier=SystemIdentifier(lane.cluster.system_identifier),
            database_oid=oid + written_elsewhere,
            database_name=DatabaseName(lane.database),
            marker_table_oid=int(str(lane.table_oids()[0])),
        ),
        filestore_path=FilestorePath(str(lane.folder / "filestore" / lane.database)),
        lineage=Lineage(),
        stamped_at=datetime.now(UTC),
    )
    connection = lane.cluster.connect(lane.database, autocommit=True)
    try:
        write_row(query_through(connection), control_plane.marker_row(marker), keep_claim=False)
        tag = EngineTag(
            lane=marker.lane, generation=generation, database_oid=oid, state=TagState.LIVE
        )
        comment(connection, marker.identity.database_name, tag)
    finally:
        connection.close()
