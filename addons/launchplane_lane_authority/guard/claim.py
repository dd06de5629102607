"""`claim`: ask for protection of the data that is there. It only tightens, so it needs no order."""

from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .database import connected, query_through
from .lane_reading import read_lane
from .marker_table import write_claim, write_event
from .settings import GuardSettings


def claim(settings: GuardSettings, why: str, by: str) -> LaneReading:
    """Claim the data under the lane's name. Claimed before, it stays as it was claimed first.

    Raises Refused where there is no marker to claim, CouldNotTell where it cannot be read.
    """
    database = read_lane(settings).database
    if database.server is None or (database.entry is not None and database.problem is not None):
        raise CouldNotTell(f"The lane's database could not be read: {database.problem}.")
    if database.entry is None or database.marker_row is None:
        raise Refused.because(
            reason(
                ReasonCode.MARKER_ABSENT,
                f"There is no marker under {database.name}, so there is nothing to protect yet: a "
                "lane that was never enrolled may not be rebuilt anyway.",
                "Enrol the lane as the only true copy of its data.",
            )
        )
    with connected(settings, settings.database) as connection:
        query = query_through(connection)
        connection.autocommit = False
        if write_claim(query, why, by):
            write_event(query, "claim", by, {"reason": why})
        connection.commit()
    return read_lane(settings)
