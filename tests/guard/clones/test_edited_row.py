"""A row that somebody edited by hand no longer says what its signed token says."""

from launchplane_lane_contracts.marker import MarkerRow
from launchplane_lane_contracts.vocabulary import MarkerState
from tests.guard.clones.verdict import expect_bound, expect_refusal, signed_before
from tests.guard.estate import Estate, refused

EDITS = {
    "token": "reverse(token)",
    "state": "'pending'",
    "lane": "'odoo-tenant-small/small/prod'",
    "rollout_state": "'production'",
    "authoritative": "NOT authoritative",
    "generation": "generation + 1",
    "nonce": "'another-nonce'",
}
"""Each signed field with another value of its type."""

NONSENSE = {"state": "'nothing'", "rollout_state": "'nothing'", "generation": "0", "lane": "''"}
"""Values that mean nothing."""


def test_each_signed_field_is_edited_once() -> None:
    """A claim is the one that people inside Odoo may make; it only tightens."""
    assert set(EDITS) == set(MarkerRow.model_fields) - {"claimed"}


def test_each_edit_is_seen_and_refused(lane: Estate) -> None:
    token = signed_before(lane)
    lane.execute("CREATE TABLE unedited AS TABLE launchplane_lane_marker", lane.database)
    for name, value in [*EDITS.items(), *NONSENSE.items()]:
        lane.execute(f"UPDATE launchplane_lane_marker SET {name} = {value}", lane.database)
        expect_refusal(lane, token, marker=MarkerState.TAMPERED, code="marker_tampered")
        lane.execute(
            f"UPDATE launchplane_lane_marker SET {name} = (SELECT {name} FROM unedited)",
            lane.database,
        )
    expect_bound(lane)


def test_authority_edited_away_from_a_protected_lane(production: Estate) -> None:
    """The very edit that would make production resettable."""
    token = signed_before(production)
    production.execute(
        "UPDATE launchplane_lane_marker SET authoritative = false, rollout_state = 'testing'",
        production.database,
    )
    expect_refusal(production, token, marker=MarkerState.TAMPERED, code="marker_tampered")


def test_a_claim_tightens_and_is_missed_when_it_goes(lane: Estate) -> None:
    token = signed_before(lane)
    lane.done("claim --reason=invoices --by=anna")
    before = lane.everything()
    refused(lane.run("begin", token), "source_not_allowed")
    assert lane.everything() == before
    lane.execute("UPDATE launchplane_lane_marker SET claimed = false", lane.database)
    expect_refusal(lane, token, marker=MarkerState.TAMPERED, code="marker_tampered")
    lane.execute("UPDATE launchplane_lane_marker SET claimed = true", lane.database)
    expect_bound(lane)
    # A stamp of the same data keeps the claim, and so it is missed as before.
    stamp_again(lane)
    assert lane.show().database.marker_problem is None
    lane.execute("UPDATE launchplane_lane_marker SET claimed = false", lane.database)
    assert "claim of protection" in str(lane.show().database.marker_problem)
    # Who adopts the data has seen that the claim is gone; it does not stay tampered for good.
    stamp_again(lane)
    expect_bound(lane)


def stamp_again(lane: Estate) -> None:
    """A stamp over what is there, whatever that is."""
    reading = lane.show()
    order = lane.stamp_order(reading, generation=lane.record.generation)
    lane.stamp(order.model_copy(update={"replaces": reading.database.marker_digest}))
    lane.record = lane.record.model_copy(update={"nonce": order.marker.nonce})
