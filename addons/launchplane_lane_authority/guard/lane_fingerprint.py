"""`fingerprint`: of which databases one is made. The lane's own, and what it keeps; no other."""

from contextlib import AbstractContextManager

from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.catalogue import read_databases
from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.fingerprint import ContentFingerprint
from launchplane_lane_contracts.reading import DatabaseEntry
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_contracts.vocabulary import TagState

from .database import MAINTENANCE_DATABASE, connected, query_through
from .fingerprint import DEFAULT_WORKERS, read_with
from .settings import GuardSettings


def fingerprint_lane(
    settings: GuardSettings,
    database: str | None = None,
    *,
    snapshot: str | None = None,
    workers: int = DEFAULT_WORKERS,
) -> ContentFingerprint:
    """The fingerprint of the lane's own database, or of one that it keeps.

    Raises Refused for any other database and for a closed one, and as `read_in` does.
    """
    wanted = settings.database if database is None else DatabaseName(database)
    entry = entry_to_read(settings, wanted)

    def connect() -> AbstractContextManager[Connection]:
        return connected(settings, entry.name)

    return read_with(connect, snapshot=snapshot, workers=workers, oid=entry.oid)


def entry_to_read(settings: GuardSettings, database: DatabaseName) -> DatabaseEntry:
    """The database in the catalogue, where it is this lane's and takes connections."""
    with connected(settings, MAINTENANCE_DATABASE) as connection:
        found = {each.name: each for each in read_databases(query_through(connection))}
    entry = found.get(database)
    if database != settings.database:
        _must_be_kept(settings, database, entry)
    if entry is None:
        raise Refused.because(
            reason(
                ReasonCode.DATABASE_NOT_THERE,
                f"There is no database {database}, so there is nothing to read.",
                "Look at the lane with `lane-authority-guard show`.",
                database=database,
            )
        )
    if not entry.takes_connections:
        raise Refused.because(
            reason(
                ReasonCode.DATABASE_CLOSED,
                f"Database {database} takes no connections, so it cannot be read.",
                "Kept data is opened for reading by a signed order, with `lane-authority-guard "
                "open`; the lane's own database after an interrupted begin with "
                "`lane-authority-guard reopen`.",
                database=database,
            )
        )
    return entry


def _must_be_kept(
    settings: GuardSettings, database: DatabaseName, entry: DatabaseEntry | None
) -> None:
    tag = entry.tag if entry else None
    if (
        entry is None
        or tag is None
        or settings.lane is None
        or tag.lane != settings.lane
        or tag.state is not TagState.KEPT
        or tag.database_oid != entry.oid
    ):
        raise Refused.because(
            reason(
                ReasonCode.KEPT_UNKNOWN,
                f"Database {database} is neither the lane's own ({settings.database}) nor one "
                "that this lane keeps, so it is not read.",
                "Name one that `lane-authority-guard show` lists as kept by this lane.",
                database=database,
                lane=settings.lane,
            )
        )
