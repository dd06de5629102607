"""Who is in a database, and ending their sessions. A closed database lets nobody new in."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import connection as Connection

from .database import first_line, query_through

SECONDS_FOR_SESSIONS_TO_END = 10.0
NOBODY = 0
_OTHERS = (
    "SELECT pid, coalesce(usename::text, '-'), coalesce(application_name, '') "
    "FROM pg_stat_activity WHERE datid = %s::oid AND pid <> pg_backend_pid() AND pid <> ALL (%s) "
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


def replication(server: Connection, name: str) -> Obstacle | None:
    """What goes on replicating when the database is set aside, and so fills a server's disk.

    A logical slot holds back the server's log until somebody reads from it, which nobody can in a
    closed database; a subscription that is enabled holds back the log of the server it reads from.
    """
    query = query_through(server)
    slots = query(
        "SELECT slot_name::text FROM pg_replication_slots WHERE database = %s AND NOT temporary "
        "ORDER BY 1",
        (name,),
    )
    if slots:
        return Obstacle(
            f"{name} has {len(slots)} logical replication slot(s), the first is {slots[0][0]}: "
            "kept and closed, it would hold back the server's log until the disk is full",
            "Stop what reads from the slot and drop it (SELECT pg_drop_replication_slot(...), as a "
            "role that may replicate), then start again; make it anew afterwards, on the data that "
            "is there then.",
        )
    try:
        subscriptions = query(
            "SELECT subname::text FROM pg_subscription WHERE subenabled AND subdbid = "
            "(SELECT oid FROM pg_database WHERE datname = %s) ORDER BY 1",
            (name,),
        )
    except psycopg2.errors.InsufficientPrivilege:
        # Where the role may not see them, this cannot be told, and no rebuild waits for it.
        return None
    if subscriptions:
        return Obstacle(
            f"{name} has {len(subscriptions)} enabled subscription(s), the first is "
            f"{subscriptions[0][0]}: kept and closed, it would hold back the log of the server "
            "that it reads from",
            "Disable or drop it (ALTER SUBSCRIPTION ... DISABLE; its slot on the other server is "
            "to be dropped as well), then start again.",
        )
    return None


def end_sessions(
    server: Connection,
    oid: int,
    *,
    spare: Sequence[int] = (),
    within: float = SECONDS_FOR_SESSIONS_TO_END,
) -> Obstacle | None:
    """End everybody's session but `spare` (process ids), and see that nobody else is left.

    It takes `within` seconds at most. Answers with what is in the way where somebody stays.
    Raises psycopg2.Error.
    """
    query = query_through(server)
    until = time.monotonic() + within
    refused = ""
    while True:
        sessions = query(_OTHERS, (oid, [NOBODY, *spare]))
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
