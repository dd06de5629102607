"""What came under the lane's name: whether it is as permitted, and its pending marker."""

from collections.abc import Iterator

from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.marker import EngineTag
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.reading import DatabaseReading, LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import DataSource, TagState

from .database import MAINTENANCE_DATABASE, connected, query_through
from .keep import BeginIntent
from .marker_table import create_tables, hold_row, write_event, write_row
from .others_own import others_own
from .settings import GuardSettings
from .swap import comment, expect, one_transaction, require_oid

GOES_BACK = "Undo the operation: the old data goes back, and what stands there is kept as well."
STILL_TO_COME = (
    "Where the new data is still to come, have it made and finish then. Else undo the operation: "
    "the old data goes back, and what stands there is kept as well."
)
NOT_OURS = (
    "Give that database its own name back (ALTER DATABASE ... RENAME), then finish again, or undo "
    "the operation."
)
STAYS = (
    "Nothing was set aside, so there is nothing to undo. Look for the lane's own database on the "
    "server, give it its name back (ALTER DATABASE ... RENAME), then finish again."
)


def wrong_database(permit: Permit, intent: BeginIntent, reading: LaneReading) -> Iterator[Reason]:
    """What of the database is not as the permit says it must be when the rebuild is over."""
    database = reading.database
    entry, before = database.entry, intent.database_oid
    if database.problem is not None or entry is None or not database.holds_relations:
        yield not_as_permitted(
            f"no initialised database stands under {database.name}"
            + (f" ({database.problem})" if database.problem else ""),
            STILL_TO_COME,
        )
        return
    if permit.request.fresh_volumes is not None:
        yield from _still_on_the_old_volume(permit, reading)
        return
    if permit.request.data_source is DataSource.EXISTING:
        if entry.oid != before:
            yield not_as_permitted(
                f"the data should have stayed, but oid {before} has become {entry.oid}",
                STAYS,
            )
        table = permit.observation.database.identity
        if table is not None and table.marker_table_oid != database.marker_table_oid:
            yield not_as_permitted(
                f"the data should have stayed, but the marker's table {table.marker_table_oid} has "
                f"become {database.marker_table_oid or 'none'}: other data was loaded into it",
                STAYS,
            )
        return
    tag = entry.tag
    owner = others_own(database, permit.lane)
    if owner is not None:
        yield not_as_permitted(
            f"lane {owner}'s own database (oid {entry.oid}) stands under the name", NOT_OURS
        )
    elif (
        tag is not None
        and tag.database_oid == entry.oid
        and tag.state is TagState.KEPT
        and entry.oid != before
    ):
        yield not_as_permitted(f"a kept database of this lane (oid {entry.oid}) was renamed to it")
    if entry.oid == before:
        yield not_as_permitted(f"the old database (oid {before}) stands under the name")
    if before is not None and not any(
        each.name == intent.kept_name and each.oid == before for each in database.neighbours
    ):
        yield not_as_permitted(f"the kept database {intent.kept_name} (oid {before}) is not there")
    kept = permit.observation.incoming.kept
    came_back = permit.request.data_source is DataSource.KEPT
    if came_back and kept is not None and entry.oid != kept.database_oid:
        yield not_as_permitted(
            f"kept data with oid {kept.database_oid} should stand here, not oid {entry.oid}"
        )


def _still_on_the_old_volume(permit: Permit, reading: LaneReading) -> Iterator[Reason]:
    """On fresh volumes everything is another: the cluster says so, and oids say nothing."""
    server, before = reading.database.server, permit.observation.database.system_identifier
    volumes = permit.request.fresh_volumes
    assert volumes is not None
    if server is not None and server.system_identifier == before:
        yield not_as_permitted(
            f"the lane should stand on the fresh volume {volumes.database_after}, and its cluster "
            f"is still {before}, which is on {volumes.database_before}",
            "Have the provider put the lane on the fresh volume and finish again, or undo the "
            "operation.",
        )


def not_as_permitted(detail: str, remedy: str = GOES_BACK) -> Reason:
    """The reason for one such thing."""
    return reason(
        ReasonCode.RESULT_NOT_AS_PERMITTED,
        f"What stands there is not what the permit allows: {detail}.",
        remedy,
        detail=detail,
    )


def write_pending(
    connection: Connection, permit: Permit, token: str, database: DatabaseReading
) -> None:
    """Demote the marker that came with the data, and write the permit's pending row.

    A claim stays where the data is the lane's own (it never left, or was kept), and where it was
    made since this permit's row stands there. One that came with a copy was made for the original.
    """
    source = permit.request.data_source
    row = permit.pending_row(token)
    assert database.entry is not None
    query = query_through(connection)
    connection.autocommit = False
    require_oid(query, database.entry.oid)
    create_tables(query)
    came_with = database.marker_row
    if came_with is None or not came_with.says_the_same_as(row):
        held = hold_row(query)
        again = held is not None and held[0] == row.nonce
        kept = again or source in (DataSource.EXISTING, DataSource.KEPT)
        if came_with is not None and not again and source is not DataSource.EXISTING:
            write_event(
                query,
                "demoted",
                "guard",
                {"lane": came_with.lane, "generation": came_with.generation, "claim_kept": kept},
            )
        claimed = write_row(query, row, keep_claim=kept)
        # One that SQL took off the row stays missed: nobody has seen that, and adopted the data.
        claimed = claimed or (kept and came_with is not None and came_with.claimed)
        write_event(
            query, "finish", "guard", {"permit_id": permit.permit_id, "claim_kept": claimed}
        )
    connection.commit()


def tag_pending(settings: GuardSettings, permit: Permit, database: DatabaseReading) -> None:
    """Say beside the database that it is not settled."""
    assert database.entry is not None
    tag = EngineTag(
        lane=permit.lane,
        generation=permit.generation,
        database_oid=database.entry.oid,
        state=TagState.PENDING,
        permit_id=permit.permit_id,
    )
    with connected(settings, MAINTENANCE_DATABASE) as server, one_transaction(server):
        comment(server, settings.database, tag)
        expect(server, settings.database, tag.database_oid)
