"""A copy that PostgreSQL makes by itself: every row is there, and it is another database."""

from launchplane_lane_contracts.vocabulary import MarkerState
from tests.guard import fingerprint
from tests.guard.clones.verdict import expect_bound, expect_refusal, signed_before
from tests.guard.estate import Estate


def exchange(lane: Estate) -> None:
    """Put a TEMPLATE copy under the lane's name and the original aside, by hand."""
    lane.execute(f"CREATE DATABASE the_copy TEMPLATE {lane.database}")
    lane.execute(f"ALTER DATABASE {lane.database} RENAME TO the_original")
    lane.execute(f"ALTER DATABASE the_copy RENAME TO {lane.database}")


def test_a_copy_in_place_of_the_original(lane: Estate) -> None:
    token = signed_before(lane)
    exchange(lane)
    expect_refusal(lane, token, marker=MarkerState.COPIED, code="marker_copied")


def test_a_copy_of_a_locked_lane(production: Estate) -> None:
    """A lock stops a drop. It does not stop a role with CREATEDB from making a copy."""
    token = signed_before(production)
    exchange(production)
    found = fingerprint.databases(production.cluster)
    assert found["the_original"].locked
    assert not found[production.database].locked
    expect_refusal(production, token, marker=MarkerState.COPIED, code="marker_copied")


def test_a_copy_that_was_given_the_originals_tag(lane: Estate) -> None:
    """The tag names the oid that it was written for."""
    token = signed_before(lane)
    tag = fingerprint.databases(lane.cluster)[lane.database].comment
    exchange(lane)
    lane.execute(f"COMMENT ON DATABASE {lane.database} IS '{tag}'")
    expect_refusal(lane, token, marker=MarkerState.COPIED, code="marker_copied")


def test_a_copy_beside_the_original_changes_nothing(lane: Estate) -> None:
    lane.execute(f"CREATE DATABASE the_copy TEMPLATE {lane.database}")
    expect_bound(lane)


def test_when_the_original_goes_back_all_is_well(lane: Estate) -> None:
    exchange(lane)
    lane.execute(f"ALTER DATABASE {lane.database} RENAME TO the_copy")
    lane.execute(f"ALTER DATABASE the_original RENAME TO {lane.database}")
    expect_bound(lane)
