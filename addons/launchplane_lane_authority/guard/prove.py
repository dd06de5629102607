"""`prove`: a backup is restored into a scratch database and compared with what was captured.

That is the *data proof*. Then a load command, where one is given, loads an Odoo registry on it: the
*load proof*, given or withheld by itself. The scratch is dropped in any case.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.backup import DUMP_ARCHIVE, DumpFormat
from launchplane_lane_contracts.backup_answers import BackupProven, LoadAttempt
from launchplane_lane_contracts.contract import BackupId, Digest
from launchplane_lane_contracts.errors import BadInput, CouldNotTell
from launchplane_lane_contracts.evidence import DataProof, LoadProof
from launchplane_lane_contracts.fingerprint import ContentFingerprint
from launchplane_lane_contracts.inside import read_inside

from . import lifeline
from .backup_check import FilesCheck, Findings, check_dump
from .backups_folder import Backup, find_backup
from .captured_files import named_in_order
from .client_programs import (
    PLAIN_DATA,
    ClientProgram,
    fitting,
    last_words,
    server_environment,
)
from .database import MAINTENANCE_DATABASE, connected, query_through
from .fingerprint import DEFAULT_WORKERS, MOST_WORKERS, read_with
from .load_command import load
from .room_beside import require_room_for_scratch
from .scratch import Scratch, scratch_database
from .settings import GuardSettings
from .snapshot import one_moment


def prove(
    settings: GuardSettings,
    backup_id: BackupId,
    *,
    workers: int = DEFAULT_WORKERS,
    load_command: Sequence[str] = (),
) -> BackupProven:
    """Restore a backup of this lane and compare it; what differs is in the answer.

    Raises Refused for a backup that is not there, not this lane's or not what its name says;
    CouldNotTell, psycopg2.Error, OSError.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise BadInput(f"The number of workers is 1 to {MOST_WORKERS}, not {workers}.")
    backup = find_backup(settings, backup_id)
    program = fitting("pg_restore", _server_version(settings), not_older_than=major_of_dump(backup))
    if (needed := backup.manifest.dump.database_size_bytes) is not None:
        require_room_for_scratch(settings, needed)
    began = time.monotonic()
    findings = Findings()
    # The dump first: what was altered is never run on a server. The files meanwhile.
    files = FilesCheck(backup)
    for words in check_dump(backup, program):
        findings.add(words)
    if findings.count:
        findings.include(files.ended())
        return _answer(backup, findings, None, began, 0.0, None)
    with scratch_database(settings) as scratch:
        restoring = time.monotonic()
        problem = restore(settings, backup, program, scratch, workers, lasting=False)
        restored = time.monotonic() - restoring
        if problem:
            findings.include(files.ended())
            findings.add(problem)
            return _answer(backup, findings, None, began, restored, None)
        found = _compare(settings, backup, scratch, workers, findings)
        findings.include(files.ended())
        answer = _answer(backup, findings, found.digest(), began, restored, None)
        if answer.data_proof is None or not load_command:
            return answer
        attempt = load(settings, backup, scratch, load_command)
    return answer.model_copy(update={"load": attempt, "load_proof": _load_proof(backup, attempt)})


def _answer(
    backup: Backup,
    findings: Findings,
    fingerprint: Digest | None,
    began: float,
    restored: float,
    attempt: LoadAttempt | None,
) -> BackupProven:
    manifest, proof = backup.manifest, None
    if not findings.count and fingerprint is not None:
        proof = DataProof(
            backup_id=manifest.backup_id,
            manifest_digest=manifest.digest(),
            proven_at=datetime.now(UTC),
            took=_since(began),
            fingerprint_digest=fingerprint,
            source_digest=manifest.filestore.source_digest,
        )
    return BackupProven(
        backup_id=manifest.backup_id,
        data_proof=proof,
        load_proof=None,
        differences=tuple(findings.words),
        differences_count=findings.count,
        load=attempt,
        restore_took=timedelta(seconds=round(restored, 3)),
    )


def _load_proof(backup: Backup, attempt: LoadAttempt) -> LoadProof | None:
    if not attempt.loaded:
        return None
    return LoadProof(
        backup_id=backup.manifest.backup_id,
        manifest_digest=backup.manifest.digest(),
        proven_at=datetime.now(UTC),
        took=attempt.took,
    )


def _since(began: float) -> timedelta:
    return timedelta(seconds=round(time.monotonic() - began, 3))


def _server_version(settings: GuardSettings) -> int:
    with connected(settings, MAINTENANCE_DATABASE) as server:
        return int(server.server_version)


def major_of_dump(backup: Backup) -> int:
    """The major version of the `pg_dump` that wrote it; 0 where it is not known."""
    first = backup.manifest.versions.dump_program.split(".")[0]
    return int(first) if first.isdecimal() else 0


def restore(
    settings: GuardSettings,
    backup: Backup,
    program: ClientProgram,
    scratch: Scratch,
    workers: int,
    *,
    lasting: bool,
) -> str:
    """Restore a backup's dump; what went wrong, or nothing. Raises OSError."""
    form = backup.manifest.dump.format
    return restore_dump(settings, backup.database, form, program, scratch, workers, lasting=lasting)


def restore_dump(
    settings: GuardSettings,
    source: Path,
    form: DumpFormat,
    program: ClientProgram,
    scratch: Scratch,
    workers: int,
    *,
    lasting: bool,
) -> str:
    """Restore a dump into an empty database; what went wrong, or nothing. Raises OSError.

    One that is `lasting` is written to the disk at each step, as somebody's data has to be; what is
    dropped anyway need not wait for it.
    """
    command = [
        str(program.path),
        f"--jobs={workers}",
        *PLAIN_DATA,
        "--exit-on-error",
        "--no-password",
        f"--dbname={scratch.name}",
        str(source / DUMP_ARCHIVE if form is DumpFormat.CUSTOM else source),
    ]
    with tempfile.TemporaryFile() as errors:
        environment = dict(server_environment(settings, scratch.name))
        if not lasting:
            # A statement for each table, index and constraint, and each would wait for the disk.
            environment["PGOPTIONS"] += " -c synchronous_commit=off"
        with lifeline.started(command, environment, errors=errors) as process:
            code = process.wait()
        errors.seek(0)
        if code == 0:
            return ""
        return f"pg_restore ended with code {code}: {last_words(errors.read())}"


def _compare(
    settings: GuardSettings, backup: Backup, scratch: Scratch, workers: int, findings: Findings
) -> ContentFingerprint:
    def connect() -> AbstractContextManager[Connection]:
        return connected(settings, scratch.name)

    found = read_with(connect, workers=workers, oid=scratch.oid)
    manifest = backup.manifest
    for difference in manifest.differences(found):
        findings.add(str(difference))
    if found.own_tables != manifest.fingerprint.own_tables:
        findings.add("the tables of the marker and of our events: they differ")
    with connected(settings, scratch.name) as session, one_moment([session], None):
        query = query_through(session)
        row = read_inside(query).marker_row
        if manifest.marker is not None and row != manifest.marker:
            findings.add("the marker's row: it differs")
        try:
            for words in _names_that_differ(named_in_order(query), _listed(backup)):
                findings.add(words)
        except CouldNotTell as problem:
            findings.add(problem.message)
    return found


def _listed(backup: Backup) -> Iterator[str]:
    """Every name that the dump should have, in the order of their bytes."""
    lacking = iter(sorted(backup.manifest.filestore.lacking, key=str.encode))
    files = (each.path for each in backup.files())
    return _merged(files, lacking)


def _merged(one: Iterator[str], other: Iterator[str]) -> Iterator[str]:
    mine, theirs = next(one, None), next(other, None)
    while mine is not None and theirs is not None:
        if mine.encode() <= theirs.encode():
            yield mine
            mine = next(one, None)
        else:
            yield theirs
            theirs = next(other, None)
    yield from chain((each for each in (mine, theirs) if each is not None), one, other)


def _names_that_differ(named: Iterator[str], listed: Iterator[str]) -> Iterator[str]:
    """Both in the order of their bytes, so that neither has to be held."""
    here, there = next(named, None), next(listed, None)
    while here is not None or there is not None:
        if there is None or (here is not None and here.encode() < there.encode()):
            yield f"file {here}: the restored database names it, and it was not captured"
            here = next(named, None)
        elif here is None or there.encode() < here.encode():
            yield f"file {there}: it was captured, and the restored database does not name it"
            there = next(listed, None)
        else:
            here, there = next(named, None), next(listed, None)
