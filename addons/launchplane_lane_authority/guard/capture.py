"""`capture`: one moment of the lane's data, database and files alike, as a backup in one folder.

Everything sees the same snapshot: the dump, the content fingerprint, and the names of the files.
Nothing grows with the data but the disk's use; a run that is killed leaves a folder that is no
backup, and the next run removes it.
"""

import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.backup import (
    DATABASE_FOLDER,
    BackupManifest,
    BackupSource,
    BackupVersions,
    DatabaseDump,
    DumpFile,
    DumpFormat,
    spans_between,
)
from launchplane_lane_contracts.contract import (
    DatabaseName,
    Digest,
    FilestorePath,
    SystemIdentifier,
)
from launchplane_lane_contracts.errors import (
    BadInput,
    Busy,
    CouldNotTell,
    LaneAuthorityError,
    Refused,
)
from launchplane_lane_contracts.fingerprint import ContentFingerprint
from launchplane_lane_contracts.inside import read_inside
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import MarkerRow
from launchplane_lane_contracts.reading import DatabaseEntry
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_contracts.vocabulary import RowState

from . import __version__, lifeline
from .attached_files import still_named
from .backups_folder import (
    Backup,
    backups_of,
    keep_under_its_name,
    partial_folder,
    require_other_volume,
)
from .captured_files import FilesCopied, bytes_of_named, copy_named
from .captured_moment import CapturedMoment, held_moment
from .client_programs import ClientProgram, fitting, last_words, server_environment
from .database import connected, query_through
from .filestore_digest import filestore_digest
from .fingerprint import DEFAULT_WORKERS, MOST_WORKERS, read_sequences, read_with
from .keep import Keep
from .lane_fingerprint import entry_to_read
from .moving import free_bytes
from .odoo_versions import installed_addons, odoo_version
from .settings import GuardSettings
from .shadow import SHADOWS

SECONDS_FOR_A_LOCK = 20
_SIZES = """
    SELECT pg_database_size(current_database()),
           (SELECT coalesce(sum(pg_table_size(c.oid)), 0)::bigint FROM pg_class c
              JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'm') AND (c.relname = 'pg_largeobject'
                OR n.nspname NOT IN ('pg_catalog', 'information_schema')))
"""


@dataclass(frozen=True)
class Captured:
    """A backup that was made, and how long that took."""

    backup: Backup
    took: timedelta


@dataclass(frozen=True)
class _Subject:
    """What is captured: a database and the folder of its files."""

    lane: Lane
    entry: DatabaseEntry
    source: BackupSource
    folder: Path
    """Where its files lie."""


def capture(
    settings: GuardSettings,
    database: str | None = None,
    *,
    workers: int = DEFAULT_WORKERS,
    accept_lacking: bool = False,
) -> Captured:
    """Capture the lane's own data, or data that it keeps and that is open for reading.

    `accept_lacking` takes files as they are that are named and missing or damaged already.
    Raises Refused, CouldNotTell, Busy, psycopg2.Error, OSError; then no backup was made.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise BadInput(f"The number of workers is 1 to {MOST_WORKERS}, not {workers}.")
    began = time.monotonic()
    backups = backups_of(settings)
    require_other_volume(settings, backups)
    subject = _subject(settings, database)
    with (
        private_files(),
        partial_folder(backups) as folder,
        connected(settings, subject.entry.name) as session,
        connected(settings, subject.entry.name) as beside,
    ):
        before = read_sequences(beside)
        with held_moment(session, subject.entry) as moment:
            marker = _marker(moment, subject)
            database_size, table_bytes = _sizes(moment)
            _require_room(moment, subject, folder, table_bytes)
            program = fitting("pg_dump", moment.server_version)
            with _dumping(settings, subject.entry.name, program, moment, folder, workers) as dump:
                # First, since Odoo's collection takes away what the live database names no more.
                files = _files(settings, subject, moment, folder)
                if files.content.lacking and not accept_lacking:
                    named = still_named(query_through(beside), files.content.lacking)
                    raise lacking_files(files, named)
                fingerprint = _fingerprint(settings, subject.entry, moment, workers)
                dump.wait()
            after = read_sequences(beside)
            addons = installed_addons(moment.query)
        dumped = dump_files(folder / DATABASE_FOLDER)
        manifest = BackupManifest(
            lane=subject.lane,
            source=subject.source,
            marker=marker,
            generation=_generation(subject, marker),
            system_identifier=SystemIdentifier(moment.system_identifier),
            database_oid=subject.entry.oid,
            filestore_path=FilestorePath(str(subject.folder)),
            captured_at=moment.at,
            snapshot=moment.place,
            versions=BackupVersions(
                server=moment.server_version,
                dump_program=program.version,
                odoo=odoo_version(addons),
                addons=addons,
            ),
            dump=DatabaseDump(
                format=DumpFormat.DIRECTORY,
                files=dumped,
                database=subject.entry.name,
                database_size_bytes=database_size,
            ),
            fingerprint=fingerprint,
            moved_sequences=tuple(spans_between(before, after)),
            filestore=files.content,
            guard_version=__version__,
        )
        backup = keep_under_its_name(folder, manifest)
    return Captured(backup, timedelta(seconds=round(time.monotonic() - began, 3)))


@contextmanager
def private_files() -> Iterator[None]:
    """What is made meanwhile belongs to this user alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _subject(settings: GuardSettings, database: str | None) -> _Subject:
    if settings.lane is None:
        raise CouldNotTell(f"The lane of this environment is unknown: {settings.identity_problem}.")
    wanted = settings.database if database is None else DatabaseName(database)
    entry = entry_to_read(settings, wanted)
    if entry.name == settings.database:
        return _Subject(settings.lane, entry, BackupSource.LIVE, settings.filestore)
    if settings.keep is None:
        raise CouldNotTell(
            f"{entry.name} is kept, and its files lie in the keep, which is not set "
            "(LANE_AUTHORITY_KEEP). Give the guard the keep, then capture again."
        )
    folder = Keep(settings.keep).filestore(entry.name)
    return _Subject(settings.lane, entry, BackupSource.KEPT, folder)


def _marker(moment: CapturedMoment, subject: _Subject) -> MarkerRow | None:
    """The row in that moment. Raises Refused unless what is captured is this lane's own data."""
    row = read_inside(moment.query).marker_row
    if subject.source is BackupSource.KEPT:
        # Its tag said whose it is; a row may never have been written.
        return row if row is not None and row.lane == str(subject.lane) else None
    if row is None:
        code, detail = ReasonCode.MARKER_ABSENT, "it has no marker"
        remedy = "Enrol the lane first, so that its data is known as this lane's."
    elif row.lane != str(subject.lane):
        code, detail = ReasonCode.MARKER_FOREIGN, f"its marker is of lane {row.lane}"
        remedy = "Correct ODOO_DB_NAME, or look at the lane with `lane-authority lane`."
    elif row.state is not RowState.SETTLED:
        code, detail = ReasonCode.MARKER_PENDING, "its rebuild is not settled"
        remedy = "Finish or undo the rebuild, then capture."
    else:
        return row
    raise Refused.because(
        reason(
            code,
            f"Database {subject.entry.name} is not captured as data of lane {subject.lane}: "
            f"{detail}.",
            remedy,
            detail=detail,
        )
    )


def _generation(subject: _Subject, marker: MarkerRow | None) -> int:
    if subject.source is BackupSource.KEPT and subject.entry.tag is not None:
        return subject.entry.tag.generation
    assert marker is not None
    return marker.generation


def _sizes(moment: CapturedMoment) -> tuple[int, int]:
    ((whole, tables),) = moment.query(_SIZES, ())
    return int(whole), int(tables)


def _require_room(
    moment: CapturedMoment, subject: _Subject, folder: Path, table_bytes: int
) -> None:
    """Raise Refused when the volume could not take it.

    A dump is compressed, so what the tables take without their indexes is more than it needs.
    """
    needed, free = table_bytes + bytes_of_named(moment.query, subject.folder), free_bytes(folder)
    if needed > free:
        raise Refused.because(
            reason(
                ReasonCode.ROOM_NOT_ENOUGH,
                f"A backup of {subject.entry.name} may take {needed} bytes, and {free} are free on "
                f"the volume of {folder.parent}. Nothing was captured.",
                "Make room on that volume, for example with `lane-authority backup prune`, then "
                "capture again.",
                needed_bytes=needed,
                free_bytes=free,
            )
        )


class _Dump:
    """A `pg_dump` that runs."""

    def __init__(self, process: subprocess.Popen[bytes], errors: Path) -> None:
        self._process, self._errors = process, errors

    def wait(self) -> None:
        """Wait for its end. Raises CouldNotTell when it failed."""
        code = self._process.wait()
        if code != 0:
            raise CouldNotTell(
                f"pg_dump ended with code {code}: {last_words(self._errors.read_bytes())}. No "
                "backup was made; put right what it says, then capture again."
            )


@contextmanager
def _dumping(
    settings: GuardSettings,
    database: str,
    program: ClientProgram,
    moment: CapturedMoment,
    folder: Path,
    workers: int,
) -> Iterator[_Dump]:
    command = [
        str(program.path),
        "--format=directory",
        f"--jobs={workers}",
        f"--snapshot={moment.snapshot_id}",
        f"--lock-wait-timeout={SECONDS_FOR_A_LOCK * 1000}",
        "--no-password",
        f"--file={folder / DATABASE_FOLDER}",
    ]
    with tempfile.NamedTemporaryFile(prefix="lane-authority-") as errors:
        environment = server_environment(settings, database)
        with lifeline.started(command, environment, errors=errors.fileno()) as process:
            yield _Dump(process, Path(errors.name))


def _fingerprint(
    settings: GuardSettings, entry: DatabaseEntry, moment: CapturedMoment, workers: int
) -> ContentFingerprint:
    def connect() -> AbstractContextManager[Connection]:
        return connected(settings, entry.name)

    return read_with(connect, snapshot=moment.snapshot_id, workers=workers, oid=entry.oid)


def _files(
    settings: GuardSettings, subject: _Subject, moment: CapturedMoment, folder: Path
) -> FilesCopied:
    sources = [subject.folder]
    if settings.keep is not None:
        # What Odoo's collection took away after the snapshot is still in the shadow.
        shadow = f"{moment.system_identifier}-{subject.entry.oid}"
        sources.append(settings.keep / SHADOWS / shadow)
    source_digest: Digest | None = None
    if subject.source is BackupSource.KEPT and subject.folder.is_dir():
        # It rests, so what is not named can be known to be the same later on.
        source_digest = filestore_digest(subject.folder)
    return copy_named(moment.query, sources, folder, source_digest)


def lacking_files(files: FilesCopied, named: set[str]) -> LaneAuthorityError:
    """Why there is no backup: files are lost, or were taken away in this very moment."""
    lacking = files.content.lacking
    if not named:
        return Busy(
            f"{len(lacking)} file(s) were collected by Odoo while they were captured, such as "
            f"{lacking[0]}: the database names them no more. Capture again."
        )
    return Refused.because(
        reason(
            ReasonCode.FILES_INCOMPLETE,
            f"{len(files.missing)} file(s) that the database names are missing and "
            f"{len(files.damaged)} are damaged, such as {sorted(named)[0]}. No backup was made.",
            "Put them back with `lane-authority-guard filestore repair`, then capture again. What "
            "is lost for good is accepted with --accept-lacking; the backup then says so.",
            count=len(lacking),
            detail=sorted(named)[0],
        )
    )


def dump_files(folder: Path) -> tuple[DumpFile, ...]:
    """Every file of a dump, with its digest. Raises OSError."""
    return tuple(_dump_file(path) for path in sorted(folder.iterdir()))


def _dump_file(path: Path) -> DumpFile:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size = os.fstat(stream.fileno()).st_size
    return DumpFile(name=path.name, size_bytes=size, sha256=Digest(digest))
