"""What a clone must come to: seen for what it is, refused for every source, and left alone."""

from datetime import UTC, datetime

from launchplane_lane_contracts.observation import Observation
from launchplane_lane_contracts.rulebook import decide
from launchplane_lane_contracts.vocabulary import DatabaseState, DataSource, MarkerState
from tests.guard.estate import Estate, refused

SOURCES = (DataSource.EMPTY, DataSource.EXISTING, DataSource.BACKUP_RESTORE)


def seen(lane: Estate) -> Observation:
    """What the host makes of the guard's `show`."""
    source = DataSource.EMPTY
    return lane.observe(lane.show(), lane.request(source), lane.incoming(source, None))


def signed_before(lane: Estate) -> str:
    """A permit for the lane as it stands, with a source that the lane's policy allows."""
    return lane.sign(lane.permit(DataSource.BACKUP_RESTORE if lane.protected else DataSource.EMPTY))


def expect_refusal(
    lane: Estate,
    token: str,
    *,
    marker: MarkerState,
    code: str,
    database: DatabaseState = DatabaseState.INITIALISED,
) -> None:
    """See that what stands there is judged so, and that `token`'s begin changes nothing of it."""
    reading = lane.show()
    for source in SOURCES:
        found = lane.observe(reading, lane.request(source), lane.incoming(source, None))
        assert (found.database.state, found.marker.state) == (database, marker), found.marker
        decision = decide(lane.policy, lane.request(source), found, datetime.now(UTC))
        assert not decision.allowed
        assert code in {each.code.value for each in decision.reasons}, decision.reasons
    before = lane.everything()
    refused(lane.run("begin", token), code)
    assert lane.everything() == before


def expect_bound(lane: Estate) -> None:
    """See that the lane's own data is still taken for what it is."""
    found = seen(lane)
    assert (found.database.state, found.marker.state) == (
        DatabaseState.INITIALISED,
        MarkerState.BOUND,
    ), found.marker
