"""A dump of a protected lane over a resettable one: whose data it is decides, not the name."""

import pytest

from launchplane_lane_contracts.vocabulary import MarkerState
from tests.guard.clones.other_lane import other_lane
from tests.guard.clones.verdict import expect_bound, expect_refusal, signed_before
from tests.guard.dumps import dump, restore
from tests.guard.estate import Estate


def over_a_new_database(lane: Estate, protected: Estate) -> None:
    lane.drop_like_the_devkit()
    dump_of(lane, protected)
    restore(lane, lane.database)


def in_place(lane: Estate, protected: Estate) -> None:
    dump_of(lane, protected)
    restore(lane, lane.database, "--clean", "--if-exists")


def by_template(lane: Estate, protected: Estate) -> None:
    lane.drop_like_the_devkit()
    lane.execute(f"CREATE DATABASE {lane.database} TEMPLATE {protected.database}")


def by_renaming_the_protected_database_itself(lane: Estate, protected: Estate) -> None:
    lane.execute(f"ALTER DATABASE {lane.database} RENAME TO aside")
    lane.execute(f"ALTER DATABASE {protected.database} RENAME TO {lane.database}")


def dump_of(lane: Estate, protected: Estate) -> None:
    dump(lane, protected.database)


@pytest.mark.parametrize(
    "come",
    [
        over_a_new_database,
        in_place,
        by_template,
        by_renaming_the_protected_database_itself,
    ],
)
def test_a_protected_lanes_data_under_a_resettable_name(lane: Estate, come: object) -> None:
    assert callable(come)
    protected = other_lane(lane, protected=True)
    token = signed_before(lane)
    come(lane, protected)
    expect_refusal(lane, token, marker=MarkerState.FOREIGN, code="marker_foreign")


def test_the_protected_lane_itself_is_not_touched_by_any_of_it(lane: Estate) -> None:
    protected = other_lane(lane, protected=True)
    in_place(lane, protected)
    expect_bound(protected)


def test_a_resettable_lanes_data_under_the_protected_name(production: Estate) -> None:
    """The other way round the protected lane's own data is what nobody may overlook."""
    resettable = other_lane(production, protected=False)
    token = signed_before(production)
    production.execute(f"ALTER DATABASE {production.database} RENAME TO aside")
    production.execute(f"CREATE DATABASE {production.database} TEMPLATE {resettable.database}")
    expect_refusal(production, token, marker=MarkerState.FOREIGN, code="marker_foreign")
