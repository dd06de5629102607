"""`release`: the only thing in the product that drops a lane's data, and what must be true first.

The steps: see that nothing of the lane is unfinished, and that the kept database and its files are
the ones that the order names; note the intent; close the database and see that nobody is in it;
read once more what speaks for or against it; then, in one transaction, give it a name that nobody
can guess, compare the oid and unlock it; drop that name; remove the files. Killed anywhere, it can
be run again: then it finishes, or puts name and lock back and says why not.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.contract import DatabaseName, SystemIdentifier
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.inside import read_inside
from launchplane_lane_contracts.marker import MarkerRow
from launchplane_lane_contracts.orders import GivenUp, ProvenByBackup, ReleaseOrder
from launchplane_lane_contracts.reading import DatabaseEntry, LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import TagState

from .database import MAINTENANCE_DATABASE, connected, first_line, query_through
from .durable import sync_folder
from .filestore import read_tag, rename_folder
from .invalid import HOLDS_NOTHING, is_invalid
from .keep import Keep
from .kept_data import (
    find_kept,
    is_kept_data,
    require_folder,
    require_keep,
    require_plain_name,
    require_server,
)
from .kept_proof import compare_files, compare_rows, require_backup
from .lane_reading import read_lane
from .order_check import check_environment
from .others_own import marker_claimed
from .own_session import require_own_session
from .release_notes import DONE, DROPPING, ReleaseIntent, ReleaseNotes
from .sessions import Obstacle, end_sessions, prepared_transactions
from .settings import GuardSettings
from .swap import (
    allow_connections,
    close,
    expect,
    one_transaction,
    only_reading,
    rename,
    require_oid,
    set_locked,
)


def release(settings: GuardSettings, order: ReleaseOrder) -> LaneReading:
    """Drop the kept database that the order names, and its files after it.

    Run again it finishes. Raises Refused, CouldNotTell or Busy; unless the message says otherwise
    the kept data then stands there, locked and closed.
    """
    check_environment(order, settings)
    require_plain_name(order.kept)
    reading = read_lane(settings)
    require_server(reading.database)
    require_own_session(settings)
    keep = require_keep(settings, reading, order.lane)
    with keep.locked():
        _nothing_is_unfinished(keep, reading)
        notes = ReleaseNotes(keep.folder, order.kept)
        reading = read_lane(settings)
        require_server(reading.database)
        assert reading.database.server is not None
        cluster = reading.database.server.system_identifier
        entry = _standing(reading, order, notes, keep)
        files = keep.filestore(order.kept.name)
        if entry is not None or files.exists():
            require_folder(files, order.kept, order.lane, expected=order.has_filestore)
        if notes.has(DONE):
            return read_lane(settings)
        over = notes.has(DROPPING) and (entry is None or _can_not_be_read(settings, entry))
        if isinstance(order.basis, ProvenByBackup) and not over:
            # Also where an earlier run had seen it: its backup may have gone since.
            require_backup(settings, order.basis)
        intent = _note(notes, order, cluster)
        if isinstance(order.basis, ProvenByBackup) and files.exists():
            compare_files(files, order.basis)
        if entry is not None:
            _drop(settings, order, notes, intent, entry)
        _remove_files(files, notes)
        notes.note(DONE)
    return read_lane(settings)


def _nothing_is_unfinished(keep: Keep, reading: LaneReading) -> None:
    begun = next((each for each in keep.records() if not each.ended), None)
    entry = reading.database.entry
    tag = entry.tag if entry is not None else None
    if begun is not None:
        detail = f"permit {begun.permit_id} was begun at {begun.begun_at:%Y-%m-%d %H:%M:%S} UTC"
    elif tag is not None and tag.state is TagState.PENDING:
        detail = f"the data under {reading.database.name} is not settled yet"
    else:
        return
    raise Refused.because(
        reason(
            ReasonCode.OPERATION_UNFINISHED,
            f"An operation of this lane is unfinished, so nothing is released: {detail}.",
            "Finish that operation or undo it, then release.",
            detail=detail,
        )
    )


def _standing(
    reading: LaneReading, order: ReleaseOrder, notes: ReleaseNotes, keep: Keep
) -> DatabaseEntry | None:
    """The kept database, under its name or the one that an earlier run gave it.

    None when that run has dropped it. Raises Refused when it is neither there nor dropped by us.
    """
    assert reading.database.server is not None
    cluster = reading.database.server.system_identifier
    intent = notes.intent()
    if intent is not None:
        for each in reading.database.neighbours:
            if is_kept_data(each, order.kept, order.lane, intent.parting_name):
                return each
        there = any(each.oid == order.kept.database_oid for each in reading.database.neighbours)
        if notes.has(DROPPING) and not there:
            begun_on = intent.system_identifier or _cluster_of(keep.filestore(order.kept.name))
            if begun_on not in (None, cluster):
                raise Refused.because(_another_cluster(begun_on, cluster))
            return None
    return find_kept(reading.database, order.kept, order.lane)


def _cluster_of(folder: Path) -> SystemIdentifier | None:
    """The cluster that the files' tag names; for notes that do not say where they were written."""
    tag, _problem = read_tag(folder)
    return tag.system_identifier if tag is not None else None


def _another_cluster(begun_on: str | None, cluster: str) -> Reason:
    return _impossible(
        f"its release was begun on the cluster {begun_on}, and this is {cluster}",
        "Let ODOO_DB_HOST and ODOO_DB_PORT name the server on which it is kept, then run the same "
        "command again.",
    )


def _can_not_be_read(settings: GuardSettings, entry: DatabaseEntry) -> bool:
    try:
        with connected(settings, MAINTENANCE_DATABASE) as server:
            return is_invalid(server, entry.oid)
    except psycopg2.Error as problem:
        raise CouldNotTell(f"The server did not answer: {first_line(problem)}.") from None


def _note(notes: ReleaseNotes, order: ReleaseOrder, cluster: SystemIdentifier) -> ReleaseIntent:
    try:
        return notes.note_intent(order, cluster, datetime.now(UTC))
    except OSError as problem:
        raise CouldNotTell(
            f"The release could not be noted in the keep, so nothing was dropped: {problem}."
        ) from None


def _drop(
    settings: GuardSettings,
    order: ReleaseOrder,
    notes: ReleaseNotes,
    intent: ReleaseIntent,
    entry: DatabaseEntry,
) -> None:
    with connected(settings, MAINTENANCE_DATABASE) as server:
        try:
            half_dropped = is_invalid(server, entry.oid)
            if not half_dropped:
                _refuse(prepared_transactions(server, entry.name))
                close(server, entry.name)
                set_locked(server, entry.name, locked=True)
                expect(server, entry.name, entry.oid)
                _refuse(end_sessions(server, entry.oid))
                if not isinstance(order.basis, GivenUp):
                    with _alone_inside(settings, server, entry) as inside:
                        _look_once_more(inside, order)
            notes.note(DROPPING)
            _part(server, entry, intent.parting_name, half_dropped=half_dropped)
            _drop_database(server, intent.parting_name)
        except BaseException as problem:
            where = _put_back(server, order, intent, notes)
            if isinstance(problem, psycopg2.Error):
                raise _failed(server, problem, where) from None
            raise
        _require_gone(server, order)


@contextmanager
def _alone_inside(
    settings: GuardSettings, server: Connection, entry: DatabaseEntry
) -> Iterator[Connection]:
    """A session in the kept database, which is closed again behind it, and nobody else in there."""
    only_reading(server, entry.name)
    allow_connections(server, entry.name)
    try:
        with connected(settings, entry.name) as inside:
            close(server, entry.name)
            query = query_through(inside)
            require_oid(query, entry.oid)
            ((own,),) = query("SELECT pg_catalog.pg_backend_pid()", ())
            _refuse(end_sessions(server, entry.oid, spare=[int(own)]))
            yield inside
    finally:
        with suppress(psycopg2.Error):
            close(server, entry.name)


def _look_once_more(inside: Connection, order: ReleaseOrder) -> None:
    """The last look at what is dropped: the marker's word, or the proof's fingerprint."""
    if isinstance(order.basis, ProvenByBackup):
        compare_rows(inside, order.kept.database_oid, order.basis)
        return
    found = read_inside(query_through(inside))
    row = found.marker_row
    if found.marker_problem is not None:
        detail = found.marker_problem
    elif row is not None and row.lane == str(order.lane) and (row.authoritative or row.claimed):
        detail = f"the marker in {order.kept.name} calls it authoritative"
        if not row.authoritative:
            detail = f"protection was asked for inside {order.kept.name}"
    elif row is not None and _is_another_lanes_own(row, order, found.marker_table_oid):
        detail = f"it is the very database that lane {row.lane}'s marker was written for"
    else:
        return
    raise Refused.because(
        reason(
            ReasonCode.RELEASE_NEEDS_PROOF,
            f"The kept data is not released as data of no authority: {detail}.",
            "Prove a backup of it and release it with that proof; without one, people have to "
            "sign that it is given up.",
            detail=detail,
        )
    )


def _is_another_lanes_own(row: MarkerRow, order: ReleaseOrder, table: int | None) -> bool:
    """Whether the row was written for this very place: then it is no copy, but the data itself.

    Its signature does not matter here, since it only speaks against a release.
    """
    marker = marker_claimed(row)
    if row.lane == str(order.lane) or marker is None:
        return False
    place = (marker.identity.database_oid, marker.identity.marker_table_oid)
    return place == (order.kept.database_oid, table)


def _part(
    server: Connection, entry: DatabaseEntry, parting_name: DatabaseName, *, half_dropped: bool
) -> None:
    """Give it the name under which nobody else can reach it, and unlock it."""
    with one_transaction(server):
        if not half_dropped:
            # Once more, inside the transaction: somebody may have opened it in between.
            close(server, entry.name)
        if entry.name != parting_name:
            rename(server, entry.name, parting_name)
        expect(server, parting_name, entry.oid)
        if not half_dropped:
            set_locked(server, parting_name, locked=False)


def _drop_database(server: Connection, parting_name: DatabaseName) -> None:
    """The one statement that drops a lane's data. Raises psycopg2.Error."""
    with server.cursor() as cursor:
        # A drop that is broken off leaves a database that can only be dropped again.
        cursor.execute("SET statement_timeout = 0")
        # An earlier run's statement may come to its end before this one.
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(parting_name)))


def _put_back(
    server: Connection, order: ReleaseOrder, intent: ReleaseIntent, notes: ReleaseNotes
) -> str:
    """Lock what was not dropped and give it its name back; where it stands now. Never raises.

    Then nothing is being dropped any more, and the notes say so: a later run that does not find
    the database must not take it for dropped by this one.
    """
    name = None
    try:
        query = query_through(server)
        oid = order.kept.database_oid
        rows = query("SELECT datname::text FROM pg_database WHERE oid = %s::oid", (oid,))
        if not rows:
            return "it is no longer there"
        if is_invalid(server, oid):
            return f"it stands under {rows[0][0]}; {HOLDS_NOTHING}"
        name = DatabaseName(rows[0][0])
        with one_transaction(server):
            set_locked(server, name, locked=True)
            expect(server, name, oid)
        if name == intent.parting_name:
            rename(server, name, order.kept.name)
            name = order.kept.name
        notes.forget(DROPPING)
        return f"it stands under {name}"
    except (psycopg2.Error, Refused, OSError) as problem:
        return f"it may stand under {name or intent.parting_name} ({first_line(problem)})"


def _failed(server: Connection, problem: psycopg2.Error, where: str) -> Exception:
    if server.closed:
        return CouldNotTell(
            f"The connection broke while the database was dropped ({first_line(problem)}). It is "
            "gone, or locked and closed. Run the same command again: it finishes."
        )
    return Refused.because(
        _impossible(
            f"{first_line(problem)}; {where}",
            "Look at what the server says, put it right, and run the same command again.",
        )
    )


def _require_gone(server: Connection, order: ReleaseOrder) -> None:
    oid = order.kept.database_oid
    rows = query_through(server)(
        "SELECT datname::text FROM pg_database WHERE oid = %s::oid", (oid,)
    )
    if rows:
        raise CouldNotTell(
            f"The kept database (oid {oid}) stands under the name {rows[0][0]}: somebody renamed "
            "it in the moment in which it was dropped, and put another one in its place. Look at "
            "what is missing on that server."
        )


def _remove_files(folder: Path, notes: ReleaseNotes) -> None:
    """Remove the kept folder, through a place where half of it is not taken for kept files."""
    try:
        for _ in range(2):
            # What an earlier run left of it comes first.
            if notes.files.exists():
                shutil.rmtree(notes.files)
                sync_folder(notes.folder)
            if folder.exists():
                rename_folder(folder, notes.files)
    except OSError as problem:
        raise CouldNotTell(
            f"The database is dropped, and its files could not be removed: {problem}. Run the same "
            "command again when the keep can be written to."
        ) from None


def _refuse(obstacle: Obstacle | None) -> None:
    if obstacle is not None:
        raise Refused.because(_impossible(obstacle.detail, obstacle.remedy))


def _impossible(detail: str, remedy: str) -> Reason:
    return reason(
        ReasonCode.RELEASE_IMPOSSIBLE,
        f"The kept database could not be dropped, and is kept: {detail}.",
        remedy,
        detail=detail,
    )
