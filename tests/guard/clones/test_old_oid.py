"""A role with CREATEDB may choose the oid of a new database. The marker's table tells then."""

from launchplane_lane_contracts.vocabulary import DatabaseState, MarkerState
from tests.guard import fingerprint
from tests.guard.clones.verdict import expect_refusal
from tests.guard.dumps import dump, restore
from tests.guard.estate import Estate


def drop_and_make_with_the_old_oid(lane: Estate, name: str) -> None:
    oid = fingerprint.databases(lane.cluster)[lane.database].oid
    lane.drop_like_the_devkit()
    lane.execute(f"CREATE DATABASE {name} OID = {oid}")
    assert fingerprint.databases(lane.cluster)[name].oid == oid


def test_an_empty_one(lane: Estate, token: str) -> None:
    drop_and_make_with_the_old_oid(lane, lane.database)
    expect_refusal(
        lane,
        token,
        database=DatabaseState.MISSING,
        marker=MarkerState.NOT_APPLICABLE,
        code="database_missing",
    )


def test_an_empty_one_under_another_name(lane: Estate, token: str) -> None:
    """By its oid it looks like the lane's data, renamed. Either way nothing is done to it."""
    drop_and_make_with_the_old_oid(lane, "elsewhere")
    expect_refusal(
        lane,
        token,
        database=DatabaseState.RENAMED,
        marker=MarkerState.NOT_APPLICABLE,
        code="database_renamed",
    )


def test_one_with_a_restored_dump_and_the_old_tag(lane: Estate, token: str) -> None:
    tag = fingerprint.databases(lane.cluster)[lane.database].comment
    dump(lane, lane.database)
    drop_and_make_with_the_old_oid(lane, lane.database)
    restore(lane, lane.database)
    lane.execute(f"COMMENT ON DATABASE {lane.database} IS '{tag}'")
    expect_refusal(lane, token, marker=MarkerState.COPIED, code="marker_copied")


def test_one_with_other_data(lane: Estate, token: str) -> None:
    drop_and_make_with_the_old_oid(lane, lane.database)
    lane.execute("CREATE TABLE res_partner (name text)", lane.database)
    expect_refusal(lane, token, marker=MarkerState.ABSENT, code="marker_absent")
