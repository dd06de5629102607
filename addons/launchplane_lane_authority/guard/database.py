"""Connections to the lane's server, and nothing else."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts import catalogue, database_reader

from .settings import GuardSettings

MAINTENANCE_DATABASE = database_reader.MAINTENANCE_DATABASE
CONNECT_TIMEOUT_SECONDS = 10
STATEMENT_TIMEOUT_MILLISECONDS = 60_000

Query = catalogue.Query
"""Runs one statement and gives its rows. Odoo's cursor is one road to it, psycopg2 the other."""


@contextmanager
def connected(settings: GuardSettings, database: str) -> Iterator[Connection]:
    """A connection in autocommit mode, closed at the end.

    Raises psycopg2.Error.
    """
    connection = psycopg2.connect(
        host=settings.host,
        port=settings.port,
        user=settings.user,
        password=settings.password,
        dbname=database,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        application_name="lane-authority-guard",
        # Whatever the databases are encoded in: names and rows are read as what they are.
        client_encoding="UTF8",
        options=f"-c statement_timeout={STATEMENT_TIMEOUT_MILLISECONDS} "
        "-c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0 "
        "-c lock_timeout=20000 -c search_path=pg_catalog -c timezone=UTC",
    )
    try:
        connection.autocommit = True
        yield connection
    finally:
        connection.close()


def query_through(connection: Connection) -> Query:
    """Statements through one psycopg2 connection."""

    def query(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, tuple(parameters))
            return list(cursor.fetchall()) if cursor.description else []

    return query


first_line = database_reader.first_line
