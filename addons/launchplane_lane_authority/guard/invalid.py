"""A database whose DROP was broken off: PostgreSQL lets nobody in any more and calls it invalid.

It can be renamed, commented on and dropped. ALTER DATABASE ends the session that tries it.
"""

from psycopg2.extensions import connection as Connection

from .database import query_through

CONNECTION_LIMIT_OF_AN_INVALID_DATABASE = -2
HOLDS_NOTHING = "a DROP of it was broken off, so nothing in it can be read any more"


def is_invalid(server: Connection, oid: int) -> bool:
    """Whether the database with this oid is there, and invalid. Raises psycopg2.Error."""
    rows = query_through(server)("SELECT datconnlimit FROM pg_database WHERE oid = %s::oid", (oid,))
    return bool(rows) and rows[0][0] == CONNECTION_LIMIT_OF_AN_INVALID_DATABASE
