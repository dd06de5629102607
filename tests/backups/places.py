"""A place for backups that is another volume than the lanes, without mounting anything."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A folder on another volume than every lane of these tests."""
    folder = Path(tempfile.mkdtemp(prefix="lane-backups-", dir=MEMORY))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
