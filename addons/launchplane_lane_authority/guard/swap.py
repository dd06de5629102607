"""Setting a database aside, and putting one back: one transaction, nothing dropped.

The steps: close the database that goes, end the others' sessions, see that nobody is left; then in
one transaction rename it, compare the oid under the new name, write its tag and lock it, and give
the name to the one that comes, if one does. Any failure before the commit opens it again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.marker import EngineTag
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .database import Query, first_line, query_through
from .invalid import HOLDS_NOTHING, is_invalid
from .sessions import Obstacle, end_sessions, prepared_transactions, replication

SECONDS_BEFORE_A_DROP = 2.0
"""What is dropped here holds nobody's data, so that it may wait for the next run as well."""


@dataclass(frozen=True)
class Going:
    """What stands under the name and is set aside."""

    oid: int
    kept_name: DatabaseName
    tag: EngineTag


@dataclass(frozen=True)
class Coming:
    """Kept data that takes the name."""

    oid: int
    kept_name: DatabaseName
    tag: EngineTag | None
    """None where it had none before it was set aside."""
    locked: bool = False
    """Unlocked until a stamp order says otherwise, so that Odoo lists and serves it."""


def swap(
    server: Connection, name: DatabaseName, going: Going | None, coming: Coming | None
) -> None:
    """Set `going` aside and give `name` to `coming`, either of which may be absent.

    `server` is a connection to the maintenance database in autocommit mode. Raises Refused when it
    cannot be done; then everything stands where it stood and takes connections as before. Raises
    CouldNotTell when the connection broke, so that the end of it was not seen.
    """
    if going is not None:
        _refuse(prepared_transactions(server, name))
        _refuse(replication(server, name))
        expect(server, name, going.oid)
    if coming is not None:
        expect(server, coming.kept_name, coming.oid)
        if is_invalid(server, coming.oid):
            raise Refused.because(
                _impossible(
                    f"{coming.kept_name} cannot come back: {HOLDS_NOTHING}",
                    "Begin again with a backup or another source (`lane-authority retry`), or "
                    "declare the data lost (`lane-authority lost`).",
                )
            )
    try:
        if going is not None and not is_invalid(server, going.oid):
            close(server, name)
            _refuse(end_sessions(server, going.oid))
        _exchange(server, name, going, coming)
    except (psycopg2.Error, Refused) as problem:
        opened = going is None or _open_again(server, name, going)
        if isinstance(problem, Refused):
            raise
        if server.closed:
            raise CouldNotTell(
                f"The connection broke while the database was set aside ({first_line(problem)}). "
                "It is either kept already or still there and closed. Run the same command again, "
                "or undo the operation; `reopen` opens a database that is still there."
            ) from None
        raise Refused.because(
            _impossible(
                f"{first_line(problem)}" + ("" if opened else "; the database is still closed"),
                "Look at what the server says, put it right, and start again."
                + ("" if opened else " Open the database with the guard's `reopen`."),
            )
        ) from None
    except BaseException:
        # Somebody interrupts us: do not leave the lane closed for that.
        if going is not None:
            _open_again(server, name, going)
        raise


def _exchange(
    server: Connection, name: DatabaseName, going: Going | None, coming: Coming | None
) -> None:
    """The one transaction."""
    with one_transaction(server):
        if going is not None:
            # Nobody can be in an invalid one, and ALTER DATABASE would end this session.
            valid = not is_invalid(server, going.oid)
            if valid:
                # Once more, inside the transaction: somebody may have opened it in between.
                close(server, name)
            rename(server, name, going.kept_name)
            expect(server, going.kept_name, going.oid)
            comment(server, going.kept_name, going.tag)
            if valid:
                set_locked(server, going.kept_name, locked=True)
        if coming is not None:
            rename(server, coming.kept_name, name)
            expect(server, name, coming.oid)
            comment(server, name, coming.tag)
            set_locked(server, name, locked=coming.locked)
            allow_writing(server, name)
            allow_connections(server, name)


@contextmanager
def one_transaction(server: Connection) -> Iterator[None]:
    """All that is done inside, or nothing. `server` is in autocommit mode before and after."""
    server.autocommit = False
    try:
        yield
        server.commit()
    except BaseException:
        # Without a connection there is nothing to roll back: the server has done it.
        if not server.closed:
            server.rollback()
        raise
    finally:
        if not server.closed:
            server.autocommit = True


def expect(server: Connection, name: DatabaseName, oid: int) -> None:
    """Raise Refused unless the database under this name has this oid."""
    rows = query_through(server)("SELECT oid::bigint FROM pg_database WHERE datname = %s", (name,))
    found = rows[0][0] if rows else None
    if found != oid:
        raise Refused.because(_other_database(name, oid, found))


def require_oid(query: Query, oid: int) -> None:
    """Raise Refused unless the session is inside the database with this oid."""
    ((name, found),) = query(
        "SELECT datname::text, oid::bigint FROM pg_catalog.pg_database "
        "WHERE datname = pg_catalog.current_database()",
        (),
    )
    if found != oid:
        raise Refused.because(_other_database(name, oid, found))


def _other_database(name: str, expected: int, found: int | None) -> Reason:
    return reason(
        ReasonCode.READINGS_MOVED,
        f"Database {name} has oid {found or 'none'}, the order is for oid {expected}.",
        "Something else changed the server in between. Look at what stands there: the next reading "
        "says it.",
        database=name,
        expected=expected,
        found=found,
    )


def rename(server: Connection, old: DatabaseName, new: DatabaseName) -> None:
    """Give a database another name. Raises psycopg2.Error."""
    statement = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    with server.cursor() as cursor:
        cursor.execute(statement.format(sql.Identifier(old), sql.Identifier(new)))


def comment(server: Connection, name: DatabaseName, tag: EngineTag | None) -> None:
    """Write the engine tag, or take it away. Raises psycopg2.Error."""
    statement = sql.SQL("COMMENT ON DATABASE {} IS {}")
    text = sql.Literal(tag.text()) if tag is not None else sql.NULL
    with server.cursor() as cursor:
        cursor.execute(statement.format(sql.Identifier(name), text))


def set_locked(server: Connection, name: DatabaseName, *, locked: bool) -> None:
    """Let PostgreSQL refuse to drop the database, or not. Raises psycopg2.Error."""
    _set(server, name, "IS_TEMPLATE", value=locked)


def allow_connections(server: Connection, name: DatabaseName) -> None:
    """Open a closed database. Raises psycopg2.Error."""
    _set(server, name, "ALLOW_CONNECTIONS", value=True)


def close(server: Connection, name: DatabaseName) -> None:
    """Let nobody new in. Raises psycopg2.Error."""
    _set(server, name, "ALLOW_CONNECTIONS", value=False)


def send_away(server: Connection, name: DatabaseName) -> Obstacle | None:
    """Before a drop: let nobody new in, and end the sessions of those who are in.

    `DROP ... WITH (FORCE)` would do this too, but fails for a plain role while autovacuum is at
    work inside; a plain drop makes that go. Answers with who could not be sent away, such as a
    superuser: then a drop would only wait. Raises psycopg2.Error.
    """
    rows = query_through(server)("SELECT oid::bigint FROM pg_database WHERE datname = %s", (name,))
    if not rows or is_invalid(server, rows[0][0]):
        return None
    close(server, name)
    return end_sessions(server, rows[0][0], within=SECONDS_BEFORE_A_DROP)


def only_reading(server: Connection, name: DatabaseName) -> None:
    """Let new sessions only read, unless they ask for more. Raises psycopg2.Error."""
    statement = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only TO on")
    with server.cursor() as cursor:
        cursor.execute(statement.format(sql.Identifier(name)))


def allow_writing(server: Connection, name: DatabaseName) -> None:
    """Take that back. Raises psycopg2.Error."""
    statement = sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only")
    with server.cursor() as cursor:
        cursor.execute(statement.format(sql.Identifier(name)))


def _set(server: Connection, name: DatabaseName, option: str, *, value: bool) -> None:
    statement = sql.SQL("ALTER DATABASE {} WITH {} {}")
    with server.cursor() as cursor:
        cursor.execute(
            statement.format(
                sql.Identifier(name), sql.SQL(option), sql.SQL("true" if value else "false")
            )
        )


def _open_again(server: Connection, name: DatabaseName, going: Going) -> bool:
    """Open what was closed, unless it was renamed after all. Never raises."""
    try:
        query = query_through(server)
        rows = query("SELECT oid::bigint FROM pg_database WHERE datname = %s", (name,))
        if rows and rows[0][0] == going.oid and not is_invalid(server, going.oid):
            allow_connections(server, name)
    except psycopg2.Error:
        return False
    return True


def _refuse(obstacle: Obstacle | None) -> None:
    if obstacle is not None:
        raise Refused.because(_impossible(obstacle.detail, obstacle.remedy))


def _impossible(detail: str, remedy: str) -> Reason:
    return reason(
        ReasonCode.SET_ASIDE_IMPOSSIBLE,
        f"The database could not be set aside, and was left as it was: {detail}.",
        remedy,
        detail=detail,
    )
