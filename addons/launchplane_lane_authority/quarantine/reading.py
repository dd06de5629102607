"""Whether a database is in quarantine, asked as often as something wants to leave it.

Nothing asks on an ordinary request. A connection leads to one and the same database for as long as
it lives, so an answer is kept for it, and for a few seconds only: a database that was dropped and
restored under its name has other connections.
"""

import logging
import time

from .evidence import Quarantine, find_evidence

_logger = logging.getLogger(__name__)

SECONDS = 2.0
"""How long an answer holds, and so how long after a stamp a quarantine may last."""
MOST_CONNECTIONS = 256

_answers: dict[tuple[str, int], tuple[float, Quarantine | None]] = {}
_said: dict[str, str | None] = {}


def quarantine_of(cursor) -> Quarantine | None:
    """The evidence against the cursor's database, or None where it may act."""
    connection = (cursor.dbname, cursor.connection.get_backend_pid())
    known = _answers.get(connection)
    now = time.monotonic()
    if known is not None and now < known[0]:
        return known[1]
    found = find_evidence(cursor)
    if len(_answers) >= MOST_CONNECTIONS:
        _answers.clear()
    _answers[connection] = (time.monotonic() + SECONDS, found)
    _tell(cursor.dbname, found)
    return found


def forget() -> None:
    """Ask anew the next time."""
    _answers.clear()


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
