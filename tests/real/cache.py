"""The per-user cache outside the checkout: built once, shared by every checkout."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real.errors import RealPartMissing
from tests.real.progress import say

CACHE_VARIABLE = "LANE_AUTHORITY_CACHE"
CACHE_NAME = "launchplane-lane-authority"


def cache_folder() -> Path:
    """Where downloads, Odoo, Python packages and templates are kept between runs."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        folder = Path(chosen).expanduser().absolute()
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        folder = Path(base).expanduser().absolute() / CACHE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RealPartMissing(
            f"The cache folder {folder} can't be made ({error}).\n"
            f"Set {CACHE_VARIABLE} to a folder that you can write to."
        ) from error
    return folder


@contextmanager
def exclusive(lock: Path, waiting_for: str) -> Iterator[None]:
    """Hold a lock file, so that two checkouts never build the same thing at once."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for another run that is busy with {waiting_for} ...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        # The kernel gives the lock back when the handle closes, after a kill as well.
        yield


def build_once(target: Path, what: str, build: Callable[[Path], None]) -> Path:
    """Return `target`, building it first when it is missing.

    It is built under a temporary name and renamed when complete: an interrupted build
    leaves nothing that looks finished.
    """
    if target.exists():
        return target
    with exclusive(target.with_name(f"{target.name}.lock"), what):
        if target.exists():
            return target
        unfinished = target.with_name(f"{target.name}.unfinished")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(parents=True)
        build(unfinished)
        unfinished.rename(target)
    return target
