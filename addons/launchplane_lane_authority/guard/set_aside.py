"""`set-aside`: by an order of its own, what stands at the lane's place is kept and nothing comes.

For data that was declared lost. A database whose pages are broken can still be renamed. Killed
anywhere, it can be run again: what has moved already is known by its oid and its folder.
"""

from pathlib import Path

import psycopg2

from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.marker import EngineTag, FilestoreTag
from launchplane_lane_contracts.orders import SetAsideOrder
from launchplane_lane_contracts.reading import DatabaseEntry, DatabaseReading, LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.receipt import SetAside
from launchplane_lane_contracts.vocabulary import TagState

from . import filestore
from .database import MAINTENANCE_DATABASE, connected
from .keep import ENDED, Keep
from .kept_data import require_keep, require_server
from .lane_reading import read_lane
from .moving import Mover
from .order_check import check_environment
from .others_own import others_own
from .own_session import require_own_session
from .settings import GuardSettings
from .swap import Going, swap


def set_aside(settings: GuardSettings, order: SetAsideOrder) -> tuple[LaneReading, SetAside]:
    """Keep the database and the files that the order names. Nothing takes their place.

    Raises Refused, CouldNotTell.
    """
    check_environment(order, settings)
    reading = read_lane(settings)
    require_server(reading.database)
    require_own_session(settings)
    keep = require_keep(settings, reading, order.lane)
    with keep.locked():
        reading = read_lane(settings)
        _nothing_is_unfinished(keep, order, reading.database)
        _files_are_nobody_elses(reading, order)
        moved = _moved_already(reading.database, order)
        entry = reading.database.entry
        if moved and entry is not None:
            raise Refused.because(_came_since(order, entry))
        if not moved and (entry.oid if entry is not None else None) != order.database_oid:
            raise Refused.because(_other(order, reading.database))
        away = keep.filestore(order.kept_name)
        goes = order.database_oid is not None and not moved
        if goes and order.has_filestore and away.exists():
            raise Refused.because(_folder_in_the_way(away))
        # Files that lie there after all was kept are somebody's who put them there since.
        files_go = order.has_filestore and (goes or not keep.is_kept(order.permit_id))
        try:
            mover = Mover(settings.filestore, keep)
            if files_go:
                mover.copy_beforehand(away)
            if order.database_oid is not None and not moved:
                with connected(settings, MAINTENANCE_DATABASE) as server:
                    swap(server, settings.database, _going(order, order.database_oid), None)
            if files_go:
                _move_files(settings, order, mover, keep, reading)
            keep.note_kept(order.permit_id)
            for each in order.ends:
                if keep.intent(each) is None:
                    keep.void(each, order.kept_name)
                keep.note(each, ENDED)
        except (OSError, psycopg2.Error) as problem:
            raise CouldNotTell(
                f"Not everything was set aside: {problem}. Put that right and run the same "
                "command again: it goes on."
            ) from None
    return read_lane(settings), SetAside(
        name=order.kept_name,
        database_oid=order.database_oid,
        has_filestore=order.has_filestore,
    )


def _going(order: SetAsideOrder, oid: int) -> Going:
    return Going(
        oid,
        order.kept_name,
        EngineTag(
            lane=order.lane,
            generation=order.generation,
            database_oid=oid,
            state=TagState.KEPT,
            permit_id=order.permit_id,
            set_aside_at=order.issued_at,
        ),
    )


def _moved_already(database: DatabaseReading, order: SetAsideOrder) -> bool:
    return any(
        (each.name, each.oid) == (order.kept_name, order.database_oid)
        for each in database.neighbours
    )


def _move_files(
    settings: GuardSettings, order: SetAsideOrder, mover: Mover, keep: Keep, reading: LaneReading
) -> None:
    away = keep.filestore(order.kept_name)
    if not away.exists():
        mover.set_aside(away)
    else:
        mover.empty(away)
    assert reading.database.server is not None
    filestore.write_tag(
        away,
        FilestoreTag(
            lane=order.lane,
            generation=order.generation,
            system_identifier=reading.database.server.system_identifier,
            database_oid=order.database_oid,
            state=TagState.KEPT,
            permit_id=order.permit_id,
        ),
    )
    if not settings.filestore.exists():
        filestore.make_like(settings.filestore, away)


def _nothing_is_unfinished(keep: Keep, order: SetAsideOrder, database: DatabaseReading) -> None:
    """Refuse while an operation may still give back what it set aside."""
    first = keep.intent(order.ends[0]) if order.ends else None
    still_kept = first is not None and any(
        each.oid == first.database_oid for each in database.neighbours
    )
    begun = next(
        (
            each
            for each in keep.records()
            if not each.ended and (still_kept or each.permit_id not in order.ends)
        ),
        None,
    )
    if begun is not None:
        raise Refused.because(
            reason(
                ReasonCode.OPERATION_UNFINISHED,
                f"Permit {begun.permit_id} was begun and is not settled, so nothing else is set "
                "aside.",
                "Finish that operation or undo it first.",
                permit_id=begun.permit_id,
            )
        )


def _files_are_nobody_elses(reading: LaneReading, order: SetAsideOrder) -> None:
    tag = reading.filestore.tag
    if order.has_filestore and tag is not None and tag.lane != order.lane:
        raise Refused.because(
            reason(
                ReasonCode.FILESTORE_FOREIGN,
                f"The folder {reading.filestore.path} holds the files of lane {tag.lane}.",
                "Correct the lane's filestore path or volume, then look again.",
                found=tag.lane,
            )
        )
    owner = others_own(reading.database, order.lane)
    if owner is not None:
        raise Refused.because(
            reason(
                ReasonCode.MARKER_FOREIGN,
                f"The database is lane {owner}'s own: its tag or its marker says so.",
                "Put the database of this lane under the name, then look again.",
                found=owner,
            )
        )


def _came_since(order: SetAsideOrder, entry: DatabaseEntry) -> Reason:
    return reason(
        ReasonCode.READINGS_MOVED,
        f"What the order names is kept as {order.kept_name} already, and another database (oid "
        f"{entry.oid}) came under the name since. It and the files there were left alone.",
        "Give that database another name, then run the same command again: it goes on.",
        expected=None,
        found=entry.oid,
    )


def _folder_in_the_way(away: Path) -> Reason:
    return reason(
        ReasonCode.SET_ASIDE_IMPOSSIBLE,
        f"The files would be set aside as {away}, and that is already there.",
        "Look at what is in that folder and move it elsewhere, then run the same command again.",
        folder=away,
    )


def _other(order: SetAsideOrder, database: DatabaseReading) -> Reason:
    found = database.entry.oid if database.entry is not None else "none"
    return reason(
        ReasonCode.READINGS_MOVED,
        f"The order is for the database with oid {order.database_oid or 'none'}; {found} was "
        "found under the name.",
        "Look at the lane again; the next look says what stands there.",
        expected=order.database_oid,
        found=found,
    )
