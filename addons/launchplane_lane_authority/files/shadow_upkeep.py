"""New files of a protected lane get their second name in the keep, by a thread of its own.

`lane-authority-guard filestore refresh` does the same and more; what a process that ends, a full
connection pool or a keep out of reach leaves undone, it does. Nothing here reaches whoever saved
the file.
"""

import logging
import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
from odoo.sql_db import db_connect
from odoo.tools import config

from launchplane_lane_contracts.contract import RULEBOOK_VERSION
from launchplane_lane_contracts.errors import LaneAuthorityError
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.vocabulary import FilestoreState, KeepState

from ..guard import __version__
from ..guard.filestore import read_filestore
from ..guard.keep import read_keep
from ..guard.lane_files import signed_words, state_of_files
from ..guard.mounts import why_not_renamed
from ..guard.settings import KEEP_VARIABLE, filestore_folder, runtime_identity
from ..guard.shadow import opened, shadow_of
from ..reading.database_here import read_database_here
from ..reading.lane_database import database_of_the_lane
from ..reading.public_keys import public_keys_path

_logger = logging.getLogger(__name__)

GATHERED_SECONDS = 0.2
"""How long the thread waits, so that what arrives together is linked by one look at the lane."""
FILESTORE_VARIABLE = "ODOO_FILESTORE_PATH"

_lock = threading.Lock()
_arrived: dict[str, set[str]] = {}
_told: dict[str, str] = {}
_at_work = False


def note_arrived(database, names):
    """Link these files of the database's folder soon. Never raises."""
    global _at_work
    with _lock:
        _arrived.setdefault(database, set()).update(names)
        if _at_work:
            return
        _at_work = True
    try:
        threading.Thread(target=_work, name="launchplane.shadow", daemon=True).start()
    except RuntimeError as problem:
        _stopped()
        _logger.warning("New files were not linked into the keep: %s.", problem)


def _work():
    """Until nothing is left; the next file starts another thread."""
    global _at_work
    while True:
        time.sleep(GATHERED_SECONDS)
        with _lock:
            if not _arrived:
                _at_work = False
                return
            database, names = _arrived.popitem()
        try:
            _say(database, link_arrived(database, names))
            _logger.debug("Looked at %d new file(s) of database %s.", len(names), database)
        except (OSError, psycopg2.Error, LaneAuthorityError) as problem:
            _say(database, str(problem))
        except Exception:
            _logger.exception("New files of database %s were not linked.", database)


def link_arrived(database, names):
    """Link them where this is the lane's protected data, known as such by folder and marker.

    Gives the reason to tell people where that cannot be known. Raises OSError, psycopg2.Error and
    LaneAuthorityError.
    """
    identity, _problem = runtime_identity(os.environ)
    folder, keep = Path(config.filestore(database)), Path(os.environ.get(KEEP_VARIABLE, ""))
    if identity is None or not _is_the_lanes_own(database, folder) or not keep.is_dir():
        return None
    # Asked first: of a keep on another volume the reading adds up every file.
    if why_not_renamed(folder, keep) is not None:
        return None
    with opened(folder) as served:
        reading = _read(database, folder, keep, identity)
        state, detail = state_of_files(reading, identity.lane)
        if served is None or reading.keep.state is not KeepState.READY:
            return reading.keep.problem or detail
        if state is not FilestoreState.OURS:
            # Of a lane that nobody has enrolled yet there is nothing to tell.
            return detail if reading.database.marker_row is not None else None
        shadow = shadow_of(keep, reading.database)
        # What was read by its path must be what is open, or it was exchanged in between.
        if shadow is None or not os.path.samestat(os.fstat(served), folder.stat()):
            return None
        if signed_words(public_keys_path(), reading).protected:
            shadow.link_named(served, names)
    return None


def _is_the_lanes_own(database, folder):
    """Whether it is the lane's database, and the guard looks after the same folder."""
    named = os.environ.get(FILESTORE_VARIABLE, "")
    return database == database_of_the_lane() and (
        not named or filestore_folder(Path(named), database) == folder
    )


def _read(database, folder, keep, identity):
    """What the guard would see, over a connection of Odoo's pool."""
    with db_connect(database).cursor() as cursor:
        here = read_database_here(cursor)
    return LaneReading(
        lane=identity.lane,
        runtime_identity=identity,
        database=here,
        filestore=read_filestore(folder),
        keep=read_keep(keep, folder, identity.lane),
        read_at=datetime.now(UTC),
        guard_version=__version__,
        rulebook_version=RULEBOOK_VERSION,
    )


def _say(database, why_not):
    """Say in the log what has changed, once."""
    if why_not == _told.get(database):
        return
    if why_not is None:
        _told.pop(database, None)
        _logger.info("New files of database %s are linked into the keep again.", database)
        return
    _told[database] = why_not
    _logger.warning(
        "New files of database %s are not linked into the keep: %s. Look with "
        "`lane-authority-guard filestore check`; `filestore repair` puts back files and tag.",
        database,
        why_not,
    )


def _stopped():
    """Begin anew: a process that was forked has none of its parent's threads."""
    global _lock, _at_work
    _lock = threading.Lock()
    _arrived.clear()
    _at_work = False


os.register_at_fork(after_in_child=_stopped)
