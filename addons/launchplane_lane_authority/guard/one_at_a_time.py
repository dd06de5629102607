"""Work in a folder that only one guard may be at."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launchplane_lane_contracts.errors import Busy


@contextmanager
def one_at_a_time(folder: Path, when_busy: str) -> Iterator[None]:
    """Hold the folder's lock. Raises Busy with these words when another has it, OSError."""
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(when_busy) from None
        yield
    finally:
        os.close(descriptor)
