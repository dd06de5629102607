"""The lane whose marker a database carries that stands at another lane's place, read now."""

from dataclasses import dataclass

from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.observation import Observation
from launchplane_lane_contracts.policy import PolicyRevision
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.vocabulary import DatabaseState, FilestoreState, MarkerState

from ..lane_office import LaneOffice


@dataclass(frozen=True)
class Original:
    """That lane, as far as this host can see it."""

    lane: Lane
    revision: PolicyRevision | None
    reading: LaneReading | None
    """None where it is not configured here."""
    observation: Observation | None

    @property
    def not_alive(self) -> str:
        """Why it was not seen alive at its own place, or nothing."""
        seen = self.observation
        if seen is None:
            return "it is not configured on this host"
        if seen.database.state is not DatabaseState.INITIALISED:
            return f"its database is {seen.database.state}: {seen.database.detail}"
        if seen.marker.state is not MarkerState.BOUND:
            return f"its marker is {seen.marker.state}: {seen.marker.detail}"
        if seen.filestore.state is not FilestoreState.OURS:
            return f"its files are {seen.filestore.state}: {seen.filestore.detail}"
        return ""


def read_original(office: LaneOffice, of: Lane, reading: LaneReading) -> Original | None:
    """Look at the lane that the marker in `reading` names, where that is not lane `of`."""
    row = reading.database.marker_row
    if row is None or row.lane == str(of):
        return None
    try:
        lane = Lane.parse(row.lane)
    except ValueError:
        # Whatever the row says, nobody has signed it.
        return None
    if lane not in office.host.lanes():
        return Original(lane, office.store.policy(lane), None, None)
    witnessed = office.look(office.store.host_record(lane))
    return Original(lane, office.store.policy(lane), witnessed.reading, office.observe(witnessed))
