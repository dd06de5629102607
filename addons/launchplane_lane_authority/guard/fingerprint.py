"""What a database holds, read at one moment by one session or several. Changes nothing.

docs/fingerprint.md says what is seen and what is not seen.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack

from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.errors import BadInput, Busy, CouldNotTell
from launchplane_lane_contracts.fingerprint import ContentFingerprint, SequenceFingerprint

from . import fingerprint_catalogue as catalogue
from .database import Query, query_through
from .fingerprint_rows import NAMES_OF_A_STATEMENT, large_objects_fingerprint, table_name
from .fingerprint_sequences import sequences_seen
from .fingerprint_work import Work
from .snapshot import one_moment

DEFAULT_WORKERS = 2
MOST_WORKERS = 32
_OTHERS_NOW = """
    SELECT n.nspname || '.' || c.relname
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = ANY (%s::oid[])
       AND (to_regclass(format('%%I.%%I', n.nspname, c.relname)) IS DISTINCT FROM c.oid
            OR (c.relkind = 'r' AND pg_relation_filenode(c.oid) IS DISTINCT FROM c.relfilenode))
     ORDER BY 1 LIMIT 1
"""
"""A table whose name or storage is another now; rows are seen as of the snapshot, those never."""

Connect = Callable[[], AbstractContextManager[Connection]]
"""Opens one more session in the database that is read: in autocommit mode, closed at the end."""


def read_with(
    connect: Connect,
    *,
    snapshot: str | None = None,
    workers: int = DEFAULT_WORKERS,
    oid: int | None = None,
) -> ContentFingerprint:
    """The fingerprint of the database that `connect` opens sessions in, one for each worker.

    `oid` is the database that is expected behind the name. Raises as `read_in` does.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise BadInput(f"The number of workers is 1 to {MOST_WORKERS}, not {workers}.")
    with ExitStack() as opened:
        sessions = [opened.enter_context(connect()) for _number in range(workers)]
        return read_in(sessions, snapshot=snapshot, oid=oid)


def read_in(
    sessions: Sequence[Connection], *, snapshot: str | None = None, oid: int | None = None
) -> ContentFingerprint:
    """The fingerprint of the database that these sessions, one or more, are connected to.

    They are idle and in autocommit mode, and are so again at the end; a door that is closed
    behind them does not matter. Raises BadInput for a snapshot that is no more, Busy where
    somebody holds on to a table, CouldNotTell for what cannot be read, psycopg2.Error.
    """
    try:
        return _read(sessions, snapshot, oid)
    except LockNotAvailable:
        raise Busy(
            "Somebody is changing or rewriting a table of this database and did not come to an "
            "end in time. Wait until that is done, then run the same command again."
        ) from None


def _read(
    sessions: Sequence[Connection], snapshot: str | None, oid: int | None
) -> ContentFingerprint:
    with one_moment(sessions, snapshot) as snapshot_id:
        lead = sessions[0]
        query = query_through(lead)
        ((name, found, version),) = query(
            "SELECT datname::text, oid::bigint, current_setting('server_version_num')::int "
            "FROM pg_database WHERE datname = current_database()",
            (),
        )
        if oid is not None and found != oid:
            raise CouldNotTell(f"Another database took the name {name} while it was looked at.")
        relations = catalogue.read_relations(query)
        tables = [each for each in relations if each.kind in ("r", "p")]
        _hold(lead, query, tables)
        _require_seen_whole(query, tables)
        work = Work(sessions)
        work.plan(query, tables)
        work.run()
        sequences = sequences_seen(lead, [each.oid for each in tables if each.ours])
        return ContentFingerprint(
            database=DatabaseName(name),
            server_version=version,
            snapshot=snapshot_id,
            tables=tuple(work.table(each) for each in tables if not each.ours),
            sequences=tuple(each for each, ours in sequences if not ours),
            large_objects=large_objects_fingerprint(work.large_objects),
            definitions=catalogue.read_definitions(query, relations),
            own_tables=tuple(work.table(each) for each in tables if each.ours),
            own_sequences=tuple(each for each, ours in sequences if ours),
        )


def read_sequences(session: Connection) -> tuple[SequenceFingerprint, ...]:
    """Where every sequence but our own stands now, whatever a snapshot shows.

    Two readings, one before a dump and one after it, say between which places it was dumped. The
    session is idle and in autocommit mode. Raises CouldNotTell, psycopg2.Error.
    """
    with one_moment([session], None):
        own = [each.oid for each in catalogue.read_relations(query_through(session)) if each.ours]
        return tuple(each for each, ours in sequences_seen(session, own) if not ours)


def _hold(session: Connection, query: Query, tables: Sequence[catalogue.Relation]) -> None:
    """Keep every table from being dropped, emptied or rewritten until the end."""
    names = [table_name(session, each.schema_name, each.name) for each in tables]
    for first in range(0, len(names), NAMES_OF_A_STATEMENT):
        some = ", ".join(f"ONLY {name}" for name in names[first : first + NAMES_OF_A_STATEMENT])
        query(f"LOCK TABLE {some} IN ACCESS SHARE MODE", ())


def _require_seen_whole(query: Query, tables: Sequence[catalogue.Relation]) -> None:
    """Raise Busy where a table was emptied, rewritten or replaced since the snapshot.

    What is in it then looks empty in the snapshot, to us as to `pg_dump`, and nothing would differ.
    """
    found = query(_OTHERS_NOW, ([each.oid for each in tables],))
    if found:
        raise Busy(
            f"Table {found[0][0]} was emptied, rewritten or replaced in the moment in which it was "
            "to be read, so its rows cannot be seen as they were. Run the same command again; "
            "where an upgrade is at work, when that is done."
        )
