"""One moment of a database, held for a dump, a fingerprint and the names of its files alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.reading import DatabaseEntry
from launchplane_lane_contracts.snapshot_place import SnapshotPlace

from .database import Query, query_through
from .snapshot import one_moment

_WHERE_IT_STANDS = """
    SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                 ELSE pg_current_wal_insert_lsn() END)::text,
           pg_current_snapshot()::text, transaction_timestamp(),
           current_setting('server_version_num')::int,
           (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
           (SELECT system_identifier::text FROM pg_control_system())
"""


@dataclass(frozen=True)
class CapturedMoment:
    """The moment that is held."""

    snapshot_id: str
    """What `pg_dump --snapshot` takes."""
    place: SnapshotPlace
    at: datetime
    """When (UTC, by the server's clock) its transaction began: never later than the moment."""
    server_version: int
    system_identifier: str
    query: Query
    """Asks in that moment."""


@contextmanager
def held_moment(session: Connection, entry: DatabaseEntry) -> Iterator[CapturedMoment]:
    """Hold a moment of the database until the end of the block.

    The session is idle and in autocommit mode, and is so again afterwards. Raises CouldNotTell when
    another database took the name, psycopg2.Error.
    """
    query = query_through(session)
    with one_moment([session], None):
        ((wal, transactions, at, version, oid, system),) = query(_WHERE_IT_STANDS, ())
        if oid != entry.oid:
            raise CouldNotTell(
                f"Another database took the name {entry.name} while it was looked at."
            )
        ((snapshot_id,),) = query("SELECT pg_export_snapshot()", ())
        yield CapturedMoment(
            snapshot_id=snapshot_id,
            place=SnapshotPlace(wal_position=wal, transactions=transactions),
            at=at.astimezone(UTC),
            server_version=version,
            system_identifier=system,
            query=query,
        )
