"""Files that are either whole or not there, and that survive a power cut once written."""

import os
import secrets
from pathlib import Path


def write_durably(path: Path, content: bytes, *, mode: int = 0o600, replace: bool = True) -> None:
    """Write a file in one step: a reader sees the old content or the new, never a part of it.

    `mode` is the file's mode, whatever the umask says. Returns when content and name are on disk.
    With `replace=False` an existing file is left alone and FileExistsError is raised.
    Raises OSError when it cannot be written; the old file is then still there.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(6)}.new")
    opened = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(opened, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            unfinished.replace(path)
        else:
            # A link, unlike a rename, never takes the place of a file that is there.
            path.hardlink_to(unfinished)
    finally:
        unfinished.unlink(missing_ok=True)
    _sync_folder(path.parent)


def make_folder_durably(path: Path, *, mode: int) -> None:
    """Make a folder, with its parents, unless it is there; an existing one keeps its mode."""
    if path.is_dir():
        return
    if not path.parent.is_dir():
        make_folder_durably(path.parent, mode=0o755)
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
