"""The load command: a program that loads an Odoo registry on a restored backup, and ends."""

import os
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import IO

from launchplane_lane_contracts.backup_answers import LoadAttempt

from . import lifeline
from .attached_files import lies_inside
from .backups_folder import Backup, partial_folder
from .client_programs import last_words, server_environment
from .database import MAINTENANCE_DATABASE, Query, connected, query_through
from .quiet_copy import make_quiet
from .scratch import Scratch
from .settings import GuardSettings

DATABASE = "{database}"
"""What stands for the scratch database's name in the command."""
DATA_FOLDER = "{data_folder}"
"""What stands for a folder that is laid out as Odoo's `--data-dir`."""
LEFT_OUT = ("PGPASSFILE", "PGSERVICE", "PGSERVICEFILE", "PGHOSTADDR")
_ERROR = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ \d+ (?:ERROR|CRITICAL) ")
"""How a line of Odoo's log begins that tells of an error."""
LONGEST_LINE = 10_000
_SESSIONS = "SELECT sessions FROM pg_stat_database WHERE datid = %s::oid"
"""How many sessions of clients there were. Transactions would tell of the server's own work too."""
_INSIDE = "SELECT 1 FROM pg_stat_activity WHERE datid = %s::oid AND backend_type = 'client backend'"
SECONDS_TO_LEAVE = 20.0
SECONDS_BETWEEN_LOOKS = 0.02


def load(
    settings: GuardSettings, backup: Backup, scratch: Scratch, command: Sequence[str]
) -> LoadAttempt:
    """Run the command on the scratch database, which is made quiet first.

    It counts only when it ends with code 0, logged no error and was seen to work in that database:
    Odoo ends with 0 where it lacks addons that are installed, and a command that looks elsewhere
    proves nothing. Raises psycopg2.Error, OSError.
    """
    with connected(settings, scratch.name) as inside:
        make_quiet(inside)
    with (
        partial_folder(backup.folder.parent) as folder,
        tempfile.TemporaryFile() as said,
        connected(settings, MAINTENANCE_DATABASE) as server,
    ):
        _lay_out(backup, folder / "filestore" / scratch.name)
        query = query_through(server)
        before = _sessions(query, scratch)
        began = time.monotonic()
        code, words = 0, ""
        try:
            with lifeline.started(
                [_filled(word, scratch, folder) for word in command],
                _environment(settings, scratch, folder),
                output=said,
                errors=said,
                folder=folder,
            ) as process:
                code = process.wait()
        except OSError as problem:
            code, words = 127, str(problem)
        took = timedelta(seconds=round(time.monotonic() - began, 3))
        said.seek(0)
        words = words or last_words(said.read())
        if code == 0 and _sessions(query, scratch) <= before:
            code, words = -1, "it ended well and never worked in the restored database"
        elif code == 0 and (error := _error_in(said)):
            code, words = -1, f"it ended well and logged an error: {error}"
    return LoadAttempt(loaded=code == 0, words="" if code == 0 else words, took=took)


def _error_in(said: IO[bytes]) -> str:
    """The first error that Odoo logged, or nothing."""
    said.seek(0)
    while line := said.readline(LONGEST_LINE):
        if _ERROR.match(line):
            return last_words(line)
    return ""


def _sessions(query: Query, scratch: Scratch) -> int:
    """How many sessions there were in it: each is counted at the latest when it has ended."""
    until = time.monotonic() + SECONDS_TO_LEAVE
    while query(_INSIDE, (scratch.oid,)) and time.monotonic() < until:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    ((count,),) = query(_SESSIONS, (scratch.oid,))
    return int(count)


def _filled(word: str, scratch: Scratch, folder: Path) -> str:
    return word.replace(DATABASE, scratch.name).replace(DATA_FOLDER, str(folder))


def _environment(settings: GuardSettings, scratch: Scratch, folder: Path) -> Mapping[str, str]:
    """The lane's own, with the scratch in the place of the lane's database and files."""
    kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    return {
        **kept,
        **server_environment(settings, scratch.name),
        "ODOO_DB_HOST": settings.host,
        "ODOO_DB_PORT": str(settings.port),
        "ODOO_DB_USER": settings.user,
        "ODOO_DB_PASSWORD": settings.password,
        "ODOO_DB_NAME": scratch.name,
        "ODOO_FILESTORE_PATH": str(folder / "filestore"),
    }


def _lay_out(backup: Backup, folder: Path) -> None:
    """The files as links, so that what Odoo writes or collects never touches the backup's own."""
    folder.mkdir(mode=0o700, parents=True)
    for each in backup.files():
        if not lies_inside(each.path):
            continue
        link = folder / each.path
        link.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            link.symlink_to(backup.filestore / each.path)
