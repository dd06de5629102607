"""Copying a folder to another volume, comparing the copy, and emptying the original after that.

Each step may be killed and run again: a file has its name in the copy only when it is whole, and
leaves the original only when the copy has the same.
"""

import filecmp
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from . import durable
from .attached_files import FileState, digest_in, state_within
from .filestore import OF_THE_VOLUME, holds_no_data

BLOCK_BYTES = 4096
"""What a file takes at least on most volumes, and what a folder takes."""
_UNFINISHED = re.compile(rf"\..+\.[0-9a-f]{{16}}{re.escape(durable.TEMPORARY_SUFFIX)}")


def bytes_of(folder: Path) -> int:
    """What a copy of the folder takes, in bytes. Raises OSError."""
    size = BLOCK_BYTES
    for path in _walk(folder):
        with suppress(FileNotFoundError):
            found = path.lstat()
            blocks = -(-found.st_size // BLOCK_BYTES) if stat.S_ISREG(found.st_mode) else 1
            size += blocks * BLOCK_BYTES
    return size


def what_cannot_be_copied(folder: Path) -> Path | None:
    """The first thing that is neither file, folder nor link. Raises OSError."""
    for path in _walk(folder):
        with suppress(FileNotFoundError):
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
                return path
    return None


def copy_folder(source: Path, target: Path, *, in_use: bool = False) -> None:
    """Copy all that is in a folder into another one, and make it last. Raises OSError.

    What the target already has is left as it is; links are copied and never followed. A file that
    vanishes meanwhile (Odoo collects its own) is left out, and so is one that is being written
    where the folder is in use.
    """
    if not target.exists():
        target.mkdir(mode=0o700)
    pairs = [(source, target)]
    for here, there in pairs:
        _drop_unfinished(here, there)
        with os.scandir(here) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            if here == source and entry.name == OF_THE_VOLUME:
                continue
            twin = there / entry.name
            with suppress(FileNotFoundError):
                if entry.is_dir(follow_symlinks=False):
                    if not twin.is_dir() or twin.is_symlink():
                        twin.mkdir(mode=0o700)
                    pairs.append((here / entry.name, twin))
                else:
                    name = str((here / entry.name).relative_to(source))
                    _copy(here / entry.name, twin, name, in_use=in_use)
    # From the inside out, since a folder's times change with what is put into it.
    for here, there in reversed(pairs):
        with suppress(FileNotFoundError):
            _like(there, here.lstat())
        durable.sync_folder(there)


def _copy(source: Path, target: Path, name: str, *, in_use: bool) -> None:
    """Copy one file or link, compare it, and give it its name."""
    if same(source, target):
        return
    unfinished = durable.temporary(target)
    try:
        mode = source.lstat().st_mode
        if stat.S_ISLNK(mode):
            unfinished.symlink_to(source.readlink())
        elif not stat.S_ISREG(mode):
            raise OSError(f"{source} is neither file, folder nor link")
        else:
            durable.copy(source, unfinished)
            if not _is_true(unfinished, source, name):
                if in_use:
                    return
                raise OSError(f"the copy of {source} is not what was copied")
        unfinished.replace(target)
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()


def _is_true(copy: Path, source: Path, name: str) -> bool:
    """Whether a copy holds what its name promises, or else what the original holds."""
    if digest_in(name) is not None and state_within(None, copy, name) is FileState.GOOD:
        return True
    return filecmp.cmp(copy, source, shallow=False)


def _like(folder: Path, model: os.stat_result) -> None:
    if os.geteuid() == 0:
        os.chown(folder, model.st_uid, model.st_gid)
    folder.chmod(model.st_mode & 0o7777)
    os.utime(folder, ns=(model.st_atime_ns, model.st_mtime_ns))


def _drop_unfinished(source: Path, target: Path) -> None:
    """Take away what a copying that was killed left half-written."""
    for path in list(target.iterdir()):
        if _UNFINISHED.fullmatch(path.name) and not os.path.lexists(source / path.name):
            path.unlink()


def same(one: Path, other: Path) -> bool:
    """Whether two paths hold the same: links by where they lead, files by what is in them.

    Size and time to the nanosecond are taken for the content: a copy that we made has both, and
    was compared when it was made. Raises OSError where `one` cannot be read.
    """
    first = one.lstat()
    try:
        second = other.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISLNK(first.st_mode) and stat.S_ISLNK(second.st_mode):
        return one.readlink() == other.readlink()
    if not (stat.S_ISREG(first.st_mode) and stat.S_ISREG(second.st_mode)):
        return False
    if first.st_size != second.st_size:
        return False
    return first.st_mtime_ns == second.st_mtime_ns or filecmp.cmp(one, other, shallow=False)


def holds_only(folder: Path, twin: Path) -> bool:
    """Whether the twin has everything that is in the folder, tags apart. Raises OSError."""
    for path in _walk(folder):
        if path.parent == folder and holds_no_data(path.name):
            continue
        if _UNFINISHED.fullmatch(path.name):
            continue
        other = twin / path.relative_to(folder)
        if path.is_dir() and not path.is_symlink():
            if not other.is_dir():
                return False
        elif not same(path, other):
            return False
    return True


def holds_nothing(folder: Path) -> bool:
    """Whether there is nothing in the folder but tags. Raises OSError."""
    return all(holds_no_data(path.name) for path in folder.iterdir())


def empty(folder: Path, twin: Path) -> None:
    """Take away from a folder what its twin has just the same; the rest and the tag stay.

    Raises OSError.
    """
    for where, folders, files in os.walk(folder, topdown=False):
        here = Path(where)
        there = twin / here.relative_to(folder)
        _drop_unfinished(there, here)
        links = [name for name in folders if (here / name).is_symlink()]
        for name in (*files, *links):
            if here == folder and holds_no_data(name):
                continue
            # What is not there any more was a half-written copy.
            with suppress(FileNotFoundError):
                if same(here / name, there / name):
                    (here / name).unlink()
        for name in folders:
            if name not in links and (there / name).is_dir():
                # It is not empty where something was put into it that the twin has not.
                with suppress(OSError):
                    (here / name).rmdir()
        durable.sync_folder(here)


def empty_and_remove(folder: Path, twin: Path) -> None:
    """The same, and the folder goes as well where nothing but its tag is left. Raises OSError."""
    empty(folder, twin)
    if holds_nothing(folder):
        remove_empty(folder)


def remove_empty(folder: Path) -> None:
    """Take away a folder that holds nothing but tags. Raises OSError."""
    for tag in list(folder.iterdir()):
        tag.unlink()
    folder.rmdir()
    durable.sync_folder(folder.parent)


def _walk(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder, onerror=_raise):
        if Path(where) == folder and OF_THE_VOLUME in folders:
            folders.remove(OF_THE_VOLUME)
        yield from (Path(where) / name for name in (*folders, *files))


def _raise(problem: OSError) -> None:
    raise problem
