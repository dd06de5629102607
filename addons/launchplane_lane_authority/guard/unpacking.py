"""Taking files out of what others packed: a dump of any form, and an archive of attachments."""

import gzip
import hashlib
import lzma
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, cast

from launchplane_lane_contracts.backup import DUMP_ARCHIVE, DumpFormat
from launchplane_lane_contracts.errors import BadInput

from .attached_files import digest_in
from .durable import COPIED_AT_ONCE_BYTES

CUSTOM_FORMAT = b"PGDMP"
GZIP = b"\x1f\x8b"
TABLE_OF_CONTENTS = "toc.dat"
_UNSOUND = (
    *(EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error),
    *(tarfile.TarError, zipfile.BadZipFile, zipfile.LargeZipFile),
    # How `zipfile` says that a member is encrypted, and that it does not know the packing.
    *(RuntimeError, NotImplementedError),
)


def take_dump(source: Path, target: Path) -> DumpFormat:
    """Copy a dump into an empty folder, and say what form it has.

    Raises BadInput for a form that `pg_restore` does not read, OSError.
    """
    if source.is_dir():
        if not (source / TABLE_OF_CONTENTS).is_file():
            raise BadInput(f"{source} is no dump in pg_dump's directory format: no toc.dat.")
        for path in sorted(source.iterdir()):
            if path.is_file() and not path.is_symlink():
                shutil.copyfile(path, target / path.name)
        return DumpFormat.DIRECTORY
    with _sound(source), _uncompressed(source) as stream:
        head = stream.read(len(CUSTOM_FORMAT))
        if head != CUSTOM_FORMAT:
            raise BadInput(
                f"{source} is no dump in pg_dump's custom or directory format. Those are what can "
                "be proven and restored; a plain script is not."
            )
        with (target / DUMP_ARCHIVE).open("xb") as taken:
            taken.write(head)
            shutil.copyfileobj(stream, taken, COPIED_AT_ONCE_BYTES)
    return DumpFormat.CUSTOM


@contextmanager
def _uncompressed(source: Path) -> Iterator[IO[bytes]]:
    with source.open("rb") as stream:
        packed = stream.read(len(GZIP)) == GZIP
        stream.seek(0)
        if not packed:
            yield stream
            return
        with gzip.open(stream) as unpacked:
            yield cast(IO[bytes], unpacked)


def take_files(source: Path, target: Path) -> int:
    """Take every file that Odoo named out of a folder, a tar or a zip file into another folder.

    Where they lie in it does not matter: the last two parts of a name are what Odoo gave. One whose
    content is not what its name says is left out. Gives how many were taken. Raises BadInput,
    OSError.
    """
    with _sound(source):
        return sum(_take(stream, target / name, name) for name, stream in _members(source))


@contextmanager
def _sound(source: Path) -> Iterator[None]:
    """Raise BadInput where what is packed cannot be unpacked."""
    try:
        yield
    except _UNSOUND as problem:
        raise BadInput(
            f"{source} can't be unpacked: it is cut off, damaged, encrypted or packed in a way "
            f"that is not known here ({problem}). Nothing was made of it."
        ) from None


def _members(source: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if source.is_dir():
        yield from _of_folder(source)
    elif zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            for each in archive.infolist():
                name = _odoo_name(each.filename)
                if name is not None and not each.is_dir():
                    with archive.open(each) as stream:
                        yield name, stream
    elif tarfile.is_tarfile(source):
        # From its beginning to its end, never back: it may be as large as it likes.
        with tarfile.open(source, "r|*") as packed:
            for member in packed:
                name = _odoo_name(member.name)
                found = packed.extractfile(member) if member.isfile() and name else None
                if name is not None and found is not None:
                    yield name, found
    else:
        raise BadInput(f"{source} is no folder, tar or zip file with attachments.")


def _of_folder(source: Path) -> Iterator[tuple[str, IO[bytes]]]:
    for where, _folders, names in os.walk(source):
        for file in sorted(names):
            path = Path(where) / file
            name = _odoo_name(str(path))
            if name is not None and path.is_file() and not path.is_symlink():
                with path.open("rb") as stream:
                    yield name, stream


def _odoo_name(path: str) -> str | None:
    """The name that Odoo gave, at the end of a path; so it can never lead out of the folder."""
    name = "/".join(PurePosixPath(path).parts[-2:])
    return name if digest_in(name) is not None else None


def _take(stream: IO[bytes], path: Path, name: str) -> bool:
    # A name that Odoo gave, not a signature.
    digest = hashlib.sha1(usedforsecurity=False)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        with path.open("xb") as taken:
            while block := stream.read(COPIED_AT_ONCE_BYTES):
                digest.update(block)
                taken.write(block)
    except FileExistsError:
        # Packed twice; the first was good, or is gone again.
        return False
    if digest.hexdigest() == digest_in(name):
        return True
    path.unlink()
    return False
