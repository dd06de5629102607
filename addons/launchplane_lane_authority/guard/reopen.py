"""`reopen`: open a database that a begin closed and did not come to rename. Needs no permit."""

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_contracts.vocabulary import TagState

from .database import MAINTENANCE_DATABASE, connected
from .invalid import HOLDS_NOTHING, is_invalid
from .kept_data import require_server
from .lane_reading import read_lane
from .settings import GuardSettings
from .swap import allow_connections


def reopen(settings: GuardSettings) -> LaneReading:
    """Open the lane's database when oid and tag are the ones that belong together.

    Raises Refused when they are not, CouldNotTell when the server does not answer.
    """
    database = read_lane(settings).database
    require_server(database)
    entry = database.entry
    tag = entry.tag if entry else None
    if (
        entry is None
        or tag is None
        or tag.database_oid != entry.oid
        or tag.lane != settings.lane
        or tag.state is TagState.KEPT
    ):
        raise Refused.because(
            reason(
                ReasonCode.DATABASE_CLOSED,
                f"The database under {settings.database} is not known as this lane's own, so it "
                "is not opened.",
                "Look at what stands there; the lane's own data may stand under another name.",
                oid=entry.oid if entry else None,
            )
        )
    with connected(settings, MAINTENANCE_DATABASE) as server:
        if is_invalid(server, entry.oid):
            raise Refused.because(
                reason(
                    ReasonCode.DATABASE_CLOSED,
                    f"The database under {settings.database} is invalid: {HOLDS_NOTHING}.",
                    "Undo the operation, which sets it aside by its name alone; where none is "
                    "unfinished, declare it lost (`lane-authority lost`).",
                    oid=entry.oid,
                )
            )
        allow_connections(server, settings.database)
    return read_lane(settings)
