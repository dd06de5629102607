"""What is compared before and after: every row, every file, every database of the server."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from launchplane_lane_contracts.marker import EVENT_TABLE, FILESTORE_TAG_NAME, MARKER_TABLE
from tests.real.postgres import PrivateCluster

_TABLES = """
    SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
     ORDER BY 1
"""
SNAPSHOT_OF = "snapshot_of_"
"""How the names of the copies begin from which the tests' databases are made."""
OURS = (f"public.{MARKER_TABLE}", f"public.{EVENT_TABLE}")


@dataclass(frozen=True)
class DatabaseRow:
    """One database as the server's catalogue has it."""

    oid: int
    takes_connections: bool
    locked: bool
    comment: str | None


def databases(cluster: PrivateCluster) -> dict[str, DatabaseRow]:
    """Every database but the server's own three, and those that the tests are made from."""
    rows = cluster.execute(
        "SELECT datname::text, oid::bigint, datallowconn, datistemplate, "
        "shobj_description(oid, 'pg_database') FROM pg_database "
        "WHERE datname NOT IN ('postgres', 'template0', 'template1') "
        f"AND NOT starts_with(datname, '{SNAPSHOT_OF}') ORDER BY datname"
    )
    return {
        str(name): DatabaseRow(int(str(oid)), bool(open_), bool(locked), comment and str(comment))
        for name, oid, open_, locked, comment in rows
    }


def rows_of(cluster: PrivateCluster, database: str, *, with_marker: bool) -> dict[str, str]:
    """Each table with a hash of all its rows. A closed database is opened for the moment."""
    closed = not databases(cluster)[database].takes_connections
    if closed:
        cluster.execute(f'ALTER DATABASE "{database}" WITH ALLOW_CONNECTIONS true')
    opened = cluster.connect(database, cluster.superuser)
    try:
        with opened.cursor() as cursor:
            cursor.execute(_TABLES)
            tables = [str(table) for (table,) in cursor.fetchall()]
            chosen = [table for table in tables if with_marker or table not in OURS]
            if not chosen:
                return {}
            cursor.execute(
                " UNION ALL ".join(
                    f"SELECT '{table}', count(*) || ':' || md5(coalesce(string_agg(t::text, "
                    f"E'\\n' ORDER BY t::text), '')) FROM {table} t"
                    for table in chosen
                )
            )
            return {str(table): str(hashed) for table, hashed in cursor.fetchall()}
    finally:
        opened.close()
        if closed:
            cluster.execute(f'ALTER DATABASE "{database}" WITH ALLOW_CONNECTIONS false')


def files_of(folder: Path, *, with_tag: bool) -> dict[str, str]:
    """Each file with a hash of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        # A guard that was killed while it wrote a tag leaves the half of one beside it.
        and not path.name.startswith(f".{FILESTORE_TAG_NAME}.")
        and (with_tag or path.name != FILESTORE_TAG_NAME)
    }


@dataclass(frozen=True)
class Data:
    """One lane's data, wherever it stands: what must never be lost."""

    oid: int
    rows: dict[str, str]
    files: dict[str, str]


def data_of(cluster: PrivateCluster, database: str, folder: Path) -> Data:
    """The data under this name and in this folder, without what the guard itself writes."""
    return Data(
        databases(cluster)[database].oid,
        rows_of(cluster, database, with_marker=False),
        files_of(folder, with_tag=False),
    )


@dataclass(frozen=True)
class Everything:
    """The whole server and the whole volume: what a refusal leaves exactly as it was."""

    databases: dict[str, DatabaseRow]
    rows: dict[str, dict[str, str]]
    files: dict[str, str]


def everything(cluster: PrivateCluster, volume: Path) -> Everything:
    """All databases with all rows, all files but the keep's own notes."""
    found = databases(cluster)
    return Everything(
        found,
        {name: rows_of(cluster, name, with_marker=True) for name in found},
        {
            name: hashed
            for name, hashed in files_of(volume, with_tag=True).items()
            if not name.startswith("keep/") or name.startswith("keep/filestores/")
        },
    )
