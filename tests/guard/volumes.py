"""Real volumes for the time of one test: small ones, full ones, and the same disk mounted twice."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@contextmanager
def mounted(*command: str) -> Iterator[None]:
    """A mount for the time of one test; where even root may not mount, the test is skipped."""
    made = subprocess.run(["mount", *command], capture_output=True, check=False, text=True)
    if made.returncode != 0:
        pytest.skip(f"mount does not work here: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", command[-1]], check=True)


@contextmanager
def small_volume(folder: Path, *options: str) -> Iterator[Path]:
    """A volume in memory at this folder, such as one of `size=4m`."""
    folder.mkdir(parents=True, exist_ok=True)
    with mounted("-t", "tmpfs", "-o", ",".join(("mode=755", *options)), "tmpfs", str(folder)):
        yield folder


def give_room(folder: Path, *options: str) -> None:
    """Change the limits of a small volume."""
    subprocess.run(["mount", "-o", ",".join(("remount", *options)), str(folder)], check=True)


@contextmanager
def full(folder: Path, leaving: int = 0) -> Iterator[None]:
    """Leave no room on a volume, or this many bytes, for a time."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as stream:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    stream.write(b"\0" * size)
            except OSError:
                continue
        if leaving:
            stream.truncate(stream.tell() - leaving)
    try:
        yield
    finally:
        filler.unlink()
