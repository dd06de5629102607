"""Sessions that see one moment of one database, with every setting that shapes a value pinned."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psycopg2
from psycopg2.errors import InvalidParameterValue, UndefinedObject
from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.errors import BadInput, CouldNotTell

from .database import query_through

PINNED = {
    # How a value is written.
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
    # How a name or a definition is written.
    "quote_all_identifiers": "off",
    "search_path": "pg_catalog, pg_temp",
    # Rows that a policy hides are an error, never a silent lack.
    "row_security": "off",
    # A large table takes longer than anything else that the guard does.
    "statement_timeout": "0",
    # In milliseconds; who holds on to a table longer than that is at work on it.
    "lock_timeout": "20000",
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",
    # The number of workers is the caller's choice, not the planner's.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}
"""For the length of one transaction, whatever server, database and role have set."""


@contextmanager
def one_moment(sessions: Sequence[Connection], snapshot: str | None) -> Iterator[str]:
    """Let all sessions see one snapshot: the given one, or a new one that the first exports.

    Gives the snapshot's id, empty where none was needed. The sessions are in autocommit mode and
    idle, and are so again afterwards. Raises BadInput where the given snapshot is no more,
    CouldNotTell where the database has no encoding, psycopg2.Error otherwise.
    """
    found = snapshot or ""
    try:
        for session in sessions:
            session.set_client_encoding("UTF8")
            query = query_through(session)
            query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ())
            if found:
                _import(session, found)
            _pin(session)
            if not found and len(sessions) > 1:
                ((found,),) = query("SELECT pg_export_snapshot()", ())
        yield found
    finally:
        for session in sessions:
            _end(session)


def _end(session: Connection) -> None:
    """End the transaction; one that is gone has none either."""
    for _attempt in range(3):
        # A cancel that was sent to the statement before may reach this one.
        with suppress(psycopg2.Error):
            query_through(session)("ROLLBACK", ())
            return


def _import(session: Connection, snapshot: str) -> None:
    try:
        query_through(session)("SET TRANSACTION SNAPSHOT %s", (snapshot,))
    except (InvalidParameterValue, UndefinedObject):
        raise BadInput(
            f"There is no snapshot {snapshot!r} in this database. It lives only as long as the "
            "transaction that exported it: export one and keep that transaction open."
        ) from None


def _pin(session: Connection) -> None:
    query = query_through(session)
    # Older versions do not know all of them, and one that is unknown could not be set.
    query(
        "SELECT pg_catalog.set_config(known.name, pinned.value, true)"
        "  FROM unnest(%s::text[], %s::text[]) AS pinned (name, value)"
        "  JOIN pg_catalog.pg_settings AS known"
        "    ON pg_catalog.lower(known.name) = pg_catalog.lower(pinned.name)",
        (list(PINNED), list(PINNED.values())),
    )
    ((encoding,),) = query("SELECT current_setting('server_encoding')", ())
    if encoding == "SQL_ASCII":
        raise CouldNotTell(
            "The database has the encoding SQL_ASCII, so the same text can be stored in more than "
            "one way, and no fingerprint is made of it. Make a copy in UTF8 and read that."
        )


@contextmanager
def passing_locks(session: Connection) -> Iterator[None]:
    """Give back, at the end, the locks that were taken meanwhile.

    A reading of a thousand tables would else hold a lock on each of them and on all their
    indexes, which is more than a server has room for.
    """
    query = query_through(session)
    query("SAVEPOINT one_reading", ())
    yield
    query("ROLLBACK TO SAVEPOINT one_reading", ())
    query("RELEASE SAVEPOINT one_reading", ())
