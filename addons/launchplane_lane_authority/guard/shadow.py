"""The shadow: every served file a second time, as a hard link in the keep. It takes no space.

A devkit that is started bare empties the served folder before it finds that it can't drop the
database. The links outlive that. One shadow belongs to one database of one cluster, so that other
data under the same name has another one, and data that is put back finds its own again.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from launchplane_lane_contracts.contract import FilestorePath, UtcInstant, VersionedContract
from launchplane_lane_contracts.errors import Busy
from launchplane_lane_contracts.reading import (
    DatabaseReading,
    FilestoreReading,
    KeepReading,
    ShadowReading,
)
from launchplane_lane_contracts.vocabulary import KeepState, ShadowState

from . import durable
from .attached_files import FOLDER_NAME, FileState, digest_in, state_within

SHADOWS = "shadows"
NOTES = ".shadow.json"
LOCK = ".shadow.lock"
NO_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP})
"""What the system answers where a hard link cannot be made, however much room there is."""


class ShadowNotes(VersionedContract):
    """What a shadow remembers of its last refresh."""

    refreshed_at: UtcInstant
    """When that was (UTC)."""
    files: int
    """How many files it held."""
    gone_since: dict[str, UtcInstant] = {}
    """Files that neither the folder has nor the database names, and when that was first seen."""
    unused_since: UtcInstant | None = None
    """When it was first seen that the database of this shadow is not on its server any more."""


@dataclass
class Refreshed:
    """What one round of linking did."""

    linked: int = 0
    exchanged: int = 0
    files: int = 0
    damaged: list[str] = field(default_factory=list)
    """Names whose content in the folder is wrong."""
    unserved: list[str] = field(default_factory=list)
    """Names that the shadow has and the folder lacks."""


class Shadow:
    """The shadow of one database's files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def notes(self) -> ShadowNotes | None:
        """What it remembers. Raises OSError.

        None where it was never refreshed or the notes make no sense: then every waiting time
        begins again, which loses nothing.
        """
        try:
            return ShadowNotes.from_json((self.folder / NOTES).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def write_notes(self, notes: ShadowNotes) -> None:
        """Remember. Raises OSError."""
        durable.replace(self.folder / NOTES, notes.canonical())

    def link_from(self, served: int) -> Refreshed:
        """Link what is new in the folder that is open as `served`. Raises OSError.

        The open folder is followed, even where somebody renames it meanwhile.
        """
        for part in (self.folder.parent, self.folder):
            part.mkdir(mode=0o700, exist_ok=True)
        done = Refreshed()
        mine = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            for name in sorted({*_subfolders(served), *_subfolders(mine)}):
                self._link_subfolder(served, name, done)
            os.fsync(mine)
        finally:
            os.close(mine)
        durable.sync_folder(self.folder.parent)
        return done

    def link_named(self, served: int, names: Iterable[str]) -> Refreshed:
        """Link these new files alone, without a look at all others. Raises OSError.

        For whoever has just written them. It may run beside a refresh: both make the same links.
        """
        for part in (self.folder.parent, self.folder):
            part.mkdir(mode=0o700, exist_ok=True)
        done = Refreshed()
        changed = set()
        for name in sorted(names):
            if digest_in(name) is None:
                continue
            folder, _slash, file = name.partition("/")
            (self.folder / folder).mkdir(mode=0o700, exist_ok=True)
            with _subfolder(folder, served) as source:
                if source is None or not _is_new(source, file, self.folder / name):
                    continue
                known = os.path.lexists(self.folder / name)
                if self._take(source, folder, file, known, done):
                    changed.add(self.folder / folder)
        for each in (*sorted(changed), *([self.folder, self.folder.parent] if changed else [])):
            durable.sync_folder(each)
        return done

    def _link_subfolder(self, served: int, name: str, done: Refreshed) -> None:
        folder = self.folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        for leftover in folder.glob(f".*{durable.TEMPORARY_SUFFIX}"):
            _forget(leftover)
        here, there, changed = _files(name, folder), {}, False
        with _subfolder(name, served) as source:
            if source is not None:
                there = _files(name, source)
                for file, number in there.items():
                    if here.get(file) != number:
                        changed |= self._take(source, name, file, file in here, done)
        if changed:
            durable.sync_folder(folder)
        done.files += len({*here, *there})
        done.unserved += [f"{name}/{file}" for file in sorted(here.keys() - there.keys())]

    def _take(self, source: int, folder: str, file: str, known: bool, done: Refreshed) -> bool:
        """Link one file, or exchange the link for another file of the same name."""
        target, name = self.folder / folder / file, f"{folder}/{file}"
        link = target.with_name(f".{file}{durable.TEMPORARY_SUFFIX}")
        if not known:
            # Odoo may collect it in this very moment, or link it where it does that itself.
            with suppress(FileNotFoundError, FileExistsError):
                os.link(file, target, src_dir_fd=source, follow_symlinks=False)
                done.linked += 1
            return True
        if state_within(source, file, name) is not FileState.GOOD:
            # What the shadow has may be what it should be; a repair looks there.
            done.damaged.append(name)
            return False
        try:
            with suppress(FileNotFoundError):
                os.link(file, link, src_dir_fd=source, follow_symlinks=False)
                link.replace(target)
                done.exchanged += 1
        finally:
            _forget(link)
        return True

    def leave(self, names: list[str]) -> None:
        """Take these names out of the shadow. Raises OSError."""
        for name in names:
            _forget(self.folder / name)

    def remove(self) -> int:
        """Take all of it away and say how many files it held. Raises OSError."""
        held = 0
        for name in _subfolders(self.folder):
            for entry in sorted((self.folder / name).iterdir()):
                _forget(entry)
                held += 1
            (self.folder / name).rmdir()
        _forget(self.folder / NOTES)
        self.folder.rmdir()
        return held


def shadow_of(keep: Path, database: DatabaseReading) -> Shadow | None:
    """The shadow of the data that is served; None where it is unknown which data that is."""
    if database.server is None or database.entry is None:
        return None
    return Shadow(keep / SHADOWS / f"{database.server.system_identifier}-{database.entry.oid}")


def every_shadow(keep: Path) -> list[Shadow]:
    """All shadows in the keep, those of other data as well. Raises OSError."""
    folder = keep / SHADOWS
    if not folder.is_dir():
        return []
    return [Shadow(each) for each in sorted(folder.iterdir()) if each.is_dir()]


@contextmanager
def refreshing(keep: Path) -> Iterator[None]:
    """One refresh at a time; it keeps no rebuild waiting. Raises Busy when another is at it."""
    descriptor = os.open(keep / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(
                "Another guard is refreshing the shadow. What it does is the same; wait until it "
                "has ended."
            ) from None
        yield
    finally:
        os.close(descriptor)


def why_impossible(filestore: FilestoreReading, keep: KeepReading) -> str | None:
    """Why the folder's files cannot be linked into the keep, where they cannot."""
    if filestore.is_mount_point:
        return f"{filestore.path} is a volume of its own, and hard links cannot leave a volume"
    if keep.state is KeepState.OTHER_VOLUME:
        return f"{keep.problem}, and hard links cannot leave a volume"
    if keep.state is not KeepState.READY:
        return keep.problem
    return None


def read_shadow(
    keep: Path | None,
    database: DatabaseReading,
    filestore: FilestoreReading,
    keep_reading: KeepReading,
) -> ShadowReading:
    """What there is of a shadow. Never raises."""
    impossible = why_impossible(filestore, keep_reading)
    if keep is None or impossible is not None:
        return ShadowReading(state=ShadowState.IMPOSSIBLE, problem=impossible)
    shadow = shadow_of(keep, database)
    if shadow is None:
        return ShadowReading(
            state=ShadowState.ABSENT, problem="it is unknown which database's files these are"
        )
    path = FilestorePath(str(shadow.folder))
    try:
        notes = shadow.notes()
    except OSError as problem:
        return ShadowReading(state=ShadowState.ABSENT, path=path, problem=str(problem))
    if notes is None:
        return ShadowReading(state=ShadowState.ABSENT, path=path)
    return ShadowReading(
        state=ShadowState.PRESENT, path=path, files=notes.files, refreshed_at=notes.refreshed_at
    )


@contextmanager
def opened(folder: Path) -> Iterator[int | None]:
    """The folder, open, so that it is followed when a rebuild renames it meanwhile.

    None where that cannot be done; a reading says in words why.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _subfolder(name: str, folder: int) -> Iterator[int | None]:
    """The subfolder, open; None where it is not there or is no folder."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _subfolders(folder: int | Path) -> list[str]:
    """Folders that Odoo puts files in. Links are left out."""
    with os.scandir(folder) as entries:
        return [
            entry.name
            for entry in entries
            if FOLDER_NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
        ]


def _files(name: str, folder: int | Path) -> dict[str, int]:
    """Files that are named by their content, each with its inode. Links are left out."""
    with os.scandir(folder) as entries:
        return {
            entry.name: entry.inode()
            for entry in entries
            if digest_in(f"{name}/{entry.name}") and entry.is_file(follow_symlinks=False)
        }


def _is_new(source: int, file: str, link: Path) -> bool:
    """Whether the file is there, is no link, and is another one than the link's."""
    try:
        served = os.stat(file, dir_fd=source, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(served.st_mode):
        return False
    try:
        return not os.path.samestat(served, link.lstat())
    except FileNotFoundError:
        return True


def _forget(link: Path) -> None:
    """Take away one name in a shadow; the file itself stays wherever else it has a name."""
    link.unlink(missing_ok=True)
