"""Whether a database is in quarantine, asked as often as something wants to leave it.

Nothing asks on an ordinary request. A connection leads to one and the same database for as long as
it lives, so that it may act is remembered for it, and for a few seconds only: a database that was
dropped and restored under its name has other connections. A quarantine is never remembered: a job
that begins after it has ended must not hear of it on the next connection, and be over for an hour.
"""

import logging
import time

from .evidence import Quarantine, find_evidence

_logger = logging.getLogger(__name__)

SECONDS = 2.0
"""How long it holds that a database may act."""
MOST_CONNECTIONS = 256

_free_until: dict[tuple[str, int], float] = {}
_said: dict[str, str | None] = {}


def quarantine_of(cursor) -> Quarantine | None:
    """The evidence against the cursor's database, or None where it may act."""
    connection = (cursor.dbname, cursor.connection.get_backend_pid())
    if time.monotonic() < _free_until.get(connection, 0.0):
        return None
    found = find_evidence(cursor)
    if found is None:
        if len(_free_until) >= MOST_CONNECTIONS:
            _free_until.clear()
        _free_until[connection] = time.monotonic() + SECONDS
    _tell(cursor.dbname, found)
    return found


def forget() -> None:
    """Ask anew the next time."""
    _free_until.clear()


def _tell(database: str, found: Quarantine | None) -> None:
    """Say in the log what has changed, once."""
    cause = found.cause if found else None
    if _said.get(database) == cause:
        return
    _said[database] = cause
    if found is None:
        _logger.info("Database %s is not in quarantine any more.", database)
        return
    _logger.warning(
        "Database %s is in quarantine (%s: %s). Scheduled actions and mail are held back until the "
        "Launchplane host has stamped it; people can log in and work.",
        database,
        found.cause,
        found.detail,
    )
