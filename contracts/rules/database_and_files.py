"""What stands at the lane's place: database, marker, files, keep."""

from collections.abc import Iterator

from ..observation import MarkerObservation
from ..reasons import Reason, ReasonCode, reason
from ..vocabulary import (
    DatabaseState,
    DataSource,
    FilestoreState,
    KeepState,
    MarkerState,
    RoomState,
)
from .case import Case
from .retry import accepts_pending_marker


def database_is_known(case: Case) -> Iterator[Reason]:
    """The database's state is known and it can be set aside."""
    database = case.seen.database
    facts = {"detail": database.detail, "oid": database.oid}
    if database.state is DatabaseState.RENAMED:
        yield reason(
            ReasonCode.DATABASE_RENAMED,
            f"The lane's data stands under another name: {database.detail}.",
            "Give the database its name back (ALTER DATABASE ... RENAME), then plan again.",
            **facts,
        )
    elif database.state is DatabaseState.MISSING:
        yield reason(
            ReasonCode.DATABASE_MISSING,
            f"The lane's data is gone from its place: {database.detail}.",
            "Look for it on the server that the lane is configured with, or bring it back. Data "
            "that is gone for good has to be declared lost (`lane-authority lost`), which one "
            "approver signs.",
            **facts,
        )
    elif database.state is DatabaseState.CLOSED:
        yield reason(
            ReasonCode.DATABASE_CLOSED,
            f"The lane's database is closed: {database.detail}.",
            "Open it with the guard's `reopen`, which asks for the same oid and tag, then plan "
            "again.",
            **facts,
        )
    elif database.state is DatabaseState.UNREADABLE:
        yield reason(
            ReasonCode.DATABASE_UNREADABLE,
            f"The lane's database could not be read: {database.detail}.",
            "Make the database readable for the guard, and for the host's own connection where it "
            f"has one; then plan again. {_without_reading(case)}",
            **facts,
        )
    elif database.state is DatabaseState.DISPUTED:
        yield reason(
            ReasonCode.DATABASE_DISPUTED,
            f"The guard and the host's own connection do not see the same data: {database.detail}.",
            "Find out which of the two is led to the lane's database, and correct the lane's "
            "environment or its `connection` in lane-authority.toml; then plan again.",
            **facts,
        )
    elif case.request.data_source is DataSource.EXISTING and database.state in (
        DatabaseState.ABSENT,
        DatabaseState.UNINITIALISED,
    ):
        yield reason(
            ReasonCode.DATABASE_NOT_THERE,
            f"There is no data to keep: {database.detail}.",
            "Ask for a bootstrap or a restore instead.",
            **facts,
        )
    if not database.may_rename and case.request.data_source is not DataSource.EXISTING:
        yield reason(
            ReasonCode.ROLE_MAY_NOT_RENAME,
            f"The data could not be set aside: {database.rename_problem}.",
            "Give the lane's role CREATEDB and the ownership of its database (it need not, and "
            "should not, be superuser), then plan again.",
            detail=database.rename_problem,
        )


def _without_reading(case: Case) -> str:
    """The way on where what stands under the name will never be read again."""
    unfinished = case.seen.record.unfinished
    if (
        unfinished is None
        or unfinished.begun_at is None
        or unfinished.data_source is DataSource.EXISTING
    ):
        return (
            "Data that cannot be read any more has to be declared lost (`lane-authority lost`), "
            "which one approver signs."
        )
    return (
        "Where it cannot be read any more (a DROP of it was broken off, say), undo the operation "
        f"(`lane-authority undo {unfinished.operation_id}`): that keeps it as it is, unread, and "
        "puts the old data back. Then plan anew."
    )


_MARKER_REASONS = {
    MarkerState.ABSENT: (
        ReasonCode.MARKER_ABSENT,
        "The database has no marker, so nobody can tell whose data it is",
        "Look at what is in it; if it is this lane's data, enrol the lane, or adopt the data again "
        "where the lane is enrolled already (`lane-authority enrol`, `lane-authority adopt`). If "
        "it is not, put the right database under the name.",
    ),
    MarkerState.UNVERIFIABLE: (
        ReasonCode.MARKER_UNVERIFIABLE,
        "The marker's signature cannot be checked here",
        "Give the reader the public key that signed it (`lane-authority keys list`). Where that "
        "key was revoked or is lost, take the data as the lane's again: `lane-authority adopt`.",
    ),
    MarkerState.TAMPERED: (
        ReasonCode.MARKER_TAMPERED,
        "The marker was changed by something that may not change it",
        "Find out who wrote to the marker's table. If the data is this lane's, it has to be "
        "adopted again with the signature of an approver (`lane-authority adopt`); the data itself "
        "is untouched.",
    ),
    MarkerState.FOREIGN: (
        ReasonCode.MARKER_FOREIGN,
        "The database holds another lane's data",
        "Rename that database away (ALTER DATABASE ... RENAME) and put this lane's own database "
        "back under the name, or correct the lane's connection; then plan again.",
    ),
    MarkerState.COPIED: (
        ReasonCode.MARKER_COPIED,
        "The database is a copy of this lane's data and not the data itself",
        "Put the lane's own database back under the name; if the data was moved here for good, "
        "it has to be recorded as moved (`lane-authority moved`); if its own dump was restored in "
        "place, adopt the data (`lane-authority adopt`).",
    ),
    MarkerState.ROLLED_BACK: (
        ReasonCode.MARKER_ROLLED_BACK,
        "The database is older than what was last recorded here",
        "Put the newest database back under the name; if the older one was restored on purpose, "
        "it has to be adopted (`lane-authority adopt`).",
    ),
    MarkerState.AHEAD: (
        ReasonCode.MARKER_AHEAD,
        "The database is newer than the host's record, so the host's store is behind",
        "Restore the host's newest store, or reconcile it with the lanes (`lane-authority "
        "reconcile`), then plan again.",
    ),
    MarkerState.PENDING: (
        ReasonCode.MARKER_PENDING,
        "A rebuild of this database was begun and never settled",
        "Finish that rebuild, undo it, or do the same once more as a retry of it. Where the host "
        "knows of none, put the right database back under the name, or adopt the data "
        "(`lane-authority adopt`).",
    ),
    MarkerState.TAG_LOST: (
        ReasonCode.ENGINE_TAG_LOST,
        "The database's tag does not agree with its marker",
        "If the marker and the rows are this lane's, adopt the data again, which writes the tag "
        "(`lane-authority adopt`).",
    ),
}


def marker_reason(marker: MarkerObservation) -> Reason | None:
    """Why this marker binds nothing; None where it does, or where there is none to judge."""
    if marker.state not in _MARKER_REASONS:
        return None
    code, message, remedy = _MARKER_REASONS[marker.state]
    return reason(
        code,
        f"{message}: {marker.detail}.",
        remedy,
        detail=marker.detail,
        generation=marker.generation,
    )


def marker_is_bound(case: Case) -> Iterator[Reason]:
    """The marker of an initialised database is bound."""
    marker = case.seen.marker
    if case.remains or accepts_pending_marker(case):
        return
    found = marker_reason(marker)
    if found is not None:
        yield found
    elif (
        marker.state is MarkerState.NOT_APPLICABLE
        and case.seen.database.state is DatabaseState.INITIALISED
    ):
        yield reason(
            ReasonCode.MARKER_ABSENT,
            "The database was not asked for its marker, so nobody can tell whose data it is.",
            "Plan again and let the guard read the whole lane.",
        )


_FILESTORE_REASONS = {
    FilestoreState.FOREIGN: (
        ReasonCode.FILESTORE_FOREIGN,
        "The filestore folder holds another lane's files",
        "Correct the lane's filestore path or volume, then plan again.",
    ),
    FilestoreState.STALE: (
        ReasonCode.FILESTORE_STALE,
        "The files do not belong to the data that is there",
        "Put the folder back that belongs to this database, then plan again; if these are its "
        "files after all, adopt the data again (`lane-authority adopt`).",
    ),
    FilestoreState.UNTAGGED: (
        ReasonCode.FILESTORE_UNTAGGED,
        "There are files and no tag, so nobody can tell whose they are",
        "Look at what is in it; if they are this lane's files, enrol the lane, or adopt its data "
        "again where it is enrolled already (`lane-authority adopt`), which tags them. If they are "
        "not, move them away.",
    ),
    FilestoreState.ELSEWHERE: (
        ReasonCode.FILESTORE_ELSEWHERE,
        "The folder is not the one that the lane is served from",
        "Correct the filestore path in the lane's environment or configuration, then plan again.",
    ),
    FilestoreState.UNREADABLE: (
        ReasonCode.FILESTORE_UNREADABLE,
        "The filestore folder could not be read",
        "Make the folder readable for the guard, then plan again.",
    ),
}


_STATES_OF_REMAINS = frozenset(
    {
        FilestoreState.ABSENT,
        FilestoreState.EMPTY,
        FilestoreState.OURS,
        FilestoreState.STALE,
        FilestoreState.UNTAGGED,
    }
)
"""What a rebuild that died may leave at the place of the files."""


def files_are_ours(case: Case) -> Iterator[Reason]:
    """The files are this lane's."""
    filestore = case.seen.filestore
    if case.remains and filestore.state in _STATES_OF_REMAINS:
        return
    if filestore.state in _FILESTORE_REASONS:
        code, message, remedy = _FILESTORE_REASONS[filestore.state]
        yield reason(
            code,
            f"{message}: {filestore.detail}.",
            remedy,
            detail=filestore.detail,
            path=filestore.path,
        )
    elif case.seen.database.state is DatabaseState.INITIALISED and (
        filestore.state is not FilestoreState.OURS
    ):
        yield reason(
            ReasonCode.FILESTORE_MISSING,
            f"The database holds data and its files are not there: {filestore.detail}.",
            "Bring the lane's filestore folder back to its path, from its volume, the shadow in "
            "the keep or a backup, then plan again. Where files are gone for good, the data has to "
            "be declared lost (`lane-authority lost`), which one approver signs.",
            path=filestore.path,
        )


_KEEP_REASONS = {
    KeepState.NOT_CONFIGURED: (
        ReasonCode.KEEP_NOT_CONFIGURED,
        "The lane has no keep, so nothing could be set aside",
        "Give the lane's runtime a persistent folder outside the one that Odoo serves, on the "
        "same volume, as its keep.",
    ),
    KeepState.OTHER_VOLUME: (
        ReasonCode.KEEP_OTHER_VOLUME,
        "The files would have to be copied into the keep, and nothing says that there is room",
        "Make room on the keep's volume, or put the keep and the filestore folder on one volume, "
        "below its mount point; then plan again.",
    ),
    KeepState.UNUSABLE: (
        ReasonCode.KEEP_UNUSABLE,
        "The keep cannot be used",
        "Make the keep writable for the guard, with room on its volume, then plan again.",
    ),
}


def keep_is_ready(case: Case) -> Iterator[Reason]:
    """There is a place for what is set aside."""
    keep = case.seen.keep
    if keep.state is KeepState.OTHER_VOLUME and (
        # The files are copied, compared and only then emptied; that needs nothing but room.
        case.seen.room.state is RoomState.ENOUGH or _no_files_move(case)
    ):
        return
    if keep.state in _KEEP_REASONS:
        code, message, remedy = _KEEP_REASONS[keep.state]
        yield reason(code, f"{message}: {keep.detail}.", remedy, detail=keep.detail)


def _no_files_move(case: Case) -> bool:
    """Whether nothing would have to be copied into the keep."""
    return case.request.data_source is DataSource.EXISTING or case.seen.filestore.state in (
        FilestoreState.ABSENT,
        FilestoreState.EMPTY,
    )


def there_is_room(case: Case) -> Iterator[Reason]:
    """Old and new fit side by side, as far as that can be known."""
    room = case.seen.room
    if room.state is RoomState.NOT_ENOUGH:
        yield reason(
            ReasonCode.ROOM_NOT_ENOUGH,
            f"Old and new data do not fit side by side: {room.needed_bytes} bytes are needed and "
            f"{room.free_bytes} are free.",
            "Make room on the lane's volume, or release kept data that is due, then plan again.",
            needed_bytes=room.needed_bytes,
            free_bytes=room.free_bytes,
        )
