"""Files and folders that are there after a crash, or not at all."""

import os
import secrets
from pathlib import Path

TEMPORARY_SUFFIX = ".new"
"""How the name of a file ends that is not complete yet."""


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
    temporary = _temporary(path)
    try:
        _write(temporary, content)
        os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def replace(path: Path, content: bytes) -> None:
    """Write a file anew; at any moment it holds the old content or the new.

    Raises OSError when it could not be written; then it holds the old content.
    """
    temporary = _temporary(path)
    try:
        _write(temporary, content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _temporary(path: Path) -> Path:
    # A container hands the same process ids out again and again, and a killed guard leaves its
    # file behind: with a process id for a name the next one would take that for its own.
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}{TEMPORARY_SUFFIX}")


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
