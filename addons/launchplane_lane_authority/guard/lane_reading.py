"""What the guard sees of its lane: `show`. Absent, closed and foreign are answers too."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg2

from launchplane_lane_contracts import database_reader
from launchplane_lane_contracts.catalogue import Query
from launchplane_lane_contracts.contract import RULEBOOK_VERSION
from launchplane_lane_contracts.reading import DatabaseReading, LaneReading

from . import __version__
from .database import connected, query_through
from .declaration import read_declaration
from .filestore import read_filestore
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
        declaration=read_declaration(settings),
        read_at=datetime.now(UTC),
        guard_version=__version__,
        rulebook_version=RULEBOOK_VERSION,
    )


def read_database(settings: GuardSettings) -> DatabaseReading:
    """The lane's database from outside and, where it lets us in, from inside. Never raises."""

    @contextmanager
    def way_in(name: str) -> Iterator[Query]:
        with connected(settings, name) as connection:
            yield query_through(connection)

    return database_reader.read_database(settings.database, way_in, psycopg2.Error)
