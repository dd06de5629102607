"""Renamed by hand: the lane's data stands somewhere else, and is looked for by oid and tag."""

from launchplane_lane_contracts.vocabulary import DatabaseState, MarkerState
from tests.guard.clones.verdict import expect_bound, expect_refusal
from tests.guard.estate import Estate


def test_the_database_renamed(lane: Estate, token: str) -> None:
    lane.execute(f"ALTER DATABASE {lane.database} RENAME TO elsewhere")
    expect_refusal(
        lane,
        token,
        database=DatabaseState.RENAMED,
        marker=MarkerState.NOT_APPLICABLE,
        code="database_renamed",
    )
    lane.execute(f"ALTER DATABASE elsewhere RENAME TO {lane.database}")
    expect_bound(lane)


def test_the_database_renamed_and_its_tag_gone(lane: Estate, token: str) -> None:
    lane.execute(f"COMMENT ON DATABASE {lane.database} IS NULL")
    lane.execute(f"ALTER DATABASE {lane.database} RENAME TO elsewhere")
    expect_refusal(
        lane,
        token,
        database=DatabaseState.RENAMED,
        marker=MarkerState.NOT_APPLICABLE,
        code="database_renamed",
    )


def test_the_database_renamed_and_an_empty_one_put_there(lane: Estate, token: str) -> None:
    lane.execute(f"ALTER DATABASE {lane.database} RENAME TO elsewhere")
    lane.execute(f"CREATE DATABASE {lane.database}")
    expect_refusal(
        lane,
        token,
        database=DatabaseState.RENAMED,
        marker=MarkerState.NOT_APPLICABLE,
        code="database_renamed",
    )


def test_the_schema_renamed(lane: Estate, token: str) -> None:
    lane.cluster.execute("ALTER SCHEMA public RENAME TO business", lane.database)
    expect_refusal(lane, token, marker=MarkerState.ABSENT, code="marker_absent")
    lane.cluster.execute("ALTER SCHEMA business RENAME TO public", lane.database)
    expect_bound(lane)


def test_the_schema_renamed_and_a_new_one_made(lane: Estate, token: str) -> None:
    lane.cluster.execute("ALTER SCHEMA public RENAME TO business", lane.database)
    lane.cluster.execute("CREATE SCHEMA public", lane.database)
    expect_refusal(lane, token, marker=MarkerState.ABSENT, code="marker_absent")


def test_only_the_rows_in_another_schema(lane: Estate, token: str) -> None:
    """Nothing stands in schema public any more: all the same it is no empty database."""
    lane.execute("DROP TABLE launchplane_lane_marker, launchplane_lane_event", lane.database)
    lane.execute("DROP TABLE res_partner, ir_attachment", lane.database)
    expect_refusal(lane, token, marker=MarkerState.ABSENT, code="marker_absent")
