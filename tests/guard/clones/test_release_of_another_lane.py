"""Another lane's own database that ended up among this lane's remains is not dropped as remains."""

import pytest

from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_guard import undo as undo_module
from tests.guard import fingerprint
from tests.guard.clones.other_lane import other_lane
from tests.guard.estate import Estate, refused


def remains_of(lane: Estate, other: Estate) -> KeptData:
    """Rename the other lane's database to this lane's name, its tag lost, and undo."""
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.execute(f"COMMENT ON DATABASE {other.database} IS NULL")
    lane.execute(f"ALTER DATABASE {other.database} RENAME TO {lane.database}")
    order = lane.undo_order(permit)
    set_aside = lane.done("undo", lane.sign(order)).set_aside
    lane.stamp(lane.stamp_order(lane.show(), permit=permit, generation=order.generation))
    assert set_aside is not None
    assert set_aside.database_oid is not None
    return KeptData(
        lane=lane.lane,
        name=set_aside.name,
        database_oid=set_aside.database_oid,
        generation=permit.generation,
        permit_id=permit.permit_id,
        set_aside_at=permit.issued_at,
        authoritative=False,
        has_filestore=set_aside.has_filestore,
    )


def test_the_original_of_another_lane_is_not_released_as_remains(
    lane: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever way it came among them: an undo refuses to keep it."""
    with monkeypatch.context() as patched:
        patched.setattr(undo_module, "_refuse_others_own", lambda *_given: None)
        kept = remains_of(lane, other_lane(lane, protected=True))
    before = lane.everything()
    refused(lane.run("release", lane.sign(lane.release_order(kept))), "release_needs_proof")
    assert lane.everything() == before


def test_a_copy_of_another_lane_is(lane: Estate) -> None:
    """A restored dump of it may go: the original stands elsewhere."""
    other = other_lane(lane, protected=True)
    copy = other_lane(lane, protected=False, name="copy")
    lane.execute(f"ALTER DATABASE {copy.database} RENAME TO away")
    lane.execute(f"CREATE DATABASE {copy.database} TEMPLATE {other.database}")
    kept = remains_of(lane, copy)
    lane.done("release", lane.sign(lane.release_order(kept)))
    assert kept.name not in fingerprint.databases(lane.cluster)
    assert other.database in fingerprint.databases(lane.cluster)
