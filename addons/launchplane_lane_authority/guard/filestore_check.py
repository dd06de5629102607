"""`filestore check`: what the database names, compared with what lies in the folder."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from launchplane_lane_contracts.contract import FilestorePath
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.filestore_check import (
    NAMES_LISTED_AT_MOST,
    FilesCounted,
    FilestoreCheck,
)
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .attached_files import COLLECTION_LIST, FileState, named_files, state_of, still_named
from .database import Query, connected, query_through
from .filestore import holds_no_data
from .lane_files import require_server
from .lane_reading import read_lane
from .settings import GuardSettings
from .shadow import read_shadow

WAY_ON = (
    "Run `filestore repair`, which puts back what lies in the keep. What is nowhere in the keep "
    "has to come from a backup."
)


def check(settings: GuardSettings) -> FilestoreCheck:
    """Compare database and folder. Changes nothing. Raises CouldNotTell, psycopg2.Error."""
    reading = read_lane(settings)
    require_server(reading)
    with connected(settings, settings.database) as connection:
        query = query_through(connection)
        named = named_files(query)
        found = states_of(query, settings.filestore, named)
    extra, extra_bytes = _extra(settings.filestore, set(named))
    return FilestoreCheck(
        path=FilestorePath(str(settings.filestore)),
        named=len(named),
        missing=counted(found[FileState.MISSING]),
        damaged=counted(found[FileState.DAMAGED]),
        not_verifiable=counted(found[FileState.NOT_VERIFIABLE]),
        extra=counted(extra),
        extra_bytes=extra_bytes,
        shadow=read_shadow(settings.keep, reading.database, reading.filestore, reading.keep),
    )


def states_of(query: Query, folder: Path, named: list[str]) -> dict[FileState, list[str]]:
    """The names by what their files are worth. Raises what the query raises."""
    found: dict[FileState, list[str]] = {state: [] for state in FileState}
    for name in named:
        found[state_of(folder, name)].append(name)
    # Odoo goes on working: what it has deleted since, row and file, is not missing.
    for state in (FileState.MISSING, FileState.DAMAGED):
        named_now = still_named(query, found[state])
        found[state] = [name for name in found[state] if name in named_now]
    return found


def counted(names: Iterable[str]) -> FilesCounted:
    """The number of names, and the first of them, written so that they can be told."""
    every = sorted(os.fsencode(name).decode(errors="replace") for name in names)
    return FilesCounted(count=len(every), names=tuple(every[:NAMES_LISTED_AT_MOST]))


def incomplete(count: int, first: str, remedy: str = WAY_ON) -> Refused:
    """What is said when files that the database names are not there or not good."""
    return Refused.because(
        reason(
            ReasonCode.FILES_INCOMPLETE,
            f"{count} file(s) that the database names are missing or damaged, such as {first}.",
            remedy,
            count=count,
            first=first,
        )
    )


def _extra(folder: Path, named: set[str]) -> tuple[list[str], int]:
    """Files that the database does not name, and their size. Never raises."""
    names, size = [], 0
    for path in _walk(folder):
        name = str(path.relative_to(folder))
        if name not in named:
            names.append(name)
            try:
                size += path.lstat().st_size
            except OSError:
                continue
    return names, size


def _walk(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        at_root = Path(where) == folder
        if at_root:
            folders[:] = [
                each for each in folders if each != COLLECTION_LIST and not holds_no_data(each)
            ]
        yield from (Path(where) / file for file in files if not (at_root and holds_no_data(file)))
