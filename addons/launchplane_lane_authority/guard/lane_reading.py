"""What the guard sees of its lane: `show`. Absent, closed and foreign are answers too."""

from datetime import UTC, datetime

import psycopg2

from launchplane_lane_contracts.contract import RULEBOOK_VERSION
from launchplane_lane_contracts.reading import DatabaseEntry, DatabaseReading, LaneReading
from launchplane_lane_contracts.vocabulary import TagState

from . import __version__
from .catalogue import read_databases, read_server, read_size
from .database import MAINTENANCE_DATABASE, Query, connected, first_line, query_through
from .filestore import read_filestore
from .inside import read_inside
from .keep import read_keep
from .settings import GuardSettings
from .shadow import read_shadow


def read_lane(settings: GuardSettings) -> LaneReading:
    """The whole observation of this side. Never raises; problems stand in the answer."""
    database, files = read_database(settings), read_filestore(settings.filestore)
    keep = read_keep(settings.keep, settings.filestore, settings.lane)
    return LaneReading(
        lane=settings.lane,
        runtime_identity=settings.identity,
        identity_problem=settings.identity_problem,
        database=database,
        filestore=files,
        keep=keep,
        shadow=read_shadow(settings.keep, database, files, keep),
        read_at=datetime.now(UTC),
        guard_version=__version__,
        rulebook_version=RULEBOOK_VERSION,
    )


def read_database(settings: GuardSettings) -> DatabaseReading:
    """The lane's database from outside and, where it lets us in, from inside. Never raises."""
    try:
        with connected(settings, MAINTENANCE_DATABASE) as connection:
            query = query_through(connection)
            server = read_server(query)
            databases = read_databases(query)
            entry = next((each for each in databases if each.name == settings.database), None)
            size = None
            if entry is not None:
                size = _size(query, entry.oid)
            databases = tuple(_with_size(query, each) for each in databases)
    except psycopg2.Error as problem:
        return DatabaseReading(name=settings.database, problem=first_line(problem))
    reading = DatabaseReading(
        name=settings.database,
        server=server,
        entry=entry,
        neighbours=tuple(each for each in databases if each.name != settings.database),
        size_bytes=size,
    )
    if entry is None or not entry.takes_connections:
        return reading
    return _with_inside(settings, reading, entry.oid)


def _size(query: Query, oid: int) -> int | None:
    try:
        return read_size(query, oid)
    except psycopg2.Error:
        # The size is for people; without the right to see it all else is still known.
        return None


def _with_size(query: Query, entry: DatabaseEntry) -> DatabaseEntry:
    """Kept data is shown with its size; what else stands on the server is not looked into."""
    if entry.tag is None or entry.tag.state is not TagState.KEPT:
        return entry
    return entry.model_copy(update={"size_bytes": _size(query, entry.oid)})


def _with_inside(settings: GuardSettings, reading: DatabaseReading, oid: int) -> DatabaseReading:
    try:
        with connected(settings, settings.database) as connection:
            query = query_through(connection)
            ((found,),) = query(
                "SELECT oid::bigint FROM pg_catalog.pg_database "
                "WHERE datname = pg_catalog.current_database()",
                (),
            )
            if found != oid:
                return reading.model_copy(
                    update={"problem": "another database took the name while it was read"}
                )
            inside = read_inside(query)
    except psycopg2.Error as problem:
        return reading.model_copy(update={"problem": first_line(problem)})
    return reading.model_copy(
        update={
            "holds_relations": inside.holds_relations,
            "marker_table_oid": inside.marker_table_oid,
            "marker_row": inside.marker_row,
            "marker_problem": inside.marker_problem,
        }
    )
