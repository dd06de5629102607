"""Scratch databases: made to prove a backup, and dropped again. Nothing else is dropped here.

A scratch has a name that no lane's database may have, and a comment that says what it is. Whoever
made one holds an advisory lock on its name, so one whose maker was killed is known, and dropped by
the next who makes one.
"""

import hashlib
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.errors import CouldNotTell

from .database import MAINTENANCE_DATABASE, connected, query_through
from .settings import SCRATCH_PREFIX, GuardSettings
from .swap import send_away, set_locked

COMMENT = "scratch of launchplane-lane-authority: made to prove a backup, dropped afterwards"
_NAME = re.compile(rf"{SCRATCH_PREFIX}[0-9a-f]{{16}}")
_CANDIDATES = """
    SELECT datname::text FROM pg_database
     WHERE pg_has_role(current_user, datdba, 'MEMBER')
       AND coalesce(shobj_description(oid, 'pg_database'), %s) = %s
     ORDER BY datname
"""


@dataclass(frozen=True)
class Scratch:
    """One scratch database."""

    name: DatabaseName
    oid: int
    server_version: int
    """`server_version_num` of its server."""


@contextmanager
def scratch_database(settings: GuardSettings) -> Iterator[Scratch]:
    """Make a scratch database, and drop it at the end of the block.

    Those whose makers were killed are dropped first. Raises psycopg2.Error.
    """
    with connected(settings, MAINTENANCE_DATABASE) as server:
        query = query_through(server)
        # Making and dropping a large one takes as long as it takes.
        query("SET statement_timeout = 0", ())
        drop_abandoned(server)
        name = DatabaseName(SCRATCH_PREFIX + secrets.token_hex(8))
        if not _hold(server, name):
            raise CouldNotTell(f"Somebody else holds the name {name}. Run the same command again.")
        _create(server, name, settings.database)
        with server.cursor() as cursor:
            try:
                cursor.execute(
                    sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                        sql.Identifier(name), sql.Literal(COMMENT)
                    )
                )
                ((oid, version),) = query(
                    "SELECT oid::bigint, current_setting('server_version_num')::int "
                    "FROM pg_database WHERE datname = %s",
                    (name,),
                )
                yield Scratch(name, oid, version)
            finally:
                # A server that is gone keeps it; the next who makes one drops it.
                with suppress(psycopg2.Error):
                    _drop(server, name)


def _create(server: Connection, name: DatabaseName, lane: DatabaseName) -> None:
    """Make it with the locale of the lane's database, where that stands on this server.

    By it a constraint says what a letter is; without it rows that are lawful there might not come.
    """
    made = sql.SQL(
        # An Odoo that serves whatever it finds leaves templates out.
        "CREATE DATABASE {} TEMPLATE template0 IS_TEMPLATE true ENCODING 'UTF8' "
        "LC_COLLATE {} LC_CTYPE {}"
    )
    locales = query_through(server)(
        "SELECT datcollate::text, datctype::text FROM pg_database WHERE datname = %s", (lane,)
    )
    with server.cursor() as cursor:
        for collate, character_type in locales:
            # One of another encoding than UTF8 fits none of ours.
            with suppress(psycopg2.errors.WrongObjectType, psycopg2.errors.InvalidParameterValue):
                cursor.execute(
                    made.format(
                        sql.Identifier(name), sql.Literal(collate), sql.Literal(character_type)
                    )
                )
                return
        cursor.execute(made.format(sql.Identifier(name), sql.Literal("C"), sql.Literal("C")))


def drop_abandoned(server: Connection) -> None:
    """Drop every scratch whose maker is gone; one that cannot be dropped now is left to the next.

    Raises psycopg2.Error.
    """
    query = query_through(server)
    for (name,) in query(_CANDIDATES, (COMMENT, COMMENT)):
        if _NAME.fullmatch(name) and _hold(server, name):
            # Somebody may have come in again.
            with suppress(psycopg2.errors.InsufficientPrivilege, psycopg2.errors.ObjectInUse):
                _drop(server, name)
            query("SELECT pg_advisory_unlock(%s)", (_key(name),))


def _drop(server: Connection, name: str) -> None:
    """Drop one scratch: of its name, with its comment or none yet, held by this session.

    Where a superuser is in it, whom a plain role cannot send out, it is left to the next run.
    """
    query = query_through(server)
    named = {each for (each,) in query(_CANDIDATES, (COMMENT, COMMENT))}
    if not _NAME.fullmatch(name) or name not in named:
        return
    if query("SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate", (name,)):
        set_locked(server, DatabaseName(name), locked=False)
    if send_away(server, DatabaseName(name)) is not None:
        return
    with server.cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def _hold(server: Connection, name: str) -> bool:
    ((held,),) = query_through(server)("SELECT pg_try_advisory_lock(%s)", (_key(name),))
    return bool(held)


def _key(name: str) -> int:
    digest = hashlib.sha256(f"lane authority scratch {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
