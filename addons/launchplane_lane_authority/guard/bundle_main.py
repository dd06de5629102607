"""The first file of a guard bundle: unpacks it into a private folder and runs the guard from there.

The host makes a bundle by `lane-authority guard-bundle`, with this file in it as `__main__.py`. It
has the standard library alone, and nothing that an old Python could not read: it must be able to
say that it is too old.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

PREFIX = "lane-authority-guard-"
LOCK = ".lock"


def main(archive: Path) -> int:
    """Run the guard that is in this archive; 51 when it is not made for this Python or machine."""
    with zipfile.ZipFile(archive) as bundle:
        about = json.loads(bundle.read("bundle.json").decode())
        problem = unsuitable(about)
        if problem:
            return refuse(archive, about, problem)
        remove_what_was_left(Path(tempfile.gettempdir()))
        with private_folder() as folder:
            try:
                unpack(bundle, folder)
            except OSError as failure:
                return refuse(
                    archive,
                    about,
                    f"The guard bundle could not be unpacked into {folder}: {failure}. Name a "
                    "folder with more room in TMPDIR.",
                )
            sys.path.insert(0, str(folder))
            sys.dont_write_bytecode = True
            from launchplane_lane_guard.door import enter

            return int(enter(about["guard_version"]))


def unsuitable(about: dict[str, Any]) -> str:
    """Why this bundle cannot run here, or nothing."""
    version, wanted = sys.version_info[:2], tuple(about["python"])
    machine = os.uname().machine
    if sys.implementation.name != "cpython" or version != wanted:
        why = f"this is {sys.implementation.name} {version[0]}.{version[1]}"
    elif machine != about["machine"]:
        why = f"this machine is {machine}"
    else:
        why = wrong_libc(about["glibc"])
    if not why:
        return ""
    return (
        f"This guard bundle is for Python {wanted[0]}.{wanted[1]} on {about['platform']}, and "
        f"{why}. Make one on the host with `lane-authority guard-bundle` for what is here."
    )


def wrong_libc(glibc: list[int] | None) -> str:
    """Why the system's C library is not the one that the bundle is made for, or nothing."""
    try:
        name, _space, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (ValueError, OSError):
        # A system without glibc does not know the question.
        name, version = "", ""
    if glibc is None:
        return "this system has glibc" if name == "glibc" else ""
    if name != "glibc":
        return "this system has no glibc"
    if [int(part) for part in version.split(".")[:2]] < glibc:
        return f"this system's glibc is {version}"
    return ""


def refuse(archive: Path, about: dict[str, Any], message: str) -> int:
    """Say it as the guard says it; the part of it that does so needs no package."""
    sys.path.insert(0, str(archive / "own"))
    from launchplane_lane_guard.door import refuse as say

    return int(say(about["guard_version"], None, message))


@contextmanager
def private_folder() -> Iterator[Path]:
    """A new folder that nobody else may look into; it is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        unseen = folder / f"{LOCK}.new"
        with unseen.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            # Only when it is held has it the name by which others look for it.
            unseen.rename(folder / LOCK)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_what_was_left(base: Path) -> None:
    """Remove the folders of bundles that were killed: ours, and held by nobody."""
    for folder in base.iterdir():
        if not folder.name.startswith(PREFIX) or folder.is_symlink():
            continue
        try:
            if folder.stat().st_uid != os.getuid():
                continue
            with (folder / LOCK).open() as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            # It is in use, or just being made.
            continue


def unpack(bundle: zipfile.ZipFile, folder: Path) -> None:
    """Unpack our own packages and each wheel. Raises OSError."""
    for name in bundle.namelist():
        if name.startswith("own/"):
            write(folder, name[len("own/") :], bundle.read(name))
        elif name.startswith("wheels/"):
            with zipfile.ZipFile(io.BytesIO(bundle.read(name))) as wheel:
                for inside in wheel.namelist():
                    if not inside.endswith("/"):
                        write(folder, inside, wheel.read(inside))


def write(folder: Path, name: str, content: bytes) -> None:
    """Write one new file below the folder, and nowhere else. Raises OSError."""
    inside = PurePosixPath(name)
    if inside.is_absolute() or ".." in inside.parts:
        raise OSError(f"{name!r} is no name for a file of a bundle")
    path = folder / inside
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parent))
