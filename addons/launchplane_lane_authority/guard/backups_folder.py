"""Where backups lie, each in a folder named after its manifest. docs/backups.md shows it."""

import ctypes
import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from launchplane_lane_contracts.backup import (
    DATABASE_FOLDER,
    FILE_LIST,
    FILESTORE_FOLDER,
    MANIFEST,
    PARTIAL_PREFIX,
    BackupManifest,
    FilestoreFile,
)
from launchplane_lane_contracts.contract import BackupId
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .durable import sync_folder
from .moving import existing
from .room_beside import database_volume
from .settings import BACKUPS_VARIABLE, GuardSettings

LARGEST_MANIFEST_BYTES = 256 * 1024 * 1024
LARGEST_LINE_BYTES = 65_536
LOCK = ".lock"
_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Backup:
    """One backup: its folder, and what its manifest says."""

    folder: Path
    manifest: BackupManifest

    @property
    def database(self) -> Path:
        """The folder of the dump."""
        return self.folder / DATABASE_FOLDER

    @property
    def filestore(self) -> Path:
        """The folder of the files."""
        return self.folder / FILESTORE_FOLDER

    def files(self) -> Iterator[FilestoreFile]:
        """What the list of the files says, one after another.

        Raises OSError, CouldNotTell for a line that makes no sense. Whether the list is the one
        that the manifest means is another question.
        """
        with (self.folder / FILE_LIST).open("rb") as stream:
            while line := stream.readline(LARGEST_LINE_BYTES):
                try:
                    yield FilestoreFile.from_json(line)
                except ValidationError:
                    raise CouldNotTell(f"{self.folder / FILE_LIST} has a senseless line.") from None


def backups_of(settings: GuardSettings) -> Path:
    """The folder of the backups. Raises Refused when there is none that can be used."""
    folder = settings.backups
    if folder is None:
        raise Refused.because(_unusable(f"{BACKUPS_VARIABLE} is not set"))
    try:
        if not folder.is_dir() or folder.is_symlink():
            raise Refused.because(_unusable(f"{folder} is not a folder"))
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise Refused.because(_unusable(f"{folder} cannot be read and written"))
    except OSError as problem:
        raise Refused.because(_unusable(f"{folder}: {problem.strerror}")) from None
    return folder


def require_other_volume(settings: GuardSettings, folder: Path) -> None:
    """Raise Refused when the backups are seen to lie on the volume of what they are to replace."""
    beside = [settings.filestore, settings.keep, database_volume(settings)]
    for place in beside:
        if place is None:
            continue
        # Another mount of the same disk is no other volume: one broken disk would take both.
        if existing(place).stat().st_dev == folder.stat().st_dev:
            raise Refused.because(
                _unusable(f"{folder} is on the same volume as {place}, and would be lost with it")
            )


def _unusable(detail: str) -> Reason:
    return reason(
        ReasonCode.BACKUPS_UNUSABLE,
        f"The place for backups cannot be used: {detail}.",
        "Give the lane's runtime a persistent folder on another volume than the filestore, the "
        f"keep and the server's data ({BACKUPS_VARIABLE}), and let the guard write to it.",
        detail=detail,
    )


def is_backup_name(name: str) -> bool:
    """Whether a folder of this name can be a backup."""
    return _ID.fullmatch(name) is not None


def find_backup(settings: GuardSettings, backup_id: BackupId) -> Backup:
    """One backup of this lane, whose manifest is the one that its name says.

    Raises Refused for one that is not there, is damaged, or is another lane's. What the manifest
    speaks of is not looked at.
    """
    folder = backups_of(settings) / backup_id
    # A name that leads elsewhere is none.
    if not is_backup_name(backup_id) or not folder.is_dir() or folder.is_symlink():
        raise Refused.because(
            reason(
                ReasonCode.BACKUP_UNKNOWN,
                f"There is no backup {backup_id} in {settings.backups}.",
                "Look at what there is with `lane-authority backup list`, and name one of those.",
                backup_id=backup_id,
            )
        )
    backup = read_backup(folder)
    if settings.lane is None or backup.manifest.lane != settings.lane:
        raise Refused.because(
            reason(
                ReasonCode.BACKUP_OTHER_LANE,
                f"Backup {backup_id} is of lane {backup.manifest.lane}, and this is lane "
                f"{settings.lane or 'unknown'}.",
                "Name a backup of this lane.",
                backup_id=backup_id,
            )
        )
    return backup


def read_backup(folder: Path) -> Backup:
    """The backup in a folder. Raises Refused when its manifest is not what the name says."""
    try:
        with (folder / MANIFEST).open("rb") as stream:
            text = stream.read(LARGEST_MANIFEST_BYTES)
    except OSError as problem:
        raise Refused.because(
            damaged(folder.name, f"its manifest cannot be read ({problem.strerror})")
        ) from None
    if hashlib.sha256(text).hexdigest() != folder.name:
        raise Refused.because(damaged(folder.name, _whose(text)))
    try:
        return Backup(folder, BackupManifest.from_json(text))
    except ValidationError:
        raise Refused.because(
            damaged(folder.name, "its manifest makes no sense to this version")
        ) from None


def _whose(text: bytes) -> str:
    try:
        manifest = BackupManifest.from_json(text)
    except ValidationError:
        return "its manifest was changed and makes no sense"
    return (
        f"its manifest is not the one that the name says: it was changed, or the folder renamed "
        f"(it speaks of lane {manifest.lane}, generation {manifest.generation}, and of the moment "
        f"{manifest.captured_at:%Y-%m-%d %H:%M} UTC)"
    )


def damaged(backup_id: str, detail: str) -> Reason:
    """The reason that a backup proves nothing."""
    return reason(
        ReasonCode.BACKUP_DAMAGED,
        f"Backup {backup_id} is not what was captured: {detail}.",
        "Capture the lane anew and prove that backup; take this one from another copy if there is "
        "one.",
        backup_id=backup_id,
        detail=detail,
    )


@contextmanager
def partial_folder(backups: Path) -> Iterator[Path]:
    """A folder for what is being made: gone at the end unless it was renamed; held meanwhile.

    What earlier ones left that were killed goes first. Raises OSError.
    """
    with _one_at_a_time(backups):
        _remove_abandoned(backups)
        folder = backups / f"{PARTIAL_PREFIX}{secrets.token_hex(8)}"
        folder.mkdir(mode=0o700)
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        if folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def remove_abandoned(backups: Path) -> None:
    """Remove what is no backup and is held by nobody: the one who made it was killed.

    Raises OSError.
    """
    with _one_at_a_time(backups):
        _remove_abandoned(backups)


@contextmanager
def _one_at_a_time(backups: Path) -> Iterator[None]:
    # So that nobody takes a folder for abandoned that was made and is not held yet.
    lock = os.open(backups / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _remove_abandoned(backups: Path) -> None:
    for folder in backups.glob(f"{PARTIAL_PREFIX}*"):
        if folder.is_symlink() or not folder.is_dir():
            continue
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(held)


def make_durable(folder: Path) -> None:
    """Have everything on the folder's volume written out. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # One call for thousands of files; Python has none of its own for a single volume.
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
            raise OSError(ctypes.get_errno(), "syncfs failed", str(folder))
    finally:
        os.close(descriptor)


def keep_under_its_name(folder: Path, manifest: BackupManifest) -> Backup:
    """Make what is complete a backup: its manifest written, all of it durable, then renamed.

    Raises OSError.
    """
    descriptor = os.open(folder / MANIFEST, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(manifest.canonical())
    make_durable(folder)
    named = folder.parent / manifest.backup_id
    folder.rename(named)
    sync_folder(folder.parent)
    return Backup(named, manifest)
