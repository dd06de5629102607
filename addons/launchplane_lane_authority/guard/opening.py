"""`open`: kept data is opened for reading only, still locked; `open --close` closes it again.

For a capture, and for pg_upgrade, which refuses to run while any database is closed. A plain owner
can make reading the default of every new session, no more than that: whoever asks for a writing
transaction gets one. Therefore a release reads the data once more before it drops it.
"""

from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.marker import EngineTag
from launchplane_lane_contracts.orders import OpenOrder
from launchplane_lane_contracts.reading import DatabaseEntry, LaneReading
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .database import MAINTENANCE_DATABASE, connected
from .kept_data import find_kept, require_keep, require_server, tag_of
from .lane_reading import read_lane
from .order_check import check_environment
from .own_session import require_own_session
from .sessions import end_sessions
from .settings import GuardSettings
from .swap import (
    allow_connections,
    allow_writing,
    close,
    comment,
    expect,
    one_transaction,
    only_reading,
    set_locked,
)


def open_kept(settings: GuardSettings, order: OpenOrder) -> LaneReading:
    """Open every kept database that the order names, or none.

    Run again it does nothing more. Raises Refused, CouldNotTell or Busy.
    """
    return _each(settings, order, closing=False)


def close_kept(settings: GuardSettings, order: OpenOrder) -> LaneReading:
    """Close them again and end the sessions in them.

    Run again it does nothing more. Raises Refused, CouldNotTell or Busy.
    """
    return _each(settings, order, closing=True)


def _each(settings: GuardSettings, order: OpenOrder, *, closing: bool) -> LaneReading:
    check_environment(order, settings)
    reading = read_lane(settings)
    require_server(reading.database)
    require_own_session(settings)
    keep = require_keep(settings, reading, order.lane)
    with keep.locked():
        database = read_lane(settings).database
        # All are looked for before the first is touched.
        entries = [find_kept(database, kept, order.lane) for kept in order.kept]
        with connected(settings, MAINTENANCE_DATABASE) as server:
            for kept, entry in zip(order.kept, entries, strict=True):
                _switch(server, entry, tag_of(kept, order.lane), closing=closing)
                if closing:
                    _empty(server, entry)
    return read_lane(settings)


def _switch(server: Connection, entry: DatabaseEntry, tag: EngineTag, *, closing: bool) -> None:
    """Open or close one, in one transaction in which it is the one that was found."""
    with one_transaction(server):
        set_locked(server, entry.name, locked=True)
        if closing:
            close(server, entry.name)
            allow_writing(server, entry.name)
        else:
            only_reading(server, entry.name)
            allow_connections(server, entry.name)
        if entry.tag is None:
            # Its comment was overwritten; who reads it next goes by its tag.
            comment(server, entry.name, tag)
        expect(server, entry.name, entry.oid)


def _empty(server: Connection, entry: DatabaseEntry) -> None:
    obstacle = end_sessions(server, entry.oid)
    if obstacle is not None:
        raise Refused.because(
            reason(
                ReasonCode.SET_ASIDE_IMPOSSIBLE,
                f"{entry.name} is closed to new sessions, and is not empty: {obstacle.detail}.",
                "Let those programs disconnect (a superuser's session must be ended by a "
                "superuser), then run the same command again.",
                detail=obstacle.detail,
            )
        )
