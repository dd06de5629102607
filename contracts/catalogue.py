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
_BYTES = """CASE WHEN pg_catalog.current_setting('server_encoding') = 'SQL_ASCII'
                THEN pg_catalog.convert_to({text}, 'SQL_ASCII')
                ELSE pg_catalog.textsend({text}) END"""
"""A text that any database of the server may have written, in whatever encoding that one had."""
_DATABASES = f"""
    SELECT {_BYTES.format(text="datname::text")}, oid::bigint,
           pg_has_role(current_user, datdba, 'MEMBER'), datistemplate, datallowconn,
           {_BYTES.format(text="shobj_description(oid, 'pg_database')")}
      FROM pg_database
     WHERE datname NOT IN ('postgres', 'template0', 'template1')
     ORDER BY datname
"""  # noqa: S608 - constants only


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
            name=DatabaseName(_text(name)),
            oid=oid,
            owned=owned,
            locked=locked,
            takes_connections=takes_connections,
            tag=EngineTag.from_comment(_text(comment) if comment is not None else None),
        )
        for name, oid, owned, locked, takes_connections, comment in query(_DATABASES, ())
    )


def _text(stored: bytes | memoryview) -> str:
    """What was stored; a byte that is no UTF-8 stands there as the sign that says so."""
    return bytes(stored).decode("utf-8", errors="replace")


def read_size(query: Query, oid: int) -> int:
    """Bytes of one database. Raises what the query raises."""
    ((size,),) = query("SELECT pg_database_size(%s::oid)", (oid,))
    return int(size)
