"""Who is in a database, and ending their sessions. A closed database lets nobody new in."""

import time
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import connection as Connection

from .database import first_line, query_through

SECONDS_FOR_SESSIONS_TO_END = 10.0
NOBODY = 0
_OTHERS = (
    "SELECT pid, coalesce(usename::text, '-'), coalesce(application_name, '') "
    "FROM pg_stat_activity WHERE datid = %s::oid AND pid <> pg_backend_pid() AND pid <> %s "
    # An autovacuum worker has no user and cannot be ended by a plain role; a rename or a drop makes
    # it go. (Its backend_type is hidden from a plain role, as is every other user's.)
    "AND usesysid IS NOT NULL"
)


@dataclass(frozen=True)
class Obstacle:
    """What keeps a database from being moved, and what can be done about it."""

    detail: str
    remedy: str


def prepared_transactions(server: Connection, name: str) -> Obstacle | None:
    """Transactions that wait for their second phase: PostgreSQL moves no database with one."""
    rows = query_through(server)(
        "SELECT gid::text FROM pg_prepared_xacts WHERE database = %s", (name,)
    )
    if not rows:
        return None
    return Obstacle(
        f"{name} has {len(rows)} prepared transaction(s), the first is {rows[0][0]}",
        "Let the program that prepared it commit it or roll it back, then start again.",
    )


def end_sessions(server: Connection, oid: int, *, spare: int = NOBODY) -> Obstacle | None:
    """End everybody's session but `spare` (a process id), and see that nobody else is left.

    Answers with what is in the way where somebody stays. Raises psycopg2.Error.
    """
    query = query_through(server)
    until = time.monotonic() + SECONDS_FOR_SESSIONS_TO_END
    refused = ""
    while True:
        sessions = query(_OTHERS, (oid, spare))
        if not sessions:
            return None
        for pid, _user, _application in sessions:
            try:
                query("SELECT pg_terminate_backend(%s)", (pid,))
            except psycopg2.Error as problem:
                refused = first_line(problem)
        if time.monotonic() > until:
            who = ", ".join(
                f"{user} ({application or '-'})" for _pid, user, application in sessions
            )
            return Obstacle(
                f"{len(sessions)} session(s) could not be ended: {who}. {refused}".strip(),
                "Let those programs disconnect (a superuser's session must be ended by a "
                "superuser), then start again.",
            )
        time.sleep(0.05)
