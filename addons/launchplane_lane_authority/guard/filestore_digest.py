"""One digest over all files of a filestore: the same files, whenever and wherever, the same digest.

SHA-256 over one record for each file, in the order of the paths' bytes: the path, a zero byte, the
file's own SHA-256 in hexadecimal, a line feed. Left out: our tag, folders, owners, modes and times,
which a restore does not bring back. A link is a record of where it leads, and is not followed.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from launchplane_lane_contracts.contract import Digest

from .filestore import is_tag


def filestore_digest(folder: Path) -> Digest:
    """The digest of what lies in the folder. Raises OSError."""
    whole = hashlib.sha256()
    for relative, content in sorted(_records(folder)):
        whole.update(relative + b"\0" + content + b"\n")
    return Digest(whole.hexdigest())


def _records(folder: Path) -> Iterator[tuple[bytes, bytes]]:
    for place, folders, names in os.walk(folder, onerror=_raise):
        here = Path(place)
        links = [name for name in folders if (here / name).is_symlink()]
        for name in (*names, *links):
            path = here / name
            if here == folder and is_tag(name):
                continue
            yield os.fsencode(path.relative_to(folder)), _content(path)


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return b"-> " + os.fsencode(path.readlink())
    if not path.is_file():
        raise OSError(f"{path} is neither a file nor a folder")
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest().encode()


def _raise(problem: OSError) -> None:
    raise problem
