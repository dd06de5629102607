"""The database as the host sees it by its own connection. It only reads, and never raises."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from launchplane_lane_contracts.catalogue import Query
from launchplane_lane_contracts.database_reader import read_database
from launchplane_lane_contracts.reading import DatabaseReading

from .connection_name import libpq_text
from .in_time import in_time
from .lane_configuration import LaneConfiguration

LARGEST_PASSWORD = 10_000
CONNECTIONS = 3
"""The password, the server from outside, the database from inside: each may take its time."""
SECONDS_TO_GIVE_UP = 1.0


class NoPassword(Exception):
    """The password could not be had. It says why, and never what was printed."""


def ask_database(
    configuration: LaneConfiguration, environment: Mapping[str, str] = os.environ
) -> DatabaseReading | None:
    """What stands there; None where the host has no connection of its own. Never raises."""
    if configuration.connection is None:
        return None
    patience = configuration.connection_timeout * CONNECTIONS + SECONDS_TO_GIVE_UP
    return in_time(patience, lambda: _read(configuration, environment)) or DatabaseReading(
        name=configuration.database,
        problem=f"the server did not answer within {patience:g} seconds",
    )


def _read(configuration: LaneConfiguration, environment: Mapping[str, str]) -> DatabaseReading:
    def failed(problem: str) -> DatabaseReading:
        return DatabaseReading(name=configuration.database, problem=problem)

    try:
        conninfo = connection_text(configuration, environment)

        @contextmanager
        def way_in(name: str) -> Iterator[Query]:
            with reader(conninfo, name) as query:
                yield query

        return read_database(configuration.database, way_in, psycopg.Error)
    except NoPassword as problem:
        return failed(str(problem))
    except psycopg.Error:
        # Its words may hold what it was given.
        return failed("libpq does not understand the connection")
    except Exception as problem:
        # What answers there is no PostgreSQL, whatever it sent.
        return failed(f"the server answered with something else ({type(problem).__name__})")


def connection_text(configuration: LaneConfiguration, environment: Mapping[str, str]) -> str:
    """The connection with its password, as libpq reads it. Nobody prints it.

    Raises NoPassword, psycopg.Error.
    """
    assert configuration.connection is not None
    password = _password(configuration, environment)
    return libpq_text(
        configuration.connection,
        connect_timeout=max(2, round(configuration.connection_timeout)),
        application_name="lane-authority",
        # Whatever the databases are encoded in: names and rows are read as what they are.
        client_encoding="UTF8",
        options=_options(configuration.connection_timeout),
        **({"password": password} if password is not None else {}),
    )


@contextmanager
def reader(conninfo: str, database: str) -> Iterator[Query]:
    """One database, opened for reading alone. Raises psycopg.Error."""
    with psycopg.connect(conninfo, dbname=database, autocommit=True) as opened:

        def query(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
            # The statements are constants of the contracts.
            return opened.execute(statement.encode(), tuple(parameters)).fetchall()

        yield query


def _options(seconds: float) -> str:
    # Each statement is a transaction of its own, and a transaction can write nothing.
    return (
        "-c default_transaction_read_only=on "
        f"-c statement_timeout={max(1, round(seconds * 1000))} -c lock_timeout=2000 "
        "-c search_path=pg_catalog -c timezone=UTC"
    )


def _password(configuration: LaneConfiguration, environment: Mapping[str, str]) -> str | None:
    """The password; None where libpq is to look for it itself (PGPASSWORD, a pgpass file)."""
    if configuration.password_variable is not None:
        found = environment.get(configuration.password_variable, "")
        if not found:
            raise NoPassword(f"the variable {configuration.password_variable} is not set")
        return found
    command = configuration.password_command
    if command is None:
        return None
    try:
        child = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=configuration.connection_timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoPassword(f"password_command ({command[0]}) did not answer in time") from None
    except OSError as problem:
        raise NoPassword(
            f"password_command ({command[0]}) could not be started: {problem.strerror}"
        ) from None
    if child.returncode != 0:
        raise NoPassword(f"password_command ({command[0]}) ended with code {child.returncode}")
    try:
        printed = child.stdout[:LARGEST_PASSWORD].decode().rstrip("\r\n")
    except UnicodeDecodeError:
        printed = ""
    if not printed or "\n" in printed or "\0" in printed:
        raise NoPassword(f"password_command ({command[0]}) did not print one line with a password")
    return printed
