"""Files and folders that are there after a crash, or not at all."""

import os
import secrets
import shutil
from pathlib import Path

TEMPORARY_SUFFIX = ".new"
"""How the name of a file ends that is not complete yet."""

COPIED_AT_ONCE_BYTES = 1 << 20


def sync_folder(folder: Path) -> None:
    """Make what was created, renamed or removed in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_new(path: Path, content: bytes) -> None:
    """Create a file that must not exist yet.

    Raises FileExistsError, or OSError when it could not be written; then it is not there.
    """
    unfinished = temporary(path)
    try:
        _write(unfinished, content)
        os.link(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_folder(path.parent)


def replace(path: Path, content: bytes) -> None:
    """Write a file anew; at any moment it holds the old content or the new.

    Raises OSError when it could not be written; then it holds the old content.
    """
    unfinished = temporary(path)
    try:
        _write(unfinished, content)
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def copy(source: Path, target: Path) -> None:
    """Copy a plain file with its mode, owner and times to a name that is free, and make it last.

    Raises OSError; then something unfinished may stand at the target.
    """
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(reading, "rb") as given:
        like = os.fstat(reading)
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(writing, "wb") as taken:
            shutil.copyfileobj(given, taken, COPIED_AT_ONCE_BYTES)
            taken.flush()
            if os.geteuid() == 0:
                os.fchown(writing, like.st_uid, like.st_gid)
            os.fchmod(writing, like.st_mode & 0o7777)
            os.utime(writing, ns=(like.st_atime_ns, like.st_mtime_ns))
            os.fsync(writing)


def temporary(path: Path) -> Path:
    """A name beside a path for what is not complete yet."""
    # A container hands the same process ids out again and again, and a killed guard leaves its
    # file behind: with a process id for a name the next one would take that for its own.
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}{TEMPORARY_SUFFIX}")


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
