"""Setting a database aside, and putting one back: one transaction, nothing dropped.

The steps: close the database that goes, end the others' sessions, see that nobody is left; then in
one transaction rename it, compare the oid under the new name, write its tag and lock it, and give
the name to the one that comes, if one does. Any failure before the commit opens it again.
"""

import time
from dataclasses import dataclass

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.marker import EngineTag
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .database import first_line, query_through

SECONDS_FOR_SESSIONS_TO_END = 10.0


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
    tag: EngineTag


def swap(
    server: Connection, name: DatabaseName, going: Going | None, coming: Coming | None
) -> None:
    """Set `going` aside and give `name` to `coming`, either of which may be absent.

    `server` is a connection to the maintenance database in autocommit mode. Raises Refused when it
    cannot be done; then everything stands where it stood and takes connections as before. Raises
    CouldNotTell when the connection broke, so that the end of it was not seen.
    """
    if going is not None:
        _refuse_prepared_transactions(server, name)
        _expect(server, name, going.oid)
    if coming is not None:
        _expect(server, coming.kept_name, coming.oid)
    try:
        if going is not None:
            _allow_connections(server, name, allowed=False)
            _end_sessions(server, going.oid)
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
    server.autocommit = False
    try:
        if going is not None:
            # Once more, inside the transaction: somebody may have opened it in between.
            _allow_connections(server, name, allowed=False)
            _rename(server, name, going.kept_name)
            _expect(server, going.kept_name, going.oid)
            comment(server, going.kept_name, going.tag)
            _set(server, going.kept_name, "IS_TEMPLATE", value=True)
        if coming is not None:
            _rename(server, coming.kept_name, name)
            _expect(server, name, coming.oid)
            comment(server, name, coming.tag)
            # Unlocked until a stamp order says otherwise, so that Odoo lists and serves it.
            _set(server, name, "IS_TEMPLATE", value=False)
            _set(server, name, "ALLOW_CONNECTIONS", value=True)
        server.commit()
    except BaseException:
        # Without a connection there is nothing to roll back: the server has done it.
        if not server.closed:
            server.rollback()
        raise
    finally:
        if not server.closed:
            server.autocommit = True


def _expect(server: Connection, name: DatabaseName, oid: int) -> None:
    rows = query_through(server)("SELECT oid::bigint FROM pg_database WHERE datname = %s", (name,))
    found = rows[0][0] if rows else None
    if found != oid:
        raise Refused.because(
            reason(
                ReasonCode.READINGS_MOVED,
                f"Database {name} has oid {found or 'none'}, the order is for oid {oid}.",
                "Something else changed the server in between. Plan again: the next reading says "
                "what stands there.",
                database=name,
                expected=oid,
                found=found,
            )
        )


def _rename(server: Connection, old: DatabaseName, new: DatabaseName) -> None:
    statement = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    with server.cursor() as cursor:
        cursor.execute(statement.format(sql.Identifier(old), sql.Identifier(new)))


def comment(server: Connection, name: DatabaseName, tag: EngineTag) -> None:
    """Write the engine tag. Raises psycopg2.Error."""
    statement = sql.SQL("COMMENT ON DATABASE {} IS {}")
    with server.cursor() as cursor:
        cursor.execute(statement.format(sql.Identifier(name), sql.Literal(tag.text())))


def set_locked(server: Connection, name: DatabaseName, *, locked: bool) -> None:
    """Let PostgreSQL refuse to drop the database, or not. Raises psycopg2.Error."""
    _set(server, name, "IS_TEMPLATE", value=locked)


def allow_connections(server: Connection, name: DatabaseName) -> None:
    """Open a closed database. Raises psycopg2.Error."""
    _allow_connections(server, name, allowed=True)


def _allow_connections(server: Connection, name: DatabaseName, *, allowed: bool) -> None:
    _set(server, name, "ALLOW_CONNECTIONS", value=allowed)


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
        if rows and rows[0][0] == going.oid:
            _allow_connections(server, name, allowed=True)
    except psycopg2.Error:
        return False
    return True


def _refuse_prepared_transactions(server: Connection, name: DatabaseName) -> None:
    rows = query_through(server)(
        "SELECT gid::text FROM pg_prepared_xacts WHERE database = %s", (name,)
    )
    if rows:
        raise Refused.because(
            _impossible(
                f"{name} has {len(rows)} prepared transaction(s), the first is {rows[0][0]}",
                "Let the program that prepared it commit it or roll it back, then start again.",
            )
        )


def _end_sessions(server: Connection, oid: int) -> None:
    """End everybody's session and see that nobody is left."""
    query = query_through(server)
    until = time.monotonic() + SECONDS_FOR_SESSIONS_TO_END
    refused = ""
    while True:
        sessions = query(
            "SELECT pid, coalesce(usename::text, '-'), coalesce(application_name, '') "
            "FROM pg_stat_activity WHERE datid = %s::oid AND pid <> pg_backend_pid() "
            # An autovacuum worker has no user and cannot be ended by a plain role; the rename makes
            # it go. (Its backend_type is hidden from a plain role, as is every other user's.)
            "AND usesysid IS NOT NULL",
            (oid,),
        )
        if not sessions:
            return
        for pid, _user, _application in sessions:
            try:
                query("SELECT pg_terminate_backend(%s)", (pid,))
            except psycopg2.Error as problem:
                refused = first_line(problem)
        if time.monotonic() > until:
            who = ", ".join(
                f"{user} ({application or '-'})" for _pid, user, application in sessions
            )
            raise Refused.because(
                _impossible(
                    f"{len(sessions)} session(s) could not be ended: {who}. {refused}".strip(),
                    "Let those programs disconnect (a superuser's session must be ended by a "
                    "superuser), then start again.",
                )
            )
        time.sleep(0.05)


def _impossible(detail: str, remedy: str) -> Reason:
    return reason(
        ReasonCode.SET_ASIDE_IMPOSSIBLE,
        f"The database could not be set aside, and was left as it was: {detail}.",
        remedy,
        detail=detail,
    )
