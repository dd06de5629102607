"""A backup as a source: checked file by file, and restored as it was captured."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.evidence import BackupGate
from launchplane_lane_contracts.fingerprint import ContentFingerprint, Difference

from .backup_check import Findings, check_dump, check_files
from .backups_folder import Backup, damaged, find_backup, make_durable
from .client_programs import ClientProgram, fitting
from .database import MAINTENANCE_DATABASE, connected, query_through
from .durable import COPIED_AT_ONCE_BYTES
from .prove import major_of_dump, restore
from .scratch import Scratch
from .settings import GuardSettings

NAMED_AT_MOST = 5


@dataclass
class BackupSource:
    """One backup of this lane, whose files are those that were captured."""

    backup: Backup
    program: ClientProgram
    settings: GuardSettings
    collate: str
    character_type: str

    @property
    def version(self) -> int:
        """`server_version_num` of the server that it was taken from."""
        return self.backup.manifest.versions.server

    @property
    def encoding(self) -> str:
        """Of the restored database, as of every one that a fingerprint is made of."""
        return "UTF8"

    @property
    def database_bytes(self) -> int:
        """How large the database was, as far as anybody could ask."""
        dump = self.backup.manifest.dump
        return dump.database_size_bytes or dump.size_bytes

    @property
    def file_bytes(self) -> int:
        """All files together."""
        return self.backup.manifest.filestore.size_bytes

    @property
    def file_count(self) -> int:
        """How many files."""
        return self.backup.manifest.filestore.count

    @property
    def lacking(self) -> tuple[str, ...]:
        """Files that it never had, since the lane lacked them when it was captured."""
        return self.backup.manifest.filestore.lacking

    @property
    def words(self) -> str:
        """What it is, for people."""
        manifest = self.backup.manifest
        return (
            f"backup {manifest.backup_id[:12]} of {manifest.captured_at:%Y-%m-%d %H:%M} UTC "
            f"(generation {manifest.generation})"
        )

    def restore_into(self, target: GuardSettings, target_version: int, workers: int) -> None:
        """Restore the dump. Raises CouldNotTell, OSError."""
        place = Scratch(target.database, 0, target_version)
        problem = restore(target, self.backup, self.program, place, workers, lasting=True)
        if problem:
            raise CouldNotTell(f"Restoring {self.words} beside the lane failed. {problem}")

    def fetch_files(self, folder: Path) -> None:
        """Copy every file, each compared with what was captured. Raises Refused, OSError."""
        for each in self.backup.files():
            if _copied(self.backup.filestore / each.path, folder / each.path) != each.sha256:
                raise Refused.because(
                    damaged(self.backup.manifest.backup_id, f"file {each.path} was altered")
                )
        make_durable(folder)

    def differences(self, found: ContentFingerprint, workers: int) -> tuple[Difference, ...]:
        """In what the restored content differs from what was captured."""
        del workers
        return self.backup.manifest.differences(found)


def _copied(source: Path, target: Path) -> str:
    """Copy one plain file, and give the digest of what was copied. Raises OSError."""
    digest = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    given = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    taken = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(given, "rb", buffering=0) as reading, os.fdopen(taken, "wb") as writing:
        while block := reading.read(COPIED_AT_ONCE_BYTES):
            digest.update(block)
            writing.write(block)
    return digest.hexdigest()


@contextmanager
def opened(settings: GuardSettings, gate: BackupGate) -> Iterator[BackupSource]:
    """The backup that a gate is of, once every file of it is seen to be what was captured.

    Raises Refused for one that is not there, not this lane's or damaged; CouldNotTell, OSError,
    psycopg2.Error.
    """
    backup = find_backup(settings, gate.backup_id)
    if backup.manifest.digest() != gate.manifest_digest:
        raise Refused.because(
            damaged(gate.backup_id, "the order speaks of another manifest under this name")
        )
    with connected(settings, MAINTENANCE_DATABASE) as server:
        program = fitting("pg_restore", server.server_version, not_older_than=major_of_dump(backup))
        rows = query_through(server)(
            "SELECT datcollate::text, datctype::text FROM pg_database "
            "WHERE datname IN (%s, 'template1') ORDER BY datname = 'template1' LIMIT 1",
            (settings.database,),
        )
    findings = Findings()
    for words in (*check_dump(backup, program), *check_files(backup)):
        findings.add(words)
    if findings.count:
        first = "; ".join(findings.words[:NAMED_AT_MOST])
        raise Refused.because(damaged(gate.backup_id, f"{findings.count} thing(s) differ: {first}"))
    ((collate, character_type),) = rows
    yield BackupSource(backup, program, settings, collate, character_type)
