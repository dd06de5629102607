"""A database whose DROP was broken off: PostgreSQL lets nobody in any more and calls it invalid.

It can be renamed, commented on and dropped. ALTER DATABASE ends the session that tries it.
"""

import psycopg2
from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.receipt import SetAside

from .database import MAINTENANCE_DATABASE, connected, query_through
from .settings import GuardSettings

CONNECTION_LIMIT_OF_AN_INVALID_DATABASE = -2
HOLDS_NOTHING = "a DROP of it was broken off, so nothing in it can be read any more"


def is_invalid(server: Connection, oid: int) -> bool:
    """Whether the database with this oid is there, and invalid. Raises psycopg2.Error."""
    rows = query_through(server)("SELECT datconnlimit FROM pg_database WHERE oid = %s::oid", (oid,))
    return bool(rows) and rows[0][0] == CONNECTION_LIMIT_OF_AN_INVALID_DATABASE


def note_of(settings: GuardSettings, kept: SetAside | None) -> str:
    """What a person should know of what was set aside, where it is invalid. Never raises."""
    if kept is None or kept.database_oid is None:
        return ""
    try:
        with connected(settings, MAINTENANCE_DATABASE) as server:
            if not is_invalid(server, kept.database_oid):
                return ""
    except psycopg2.Error:
        return ""
    return (
        f"{kept.name} is invalid: {HOLDS_NOTHING}. It was only renamed and tagged. It goes by a "
        "release, or its owner drops it by hand."
    )
