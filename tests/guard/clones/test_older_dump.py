"""An older state of the lane itself: the generation, then the nonce, tells that it is older."""

from launchplane_lane_contracts.vocabulary import DataSource, MarkerState
from tests.guard.clones.verdict import expect_refusal, signed_before
from tests.guard.dumps import dump, restore
from tests.guard.estate import Estate


def test_an_older_generation_restored_in_place(lane: Estate) -> None:
    dump(lane, lane.database)
    lane.rebuild()
    token = signed_before(lane)
    # It cannot clean what is no longer there, says so, and goes on.
    restore(lane, lane.database, "--clean", "--if-exists", must_succeed=False)
    expect_refusal(lane, token, marker=MarkerState.ROLLED_BACK, code="marker_rolled_back")


def test_an_older_generation_restored_anew(lane: Estate) -> None:
    dump(lane, lane.database)
    lane.rebuild()
    token = signed_before(lane)
    lane.drop_like_the_devkit()
    restore(lane, lane.database)
    expect_refusal(lane, token, marker=MarkerState.ROLLED_BACK, code="marker_rolled_back")


def test_kept_data_renamed_back_by_hand(lane: Estate) -> None:
    """Its oid, its table and its signature are all good: only the generation is old."""
    _permit, kept = lane.rebuild()
    token = signed_before(lane)
    lane.execute(f"ALTER DATABASE {lane.database} RENAME TO aside")
    lane.execute(f"ALTER DATABASE {kept.name} WITH ALLOW_CONNECTIONS true")
    lane.execute(f"ALTER DATABASE {kept.name} RENAME TO {lane.database}")
    expect_refusal(lane, token, marker=MarkerState.ROLLED_BACK, code="marker_rolled_back")


def test_an_older_row_of_the_same_generation(lane: Estate) -> None:
    """A change that left the data in place kept the generation and gave a new nonce."""
    columns = "token, state, lane, rollout_state, authoritative, generation, nonce"
    lane.execute(
        f"CREATE TABLE older AS SELECT {columns} FROM launchplane_lane_marker", lane.database
    )
    permit = lane.permit(DataSource.EXISTING)
    lane.done("begin", lane.sign(permit))
    lane.settle(permit)
    token = signed_before(lane)
    lane.execute(
        f"UPDATE launchplane_lane_marker SET ({columns}) = (SELECT {columns} FROM older)",
        lane.database,
    )
    expect_refusal(lane, token, marker=MarkerState.ROLLED_BACK, code="marker_rolled_back")


def test_a_newer_state_than_the_hosts_record(lane: Estate) -> None:
    """The host's store was put back from an old copy, and so was a permit: the host is behind."""
    token, old_record = signed_before(lane), lane.record
    lane.rebuild()
    lane.record = old_record
    expect_refusal(lane, token, marker=MarkerState.AHEAD, code="marker_ahead")
