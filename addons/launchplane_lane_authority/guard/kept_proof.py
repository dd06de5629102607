"""Whether kept data still is what a proven backup holds: read just before it is dropped."""

from pathlib import Path

from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.contract import Digest
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.orders import ProvenByBackup
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .backup_check import check_dump, check_files
from .backups_folder import damaged, find_backup
from .client_programs import fitting
from .database import MAINTENANCE_DATABASE, connected
from .filestore_digest import filestore_digest
from .fingerprint import read_in
from .prove import major_of_dump
from .settings import GuardSettings

NAMED_AT_MOST = 5


def require_backup(settings: GuardSettings, basis: ProvenByBackup) -> None:
    """Raise Refused unless the backup is still there, file by file what was captured.

    Where nobody named a place for backups here, what the host has on record counts: backups may
    lie where the lane's runtime cannot see them.
    """
    if settings.backups is None:
        return
    try:
        backup = find_backup(settings, basis.backup_id)
        with connected(settings, MAINTENANCE_DATABASE) as server:
            program = fitting(
                "pg_restore", server.server_version, not_older_than=major_of_dump(backup)
            )
        differs = (*check_dump(backup, program), *check_files(backup))
    except OSError as problem:
        raise CouldNotTell(f"The backup could not be read: {problem}.") from None
    if backup.manifest.digest() != basis.manifest_digest or differs:
        detail = "; ".join(differs[:NAMED_AT_MOST]) or "it has another manifest"
        raise Refused.because(damaged(basis.backup_id, detail))


def compare_rows(inside: Connection, oid: int, basis: ProvenByBackup) -> None:
    """Raise Refused unless the database that `inside` is connected to has the proof's fingerprint.

    Raises CouldNotTell for what cannot be read, psycopg2.Error.
    """
    found = read_in((inside,), oid=oid).digest()
    if found != basis.fingerprint_digest:
        raise Refused.because(_differs("rows", found, basis.fingerprint_digest, basis))


def compare_files(folder: Path, basis: ProvenByBackup) -> None:
    """Raise Refused unless the folder has the proof's files, CouldNotTell when it can't be read."""
    try:
        found = filestore_digest(folder)
    except OSError as problem:
        raise CouldNotTell(f"The kept files could not be read: {problem}.") from None
    if found != basis.filestore_digest:
        raise Refused.because(_differs("files", found, basis.filestore_digest, basis))


def _differs(what: str, found: Digest, proven: Digest | None, basis: ProvenByBackup) -> Reason:
    return reason(
        ReasonCode.KEPT_NOT_AS_PROVEN,
        f"The kept {what} are not those of backup {basis.backup_id}: digest {found} was found, "
        f"{proven} was proven. Nothing was dropped.",
        "Somebody changed the kept data since it was captured. Capture it again, prove that backup "
        "and release it then.",
        what=what,
        backup_id=basis.backup_id,
        found=found,
        proven=proven,
    )
