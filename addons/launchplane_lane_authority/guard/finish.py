"""`finish`: what the materialiser left gets a pending marker, if it is what the permit said."""

from collections.abc import Iterator

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.marker import FilestoreTag
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import DataSource, TagState

from . import filestore
from .arrival import not_as_permitted, tag_pending, write_pending, wrong_database
from .attached_files import is_there, named_files
from .begin import kept_tag, open_keep
from .database import MAINTENANCE_DATABASE, connected, query_through
from .keep import ENDED, FINISHED, SET_ASIDE, UNDONE, BeginIntent, Keep
from .lane_reading import read_lane
from .order_check import check_environment
from .settings import GuardSettings
from .side_arrival import forget_sides
from .swap import comment, expect, one_transaction

FILES_NAMED_AT_MOST = 3


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
                    "Run `lane-authority undo` once more where the operation still holds its lane; "
                    "then plan and authorize again for another rebuild.",
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
        _tag_kept_again(settings, permit, intent, reading)
        keep.note(permit.permit_id, FINISHED)
        forget_sides(settings, keep)
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
    yield from wrong_database(permit, intent, reading)
    if permit.request.data_source is DataSource.EXISTING or reading.database.entry is None:
        return
    if not reading.filestore.exists or reading.filestore.problem:
        yield not_as_permitted(f"the folder {reading.filestore.path} is not there")


def _tag_kept_again(
    settings: GuardSettings, permit: Permit, intent: BeginIntent, reading: LaneReading
) -> None:
    """Give what was set aside its tag again, where its comment was overwritten since."""
    kept = next(
        (
            each
            for each in reading.database.neighbours
            if (each.name, each.oid) == (intent.kept_name, intent.database_oid)
        ),
        None,
    )
    if kept is None or kept.tag is not None:
        return
    with connected(settings, MAINTENANCE_DATABASE) as server, one_transaction(server):
        comment(server, kept.name, kept_tag(permit, permit.observation.database.tag, intent))
        expect(server, kept.name, kept.oid)


def _mark(settings: GuardSettings, permit: Permit, token: str, reading: LaneReading) -> None:
    database = reading.database
    with connected(settings, settings.database) as connection:
        query = query_through(connection)
        side = permit.observation.incoming.side
        # What the lane lacked already when it was captured is no fault of what restored it.
        lacking = frozenset(side.lacking) if side is not None else frozenset()
        missing = [
            name
            for name in named_files(query)
            if name not in lacking and not is_there(settings.filestore, name)
        ]
        if missing:
            shown = ", ".join(missing[:FILES_NAMED_AT_MOST])
            raise Refused.because(
                not_as_permitted(
                    f"{len(missing)} file(s) that the database names are not there, such as {shown}"
                )
            )
        write_pending(connection, permit, token, database)
    tag_pending(settings, permit, database)
    assert database.entry is not None
    assert database.server is not None
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
