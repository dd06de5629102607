"""The files that Odoo's `ir_attachment` names: which ones, and whether their content is right.

Odoo names a file by the SHA-1 of its content and never rewrites one, so a name says what is in it.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Sequence
from enum import Enum
from io import BufferedReader
from pathlib import Path

from launchplane_lane_contracts.errors import CouldNotTell

from .database import Query

FOLDER_NAME = re.compile(r"[0-9a-f]{2,3}")
FILE_NAME = re.compile(r"[0-9a-f]{40}")
COLLECTION_LIST = "checklist"
"""The folder in which Odoo notes what its garbage collection looks at; it holds no data."""
NAMES_AT_ONCE = 5_000
_ATTACHMENTS = """
    SELECT pg_catalog.to_regclass('public.ir_attachment')::text,
           (SELECT pg_catalog.min(n.nspname || '.' || c.relname) FROM pg_catalog.pg_class c
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relname = 'ir_attachment' AND c.relkind IN ('r', 'p')
               AND c.relpersistence <> 't')
"""


class FileState(Enum):
    """What a file that the database names is worth."""

    GOOD = "good"
    MISSING = "missing"
    DAMAGED = "damaged"
    NOT_VERIFIABLE = "not verifiable"


def named_files(query: Query) -> list[str]:
    """The names in the database, each once, sorted. Raises what the query raises."""
    if not has_attachments(query):
        return []
    rows = query(
        "SELECT DISTINCT store_fname::text FROM public.ir_attachment WHERE store_fname IS NOT NULL",
        (),
    )
    return sorted(name for (name,) in rows)


def still_named(query: Query, names: Sequence[str]) -> set[str]:
    """Those of the names that the database names now. Raises what the query raises.

    Where the table is not there nothing is known, so all of them count as named.
    """
    if not names or not has_attachments(query):
        return set(names)
    found: set[str] = set()
    for start in range(0, len(names), NAMES_AT_ONCE):
        rows = query(
            "SELECT DISTINCT store_fname::text FROM public.ir_attachment "
            "WHERE store_fname = ANY(%s)",
            (list(names[start : start + NAMES_AT_ONCE]),),
        )
        found.update(name for (name,) in rows)
    return found


def has_attachments(query: Query) -> bool:
    """Whether there is a table that names files.

    Raises CouldNotTell where it lies in another schema, what the query raises.
    """
    ((table, elsewhere),) = query(_ATTACHMENTS, ())
    if table is None and elsewhere is not None:
        # None of its files would be missed.
        raise CouldNotTell(
            f"The table that names Odoo's files is {elsewhere}, and it is known only in the schema "
            "public. Let Odoo's tables lie there, as they do where nobody set a search_path."
        )
    return table is not None


def lies_inside(name: str) -> bool:
    """Whether a name stays inside the folder. One that leads out of it is no file of ours."""
    parts = name.split("/")
    return "\0" not in name and not any(part in ("", ".", "..") for part in parts)


def is_there(folder: Path, name: str) -> bool:
    """Whether there is a file of this name, whatever its content."""
    return lies_inside(name) and (folder / name).is_file()


def digest_in(name: str) -> str | None:
    """The SHA-1 that a name promises of the content, where it is a name that Odoo gives."""
    folder, _slash, file = name.partition("/")
    if FOLDER_NAME.fullmatch(folder) and FILE_NAME.fullmatch(file) and file.startswith(folder):
        return file
    return None


def digest_of(stream: BufferedReader) -> str:
    """The SHA-1 of what is left in an open file. Raises OSError."""
    # A name that Odoo gave, not a signature; MD5 and SHA-1 are all that a name can be checked by.
    return hashlib.file_digest(stream, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()


def state_of(folder: Path, name: str) -> FileState:
    """What the file of this name in the folder is worth. Never raises.

    A link, or anything else that is no plain file, counts as damaged: Odoo made none.
    """
    if not lies_inside(name):
        return FileState.MISSING
    if any((folder / part).is_symlink() for part in _folders_above(name)):
        return FileState.DAMAGED
    return state_within(None, folder / name, name)


def state_within(folder: int | None, path: str | Path, name: str) -> FileState:
    """The same of one path, below an open folder where one is given. Never raises."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except (FileNotFoundError, NotADirectoryError):
        return FileState.MISSING
    except OSError:
        return FileState.DAMAGED
    try:
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return FileState.DAMAGED
            promised = digest_in(name)
            if promised is None:
                return FileState.NOT_VERIFIABLE
            return FileState.GOOD if digest_of(stream) == promised else FileState.DAMAGED
    except OSError:
        return FileState.DAMAGED


def _folders_above(name: str) -> Iterable[str]:
    parts = name.split("/")
    return ("/".join(parts[:number]) for number in range(1, len(parts)))
