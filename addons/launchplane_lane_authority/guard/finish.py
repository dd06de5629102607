"""`finish`: what the materialiser left gets a pending marker, if it is what the permit said."""

from collections.abc import Iterator

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.marker import EngineTag, FilestoreTag
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import DataSource, TagState

from . import filestore
from .attached_files import is_there, named_files
from .begin import open_keep
from .database import MAINTENANCE_DATABASE, connected, query_through
from .keep import ENDED, FINISHED, SET_ASIDE, UNDONE, BeginIntent, Keep
from .lane_reading import read_lane
from .marker_table import create_tables, write_event, write_row
from .order_check import check_environment
from .settings import GuardSettings
from .swap import comment

FILES_NAMED_AT_MOST = 3
GOES_BACK = "Undo the operation: the old data goes back, and what stands there is kept as well."
STAYS = (
    "Nothing was set aside, so there is nothing to undo. Look for the lane's own database on the "
    "server, give it its name back (ALTER DATABASE ... RENAME), then finish again."
)


def finish(settings: GuardSettings, permit: Permit, token: str) -> LaneReading:
    """Check what stands there against the permit, and write the pending marker and tags.

    Run again it does nothing more. Raises Refused, CouldNotTell or Busy.
    """
    check_environment(permit, settings)
    keep = open_keep(settings, permit)
    with keep.locked():
        intent = begun(keep, permit)
        if keep.has(permit.permit_id, UNDONE):
            raise Refused.because(
                reason(
                    ReasonCode.PERMIT_NOT_BEGUN,
                    f"The rebuild of permit {permit.permit_id} was undone, so it cannot be "
                    "finished.",
                    "Plan and authorize again for another rebuild.",
                    permit_id=permit.permit_id,
                )
            )
        if keep.has(permit.permit_id, ENDED):
            return read_lane(settings)
        reading = read_lane(settings)
        wrong = tuple(_wrong(permit, intent, reading))
        if wrong:
            raise Refused.because(*wrong)
        _mark(settings, permit, token, reading)
        keep.note(permit.permit_id, FINISHED)
    return read_lane(settings)


def begun(keep: Keep, permit: Permit) -> BeginIntent:
    """What was noted when the permit was begun. Raises Refused when it was not."""
    intent = keep.intent(permit.permit_id)
    if intent is None or not keep.has(permit.permit_id, SET_ASIDE):
        raise Refused.because(
            reason(
                ReasonCode.PERMIT_NOT_BEGUN,
                f"Permit {permit.permit_id} was not begun here, or its begin did not come to its "
                "end.",
                "Run `begin` with it (again), or undo the operation.",
                permit_id=permit.permit_id,
            )
        )
    return intent


def _wrong(permit: Permit, intent: BeginIntent, reading: LaneReading) -> Iterator[Reason]:
    """What is not as the permit says it must be now."""
    database = reading.database
    entry, before = database.entry, intent.database_oid
    if database.problem is not None or entry is None or not database.holds_relations:
        yield _not_as_permitted(
            f"no initialised database stands under {database.name}"
            + (f" ({database.problem})" if database.problem else "")
        )
        return
    if permit.request.data_source is DataSource.EXISTING:
        if entry.oid != before:
            yield _not_as_permitted(
                f"the data should have stayed, but oid {before} has become {entry.oid}",
                STAYS,
            )
        table = permit.observation.database.identity
        if table is not None and table.marker_table_oid != database.marker_table_oid:
            yield _not_as_permitted(
                f"the data should have stayed, but the marker's table {table.marker_table_oid} has "
                f"become {database.marker_table_oid or 'none'}: other data was loaded into it",
                STAYS,
            )
        return
    tag = entry.tag
    # A tag that came with a copy fits no oid; one that fits is that of a database itself, renamed.
    if tag is not None and tag.database_oid == entry.oid and tag.lane != permit.lane:
        yield _not_as_permitted(f"lane {tag.lane}'s own database stands under the name")
    elif (
        tag is not None
        and tag.database_oid == entry.oid
        and tag.state is TagState.KEPT
        and entry.oid != before
    ):
        yield _not_as_permitted(f"a kept database of this lane (oid {entry.oid}) was renamed to it")
    if entry.oid == before:
        yield _not_as_permitted(f"the old database (oid {before}) stands under the name")
    if before is not None and not any(
        each.name == intent.kept_name and each.oid == before for each in database.neighbours
    ):
        yield _not_as_permitted(f"the kept database {intent.kept_name} (oid {before}) is not there")
    kept = permit.observation.incoming.kept
    came_back = permit.request.data_source is DataSource.KEPT
    if came_back and kept is not None and entry.oid != kept.database_oid:
        yield _not_as_permitted(
            f"kept data with oid {kept.database_oid} should stand here, not oid {entry.oid}"
        )
    if not reading.filestore.exists or reading.filestore.problem:
        yield _not_as_permitted(f"the folder {reading.filestore.path} is not there")


def _not_as_permitted(detail: str, remedy: str = GOES_BACK) -> Reason:
    return reason(
        ReasonCode.RESULT_NOT_AS_PERMITTED,
        f"What stands there is not what the permit allows: {detail}.",
        remedy,
        detail=detail,
    )


def _mark(settings: GuardSettings, permit: Permit, token: str, reading: LaneReading) -> None:
    database = reading.database
    assert database.entry is not None
    assert database.server is not None
    existing = permit.request.data_source is DataSource.EXISTING
    row = permit.pending_row(token)
    with connected(settings, settings.database) as connection:
        query = query_through(connection)
        missing = [name for name in named_files(query) if not is_there(settings.filestore, name)]
        if missing:
            shown = ", ".join(missing[:FILES_NAMED_AT_MOST])
            raise Refused.because(
                _not_as_permitted(
                    f"{len(missing)} file(s) that the database names are not there, such as {shown}"
                )
            )
        connection.autocommit = False
        create_tables(query)
        came_with = database.marker_row
        if came_with != row:
            if came_with is not None and not existing:
                write_event(
                    query,
                    "demoted",
                    "guard",
                    {"lane": came_with.lane, "generation": came_with.generation},
                )
            write_row(query, row, keep_claim=existing)
            write_event(query, "finish", "guard", {"permit_id": permit.permit_id})
        connection.commit()
    with connected(settings, MAINTENANCE_DATABASE) as server:
        comment(
            server,
            settings.database,
            EngineTag(
                lane=permit.lane,
                generation=permit.generation,
                database_oid=database.entry.oid,
                state=TagState.PENDING,
                permit_id=permit.permit_id,
            ),
        )
    filestore.tag_served(
        settings.filestore,
        FilestoreTag(
            lane=permit.lane,
            generation=permit.generation,
            system_identifier=database.server.system_identifier,
            database_oid=database.entry.oid,
            state=TagState.PENDING,
            permit_id=permit.permit_id,
        ),
    )
