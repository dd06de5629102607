"""Copying the files that one snapshot's `ir_attachment` names, each compared with its name."""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from launchplane_lane_contracts.backup import (
    FILE_LIST,
    FILESTORE_FOLDER,
    FilestoreContent,
    FilestoreFile,
)
from launchplane_lane_contracts.contract import Digest

from .attached_files import digest_in, has_attachments, lies_inside
from .database import Query
from .durable import COPIED_AT_ONCE_BYTES

NAMES_AT_ONCE = 5_000


@dataclass
class FilesCopied:
    """What a round of copying came to."""

    content: FilestoreContent
    damaged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def named_in_order(query: Query) -> Iterator[str]:
    """The names that the snapshot of this transaction has, in the order of their bytes.

    A few thousand at a time, however many there are. Raises what the query raises.
    """
    if not has_attachments(query):
        return
    query(
        'DECLARE named_files NO SCROLL CURSOR FOR SELECT DISTINCT store_fname::text COLLATE "C" '
        "AS name FROM public.ir_attachment WHERE store_fname IS NOT NULL ORDER BY 1",
        (),
    )
    try:
        while rows := query(f"FETCH {NAMES_AT_ONCE} FROM named_files", ()):
            yield from (name for (name,) in rows)
    finally:
        query("CLOSE named_files", ())


def bytes_of_named(query: Query, folder: Path) -> int:
    """How much those files are together, as far as they are there."""
    total = 0
    for name in named_in_order(query):
        try:
            total += (folder / name).stat().st_size if lies_inside(name) else 0
        except OSError:
            continue
    return total


def copy_named(
    query: Query, sources: Sequence[Path], target: Path, source_digest: Digest | None
) -> FilesCopied:
    """Copy each file from the first of the sources that has it whole, and write the list.

    Raises OSError when the target cannot take them; one that no source has is told of.
    """
    whole, listed = hashlib.sha256(), hashlib.sha256()
    copied = FilesCopied(
        FilestoreContent(count=0, size_bytes=0, list_sha256=_NO_DIGEST, files_digest=_NO_DIGEST)
    )
    count = size = 0
    made: set[str] = set()
    (target / FILESTORE_FOLDER).mkdir(mode=0o700)
    with _new(target / FILE_LIST) as stream:
        for name in named_in_order(query):
            found = _copy_first(sources, target / FILESTORE_FOLDER, name, made, copied)
            if found is None:
                continue
            line = found.canonical() + b"\n"
            stream.write(line)
            listed.update(line)
            whole.update(os.fsencode(name) + b"\0" + found.sha256.encode() + b"\n")
            count, size = count + 1, size + found.size_bytes
    copied.content = FilestoreContent(
        count=count,
        size_bytes=size,
        list_sha256=Digest(listed.hexdigest()),
        files_digest=Digest(whole.hexdigest()),
        source_digest=source_digest,
        lacking=tuple(sorted((*copied.damaged, *copied.missing))),
    )
    return copied


_NO_DIGEST = Digest("0" * 64)


def _copy_first(
    sources: Sequence[Path], target: Path, name: str, made: set[str], copied: FilesCopied
) -> FilestoreFile | None:
    damaged = False
    for source in sources:
        if not lies_inside(name):
            break
        descriptor = _opened(source, name)
        if descriptor is None:
            continue
        found = _copy(descriptor, target, name, made)
        if found is not None:
            return found
        damaged = True
    (copied.damaged if damaged else copied.missing).append(name)
    return None


def _opened(source: Path, name: str) -> int | None:
    """A plain file of that name, opened; links and all else are none of Odoo's."""
    parts = Path(name).parts
    if any((source / Path(*parts[:number])).is_symlink() for number in range(1, len(parts))):
        return None
    try:
        descriptor = os.open(source / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def _copy(descriptor: int, target: Path, name: str, made: set[str]) -> FilestoreFile | None:
    """Copy one open file; None, and nothing there, where the content is not what the name says."""
    # A name that Odoo gave, not a signature.
    short, long = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
    path, size = target / name, 0
    parent = name.rpartition("/")[0]
    if parent not in made:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made.add(parent)
    with os.fdopen(descriptor, "rb", buffering=0) as given, _new(path) as taken:
        while block := _block(given):
            short.update(block)
            long.update(block)
            taken.write(block)
            size += len(block)
    if block is None or digest_in(name) not in (None, short.hexdigest()):
        path.unlink()
        return None
    return FilestoreFile(
        path=name, size_bytes=size, sha1=short.hexdigest(), sha256=Digest(long.hexdigest())
    )


def _block(stream: FileIO) -> bytes | None:
    """The next part; None where the disk does not give it."""
    try:
        return stream.read(COPIED_AT_ONCE_BYTES)
    except OSError:
        return None


def _new(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    return os.fdopen(descriptor, "wb")
