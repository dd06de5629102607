"""What can be read of databases without connecting to them.

The statements and what their rows mean; whoever reads brings the connection.
"""

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any

from .contract import DatabaseName, SystemIdentifier
from .marker import EngineTag
from .reading import DatabaseEntry, ServerReading
from .snapshot_place import SnapshotPlace

Query = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs one statement with its parameters (`%s`) and gives its rows."""

_SERVER = """
    SELECT (SELECT system_identifier::text FROM pg_control_system()),
           current_setting('server_version_num')::int,
           clock_timestamp(), pg_is_in_recovery(), current_user::text,
           rolsuper, rolcreatedb,
           (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                 ELSE pg_current_wal_insert_lsn() END)::text,
           pg_current_snapshot()::text
      FROM pg_roles WHERE rolname = current_user
"""
_DATABASES = """
    SELECT datname::text, oid::bigint, pg_has_role(current_user, datdba, 'MEMBER'),
           datistemplate, datallowconn, shobj_description(oid, 'pg_database')
      FROM pg_database
     WHERE datname NOT IN ('postgres', 'template0', 'template1')
     ORDER BY datname
"""


def read_server(query: Query) -> ServerReading:
    """The server and the role. Raises what the query raises."""
    ((identifier, version, now, in_recovery, role, superuser, createdb, wal, seen),) = query(
        _SERVER, ()
    )
    return ServerReading(
        system_identifier=SystemIdentifier(identifier),
        version=version,
        now=now.astimezone(UTC),
        in_recovery=in_recovery,
        role=role,
        role_is_superuser=superuser,
        role_may_create_databases=createdb,
        place=SnapshotPlace(wal_position=wal, transactions=seen),
    )


def read_databases(query: Query) -> tuple[DatabaseEntry, ...]:
    """Every database of the server but its own three. Raises what the query raises."""
    return tuple(
        DatabaseEntry(
            name=DatabaseName(name),
            oid=oid,
            owned=owned,
            locked=locked,
            takes_connections=takes_connections,
            tag=EngineTag.from_comment(comment),
        )
        for name, oid, owned, locked, takes_connections, comment in query(_DATABASES, ())
    )


def read_size(query: Query, oid: int) -> int:
    """Bytes of one database. Raises what the query raises."""
    ((size,),) = query("SELECT pg_database_size(%s::oid)", (oid,))
    return int(size)
