"""A plain dump carries the marker row and neither tag nor lock; a restore makes new tables."""

from launchplane_lane_contracts.vocabulary import MarkerState
from tests.guard import fingerprint
from tests.guard.clones.verdict import expect_bound, expect_refusal, signed_before
from tests.guard.dumps import dump, restore
from tests.guard.estate import Estate


def test_restored_after_a_drop(lane: Estate) -> None:
    token = signed_before(lane)
    dump(lane, lane.database)
    lane.drop_like_the_devkit()
    restore(lane, lane.database)
    assert fingerprint.databases(lane.cluster)[lane.database].comment is None
    expect_refusal(lane, token, marker=MarkerState.COPIED, code="marker_copied")


def test_restored_beside_the_original_and_put_in_its_place(lane: Estate) -> None:
    token = signed_before(lane)
    dump(lane, lane.database)
    restore(lane, "the_copy")
    expect_bound(lane)
    lane.execute(f"ALTER DATABASE {lane.database} RENAME TO the_original")
    lane.execute(f"ALTER DATABASE the_copy RENAME TO {lane.database}")
    expect_refusal(lane, token, marker=MarkerState.COPIED, code="marker_copied")


def test_restored_in_place(lane: Estate) -> None:
    """`--clean` keeps oid, name and tag, and makes the marker's table anew."""
    token = signed_before(lane)
    before = fingerprint.databases(lane.cluster)[lane.database]
    dump(lane, lane.database)
    restore(lane, lane.database, "--clean", "--if-exists")
    assert fingerprint.databases(lane.cluster)[lane.database] == before
    expect_refusal(lane, token, marker=MarkerState.COPIED, code="marker_copied")


def test_restored_in_place_of_a_locked_lane(production: Estate) -> None:
    """A lock does not stop SQL inside; the marker's table tells."""
    token = signed_before(production)
    dump(production, production.database)
    restore(production, production.database, "--clean", "--if-exists")
    assert fingerprint.databases(production.cluster)[production.database].locked
    expect_refusal(production, token, marker=MarkerState.COPIED, code="marker_copied")
