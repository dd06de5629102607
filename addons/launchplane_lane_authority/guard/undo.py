"""`undo`: kept data goes back under its name; what stood there instead is kept."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from launchplane_lane_contracts.contract import DatabaseName, PermitId
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import EngineTag, FilestoreTag
from launchplane_lane_contracts.orders import Permit, UndoOrder
from launchplane_lane_contracts.reading import DatabaseReading, LaneReading, ServerReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.receipt import SetAside
from launchplane_lane_contracts.vocabulary import DataSource, FilestoreState, TagState

from . import filestore
from .database import MAINTENANCE_DATABASE, connected
from .keep import ABORTED, ENDED, FILLING, GOING_BACK, SET_ASIDE, UNDONE, BeginIntent, Keep
from .kept_data import require_server, stayed_kept
from .lane_reading import read_lane
from .moving import Mover
from .order_check import check_environment
from .others_own import others_own
from .own_session import require_own_session
from .settings import GuardSettings
from .side import Sides
from .side_arrival import forget_sides
from .swap import (
    Coming,
    Going,
    allow_connections,
    allow_writing,
    comment,
    expect,
    one_transaction,
    set_locked,
    swap,
)
from .tokens import PublicKeys


def undo(
    settings: GuardSettings, keys: PublicKeys, order: UndoOrder
) -> tuple[LaneReading, SetAside | None]:
    """Put back what the permit's begin set aside.

    Run again after a crash it carries on. Raises Refused, CouldNotTell or Busy.
    """
    check_environment(order, settings)
    if settings.keep is None:
        raise Refused.because(_impossible("no keep is configured", "Configure the lane's keep."))
    keep = Keep(settings.keep)
    keep.prepare(order.lane)
    with keep.locked():
        begun = _begun_under(settings, keep, order)
        if not begun:
            forget_sides(settings, keep)
            return read_lane(settings), None
        first, last = begun[0], begun[-1]
        if keep.has(first.permit_id, UNDONE):
            _end(keep, begun, UNDONE)
            reading = read_lane(settings)
            remains_oid = _oid_of(reading.database, order.remains_name)
            return reading, _remains(keep, order.remains_name, remains_oid)
        if keep.has(first.permit_id, ABORTED):
            # The data went back as it was; so there is nothing left to put back.
            _end(keep, begun)
            return read_lane(settings), None
        if any(keep.has(each.permit_id, ENDED) for each in begun):
            raise Refused.because(
                _impossible(
                    f"the rebuild of permit {order.permit_id} is settled",
                    "Plan a restore from the kept database instead; the lane's view lists it.",
                )
            )
        permit = _permit(keys, first)
        if permit.request.data_source is DataSource.EXISTING:
            if not any(keep.has(each.permit_id, SET_ASIDE) for each in begun):
                # Its begin did not come to its end: all that it may have done is unlock.
                lock_again(settings, first, permit)
                _end(keep, begun, UNDONE)
                return read_lane(settings), None
            raise Refused.because(
                _impossible(
                    "the data stayed where it was, so there is nothing to put back",
                    "Roll back what runs on the data, or run the change again; then finish the "
                    "operation.",
                )
            )
        _refuse_others_own(read_lane(settings).database, first, order.lane)
        back = _way_back(first, permit, order, _permit(keys, last))
        remains = put_back(settings, keep, first, permit, back)
        _end(keep, begun, UNDONE)
        forget_sides(settings, keep)
    return read_lane(settings), remains


def _begun_under(settings: GuardSettings, keep: Keep, order: UndoOrder) -> tuple[BeginIntent, ...]:
    """Every begin of the operation, oldest first. No permit without one can be begun from now on.

    The first one set the lane's data aside, each later one what its forerunner had left.
    """
    permits = (*order.earlier_permits, order.permit_id)
    unknown = [each for each in permits if keep.intent(each) is None]
    if unknown:
        _expect_no_trace(settings, unknown)
    for each in permits:
        if not keep.is_real(each):
            keep.void(each, order.remains_name)
    intents = (keep.intent(each) for each in permits if keep.is_real(each))
    return tuple(each for each in intents if each is not None)


def _refuse_others_own(database: DatabaseReading, first: BeginIntent, lane: Lane) -> None:
    """Another lane's own database is never kept with the remains, though it lost its tag."""
    entry, owner = database.entry, others_own(database, lane)
    if entry is not None and owner is not None and entry.oid != first.database_oid:
        raise Refused.because(
            _impossible(
                f"lane {owner}'s own database (oid {entry.oid}) stands under the name",
                "Give that database its own name back, then undo again.",
            )
        )


def _end(keep: Keep, begun: tuple[BeginIntent, ...], *steps: str) -> None:
    """Note of all of them that it is over; of the first one first, by which a killed undo goes."""
    for each in begun:
        for step in (*steps, ENDED):
            keep.note(each.permit_id, step)


def _permit(keys: PublicKeys, intent: BeginIntent) -> Permit:
    permit = keys.order(intent.token, kind="permit", heed_time=False)
    assert isinstance(permit, Permit)
    return permit


def _expect_no_trace(settings: GuardSettings, permits: list[PermitId]) -> None:
    """Refuse when a database says that the permit was begun, whatever the keep knows of it."""
    database = read_lane(settings).database
    if database.server is None:
        raise CouldNotTell(f"The server did not answer: {database.problem}.")
    here = (database.entry,) if database.entry is not None else ()
    for each in (*here, *database.neighbours):
        if each.tag is not None and each.tag.permit_id in permits:
            raise Refused.because(
                _impossible(
                    f"{each.name} (oid {each.oid}) was tagged under permit {each.tag.permit_id}, "
                    f"and the keep {settings.keep} knows nothing of it",
                    "Give the guard the keep with which the operation was begun, then undo again.",
                )
            )


@dataclass(frozen=True)
class WayBack:
    """How the data that goes back stands there again, and where the remains go."""

    lane: Lane
    remains_name: DatabaseName
    tag: EngineTag | None
    """The tag of the data that goes back."""
    locked: bool
    """Whether it is locked at once."""
    came: Permit
    """The permit under which what stands there now came."""


def _way_back(intent: BeginIntent, permit: Permit, order: UndoOrder, came: Permit) -> WayBack:
    """Under a new generation, and locked where it was locked before it was set aside."""
    tag = None
    if intent.database_oid is not None:
        tag = EngineTag(
            lane=order.lane,
            generation=order.generation,
            database_oid=intent.database_oid,
            state=TagState.PENDING,
            permit_id=order.permit_id,
        )
    locked = permit.observation.database.locked
    return WayBack(order.lane, order.remains_name, tag, locked, came)


def put_back(
    settings: GuardSettings, keep: Keep, intent: BeginIntent, permit: Permit, back: WayBack
) -> SetAside | None:
    """Give name and folder back to what was set aside; what is kept of what stands there now.

    Run again after a crash it carries on. Raises Refused or CouldNotTell.
    """
    database = read_lane(settings).database
    require_server(database)
    require_own_session(settings)
    assert database.server is not None
    _require_kept_folder(settings, keep, intent, permit)
    _require_room(settings, keep, intent)
    # From here on a begin would take away what is on its way back.
    was_going = keep.has(intent.permit_id, GOING_BACK)
    keep.note(intent.permit_id, GOING_BACK)
    try:
        remains = _exchange_databases(settings, intent, permit, back, database)
    except Refused:
        # Everything stands where it stood, unless an earlier run came further.
        if not was_going:
            keep.forget(intent.permit_id, GOING_BACK)
        raise
    _exchange_folders(settings, keep, intent, permit, back, remains)
    _tag_remains(keep.filestore(back.remains_name), back.came, database.server, remains)
    return _remains(keep, back.remains_name, remains)


def _require_kept_folder(
    settings: GuardSettings, keep: Keep, intent: BeginIntent, permit: Permit
) -> None:
    """Refuse before anything moves when the files that belong to the kept data are not there."""
    before = permit.observation
    if not intent.had_filestore or before.filestore.state is FilestoreState.EMPTY:
        return
    kept = keep.filestore(intent.kept_name)
    # A begin or an undo that was killed: then the served folder must be the very one.
    folder = kept if kept.exists() else settings.filestore
    tag, _problem = filestore.read_tag(folder)
    generation = before.record.generation
    if (
        tag is None
        or tag.lane != permit.lane
        or tag.permit_id == permit.permit_id
        or (before.database.oid and generation and tag.generation != generation)
    ):
        raise Refused.because(
            _impossible(
                f"the files that were set aside as {kept} are not there with their tag",
                "Look for that folder and put it back into the keep, then undo again.",
            )
        )


def _require_room(settings: GuardSettings, keep: Keep, intent: BeginIntent) -> None:
    """Refuse before anything moves when the files have to be copied and there is no room."""
    kept = keep.filestore(intent.kept_name)
    if not kept.exists() or keep.has(intent.permit_id, f"{FILLING}-undo"):
        return
    lacks = Mover(settings.filestore, keep).room_lacks(kept)
    if lacks is not None:
        raise Refused.because(lacks)


def _remains(keep: Keep, name: DatabaseName, oid: int | None) -> SetAside | None:
    folder = keep.filestore(name)
    if oid is None and not folder.exists():
        return None
    return SetAside(name=name, database_oid=oid, has_filestore=folder.exists())


def lock_again(settings: GuardSettings, intent: BeginIntent, permit: Permit) -> None:
    """Lock the data that stayed, where it was locked before, and is still the same."""
    entry = read_lane(settings).database.entry
    if permit.observation.database.locked and entry and entry.oid == intent.database_oid:
        with connected(settings, MAINTENANCE_DATABASE) as server, one_transaction(server):
            set_locked(server, settings.database, locked=True)
            expect(server, settings.database, entry.oid)


def _exchange_databases(
    settings: GuardSettings,
    intent: BeginIntent,
    permit: Permit,
    back: WayBack,
    database: DatabaseReading,
) -> int | None:
    """Give the name back to what it belongs to; the oid of what stood there, if anything did."""
    entry = database.entry
    if entry is not None and entry.oid == intent.database_oid:
        # It never left its name, or an undo before this one came this far, or somebody gave it its
        # name back by hand: then it still has the tag and the lock of what is kept.
        by_hand = entry.tag is None or entry.tag.state is TagState.KEPT
        if by_hand or not entry.takes_connections:
            with connected(settings, MAINTENANCE_DATABASE) as server:
                if by_hand:
                    with one_transaction(server):
                        comment(server, settings.database, back.tag)
                        set_locked(server, settings.database, locked=back.locked)
                        allow_writing(server, settings.database)
                        expect(server, settings.database, entry.oid)
                allow_connections(server, settings.database)
        return _oid_of(database, back.remains_name)
    tag = entry.tag if entry is not None else None
    if (
        entry is not None
        and tag is not None
        and tag.database_oid == entry.oid
        and (tag.lane != back.lane or tag.state is TagState.KEPT)
    ):
        whose = "own" if tag.state is not TagState.KEPT else "kept"
        raise Refused.because(
            _impossible(
                f"lane {tag.lane}'s {whose} database (oid {entry.oid}) stands under the name",
                "Give that database its own name back, then undo again.",
            )
        )
    going = None
    if entry is not None:
        going = Going(entry.oid, back.remains_name, _remains_tag(back.came, entry.oid))
    coming = None
    if intent.database_oid is not None:
        kept = next(
            (
                each
                for each in database.neighbours
                if each.name == intent.kept_name
                and each.oid == intent.database_oid
                and stayed_kept(each, back.lane)
            ),
            None,
        )
        if kept is None:
            raise Refused.because(
                _impossible(
                    f"{intent.kept_name} (oid {intent.database_oid}) is not there with its tag",
                    "Look for that database on the lane's server: if it was renamed, give it its "
                    "name back, then undo again. If it is there with another database's tag, find "
                    "out who wrote that and take it off.",
                )
            )
        coming = Coming(
            kept.oid,
            intent.kept_name,
            back.tag,
            back.locked,
        )
    if going is not None or coming is not None:
        with connected(settings, MAINTENANCE_DATABASE) as server:
            swap(server, settings.database, going, coming)
    return going.oid if going is not None else _oid_of(database, back.remains_name)


def _oid_of(database: DatabaseReading, name: str) -> int | None:
    return next((each.oid for each in database.neighbours if each.name == name), None)


def _remains_tag(permit: Permit, oid: int) -> EngineTag:
    return EngineTag(
        lane=permit.lane,
        generation=permit.generation,
        database_oid=oid,
        state=TagState.KEPT,
        permit_id=permit.permit_id,
        set_aside_at=datetime.now(UTC),
    )


def _exchange_folders(
    settings: GuardSettings,
    keep: Keep,
    intent: BeginIntent,
    permit: Permit,
    back: WayBack,
    remains_oid: int | None,
) -> None:
    """The served folder becomes the remains'; the kept one is served again."""
    served = settings.filestore
    kept, remains = keep.filestore(intent.kept_name), keep.filestore(back.remains_name)
    went_back = permit.observation.incoming.kept
    filling = f"{FILLING}-undo"
    try:
        mover = Mover(served, keep)
        if went_back is not None and went_back.database_oid == remains_oid:
            # A begin that was killed before it fetched the files of the kept data that came.
            _keep_what_never_left(mover, keep.filestore(went_back.name), remains)
        side = back.came.observation.incoming.side
        if side is not None and side.database_oid == remains_oid:
            _keep_what_never_left(mover, Sides(keep.folder).files(side.name), remains)
        # While the kept folder is in the keep, what is served is not it.
        if intent.had_filestore and not kept.exists():
            mover.clear(kept)
            return
        if not any(keep.has(intent.permit_id, step) for step in (SET_ASIDE, f"{FILLING}-begin")):
            # A begin was killed while it emptied what it had copied; nothing else is there yet.
            mover.empty(kept)
        if mover.renames or not keep.has(intent.permit_id, filling):
            mover.make_room(back.remains_name)
        if not mover.renames:
            keep.note(intent.permit_id, filling)
        if intent.had_filestore:
            mover.serve(kept)
    except OSError as problem:
        raise CouldNotTell(
            f"The files could not be put back ({problem}). Nothing is lost: they lie in "
            f"{kept} and {remains}. Undo again when the folder can be written to."
        ) from None


def _keep_what_never_left(mover: Mover, folder: Path, remains: Path) -> None:
    """Files that a killed begin did not come to serve stay with their database. Raises OSError."""
    mover.clear(folder)
    if folder.exists() and not remains.exists():
        filestore.rename_folder(folder, remains)


def _tag_remains(
    folder: Path, permit: Permit, server: ServerReading, database_oid: int | None
) -> None:
    """Say whose files the remains are, unless they say themselves that they are another lane's."""
    if not folder.exists():
        return
    tag, _problem = filestore.read_tag(folder)
    if tag is not None and tag.lane != permit.lane:
        return
    try:
        filestore.write_tag(
            folder,
            FilestoreTag(
                lane=permit.lane,
                generation=permit.generation,
                system_identifier=server.system_identifier,
                database_oid=database_oid,
                state=TagState.KEPT,
                permit_id=permit.permit_id,
            ),
        )
    except OSError as problem:
        raise CouldNotTell(f"The tag of {folder} could not be written: {problem}.") from None


def _impossible(detail: str, remedy: str) -> Reason:
    return reason(
        ReasonCode.UNDO_IMPOSSIBLE, f"It cannot be undone: {detail}.", remedy, detail=detail
    )
