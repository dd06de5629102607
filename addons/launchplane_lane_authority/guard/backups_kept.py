"""What lies in the folder of the backups; and taking out what nothing leans on, by order."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from launchplane_lane_contracts.backup import PARTIAL_PREFIX
from launchplane_lane_contracts.backup_answers import BackupListed, BackupsListed
from launchplane_lane_contracts.contract import FilestorePath
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.orders import PruneOrder
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .backups_folder import backups_of, is_backup_name, read_backup, remove_abandoned
from .durable import sync_folder
from .lane_reading import read_lane
from .moving import free_bytes
from .order_check import check_environment
from .settings import GuardSettings


def list_backups(settings: GuardSettings) -> BackupsListed:
    """What lies there. Raises Refused when there is no place, CouldNotTell, OSError."""
    if settings.lane is None:
        raise CouldNotTell(f"The lane of this environment is unknown: {settings.identity_problem}.")
    folder = backups_of(settings)
    found, damaged, others = [], [], 0
    for each in _folders(folder):
        try:
            manifest = read_backup(each).manifest
        except Refused as problem:
            damaged.append(problem.message)
            continue
        if manifest.lane != settings.lane:
            others += 1
            continue
        found.append(
            BackupListed(
                gate=manifest.gate(),
                source=manifest.source,
                size_bytes=manifest.dump.size_bytes + manifest.filestore.size_bytes,
            )
        )
    return BackupsListed(
        folder=FilestorePath(str(folder)),
        backups=tuple(sorted(found, key=lambda one: one.gate.snapshot_at, reverse=True)),
        damaged=tuple(damaged),
        others=others,
        free_bytes=free_bytes(folder),
        listed_at=datetime.now(UTC),
    )


def prune(settings: GuardSettings, order: PruneOrder) -> LaneReading:
    """Remove the backups that the order names, as far as they are there.

    Run again it does nothing more. Raises Refused for another lane's, before the first one goes;
    OSError.
    """
    check_environment(order, settings)
    backups = backups_of(settings)
    going = [
        folder
        for name in order.backups
        for folder in (backups / name,)
        if is_backup_name(name) and folder.is_dir() and not folder.is_symlink()
    ]
    for folder in going:
        _require_own(folder, order)
    for folder in going:
        # In one step it is no backup any more; what is left of it after a kill goes next time.
        folder.rename(backups / f"{PARTIAL_PREFIX}{secrets.token_hex(8)}")
    sync_folder(backups)
    remove_abandoned(backups)
    return read_lane(settings)


def _folders(backups: Path) -> Iterator[Path]:
    for each in sorted(backups.iterdir()):
        if is_backup_name(each.name) and each.is_dir() and not each.is_symlink():
            yield each


def _require_own(folder: Path, order: PruneOrder) -> None:
    try:
        manifest = read_backup(folder).manifest
    except Refused:
        # Damaged; its name is all that is known of it, and the order says that.
        return
    if manifest.lane != order.lane:
        raise Refused.because(
            reason(
                ReasonCode.BACKUP_OTHER_LANE,
                f"Backup {folder.name} is of lane {manifest.lane}, and the order of lane "
                f"{order.lane}. Nothing was removed.",
                "Prune each lane by itself.",
                backup_id=folder.name,
            )
        )
