"""A marker row pasted from another lane is signed, and is that other lane's."""

from launchplane_lane_contracts.vocabulary import MarkerState
from tests.guard.clones.other_lane import other_lane
from tests.guard.clones.verdict import expect_refusal, signed_before
from tests.guard.estate import Estate

COLUMNS = "token, state, lane, rollout_state, authoritative, generation, nonce"


def paste(source: Estate, target: Estate) -> None:
    """Put the one lane's whole row into the other's database."""
    ((token, state, lane, rollout_state, authoritative, generation, nonce),) = (
        source.cluster.execute(f"SELECT {COLUMNS} FROM launchplane_lane_marker", source.database)
    )
    target.execute(
        f"UPDATE launchplane_lane_marker SET ({COLUMNS}) = ('{token}', '{state}', '{lane}', "
        f"'{rollout_state}', {authoritative}, {generation}, '{nonce}')",
        target.database,
    )


def test_a_row_of_another_lane(lane: Estate) -> None:
    other = other_lane(lane, protected=True)
    token = signed_before(lane)
    paste(other, lane)
    expect_refusal(lane, token, marker=MarkerState.FOREIGN, code="marker_foreign")


def test_a_resettable_lanes_row_in_a_protected_database(production: Estate) -> None:
    other = other_lane(production, protected=False)
    token = signed_before(production)
    paste(other, production)
    expect_refusal(production, token, marker=MarkerState.FOREIGN, code="marker_foreign")


def test_a_row_of_another_lane_with_this_lanes_name_on_it(lane: Estate) -> None:
    other = other_lane(lane, protected=True)
    token = signed_before(lane)
    paste(other, lane)
    lane.execute(f"UPDATE launchplane_lane_marker SET lane = '{lane.lane}'", lane.database)
    expect_refusal(lane, token, marker=MarkerState.TAMPERED, code="marker_tampered")


def test_a_token_that_another_control_plane_signed(lane: Estate) -> None:
    """Its key is not at hand, so nothing can be said of the row."""
    token = signed_before(lane)
    stranger = type(lane.host)("another-control-plane")
    order = lane.stamp_order(lane.show())
    lane.execute(
        f"UPDATE launchplane_lane_marker SET token = '{stranger.sign(order)}'", lane.database
    )
    expect_refusal(lane, token, marker=MarkerState.UNVERIFIABLE, code="marker_unverifiable")
