"""A permit for one place does nothing at another, and nothing when its place has changed."""

import json
from typing import Any

import psycopg2
import pytest

from launchplane_lane_contracts.marker import FILESTORE_TAG_NAME
from tests.guard import fingerprint
from tests.guard.dumps import dump, restore
from tests.guard.estate import Estate, refused

# -- another place ---------------------------------------------------------------------


def test_another_lane(lane: Estate) -> None:
    token = lane.sign(lane.permit())
    before = lane.everything()
    other = json.dumps({**lane.lane.to_plain(), "instance": "prod"})
    answer = lane.run("begin", token, LAUNCHPLANE_RUNTIME_IDENTITY_JSON=other)
    refused(answer, "environment_other_lane")
    assert lane.everything() == before


@pytest.mark.parametrize("identity", [None, "", "{", "[]", "{}", '{"product": 1}', "null"])
def test_an_environment_without_identity(lane: Estate, identity: str | None) -> None:
    token = lane.sign(lane.permit())
    before = lane.everything()
    answer = lane.run("begin", token, LAUNCHPLANE_RUNTIME_IDENTITY_JSON=identity)
    refused(answer, "environment_other_lane")
    assert lane.everything() == before


def test_another_database(lane: Estate) -> None:
    token = lane.sign(lane.permit())
    lane.create_database("neighbour")
    before = lane.everything()
    refused(lane.run("begin", token, ODOO_DB_NAME="neighbour"), "environment_other_database")
    assert lane.everything() == before


def test_another_filestore(lane: Estate) -> None:
    token = lane.sign(lane.permit())
    before = lane.everything()
    elsewhere = str(lane.folder / "elsewhere")
    refused(lane.run("begin", token, ODOO_FILESTORE_PATH=elsewhere), "environment_other_filestore")
    assert lane.everything() == before


def test_another_lanes_keep(lane: Estate) -> None:
    token = lane.sign(lane.permit())
    (lane.keep / "lane").write_text("somebody/else/prod")
    before = lane.everything()
    refused(lane.run("begin", token), "keep_unusable")
    assert lane.everything() == before
    assert lane.takes_connections()


# -- the same place, with something else at it (copies of it: clones/) ------------------


def dropped(lane: Estate) -> None:
    lane.drop_like_the_devkit()


def dropped_and_made_anew(lane: Estate) -> None:
    lane.drop_like_the_devkit()
    lane.create_database(lane.database, "somebody else")


def dropped_and_made_empty(lane: Estate) -> None:
    lane.drop_like_the_devkit()
    lane.execute(f"CREATE DATABASE {lane.database}")


def marker_deleted(lane: Estate) -> None:
    lane.execute("DELETE FROM launchplane_lane_marker", lane.database)


def marker_table_dropped(lane: Estate) -> None:
    lane.execute("DROP TABLE launchplane_lane_marker", lane.database)


def marker_is_a_view(lane: Estate) -> None:
    lane.execute(
        "ALTER TABLE launchplane_lane_marker RENAME TO away;"
        "CREATE VIEW launchplane_lane_marker AS SELECT * FROM away",
        lane.database,
    )


def two_markers(lane: Estate) -> None:
    lane.execute(
        "ALTER TABLE launchplane_lane_marker DROP CONSTRAINT launchplane_lane_marker_only_row;"
        "INSERT INTO launchplane_lane_marker SELECT 2, token, state, lane, rollout_state, "
        "authoritative, generation, nonce, written_at FROM launchplane_lane_marker",
        lane.database,
    )


def claimed_inside_odoo(lane: Estate) -> None:
    lane.execute("UPDATE launchplane_lane_marker SET claimed = true", lane.database)


def tag_lost(lane: Estate) -> None:
    lane.execute(f"COMMENT ON DATABASE {lane.database} IS NULL")


def tag_of_nonsense(lane: Estate) -> None:
    lane.execute(f"COMMENT ON DATABASE {lane.database} IS 'launchplane-lane-authority {{]'")


def closed(lane: Estate) -> None:
    lane.execute(f"ALTER DATABASE {lane.database} WITH ALLOW_CONNECTIONS false")


def files_tag_lost(lane: Estate) -> None:
    (lane.filestore / FILESTORE_TAG_NAME).unlink()


def files_tag_damaged(lane: Estate) -> None:
    (lane.filestore / FILESTORE_TAG_NAME).write_text("{")


def foreign_files(lane: Estate) -> None:
    path = lane.filestore / FILESTORE_TAG_NAME
    path.write_text(path.read_text().replace('"instance":"testing"', '"instance":"prod"'))


def files_of_another_generation(lane: Estate) -> None:
    path = lane.filestore / FILESTORE_TAG_NAME
    path.write_text(path.read_text().replace('"generation":1', '"generation":7'))


def files_gone(lane: Estate) -> None:
    lane.filestore.rename(lane.folder / "away")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (dropped, "database_missing"),
        (dropped_and_made_anew, "readings_moved"),
        (dropped_and_made_anew, "marker_absent"),
        (dropped_and_made_empty, "readings_moved"),
        (marker_deleted, "marker_absent"),
        (marker_table_dropped, "marker_absent"),
        (marker_is_a_view, "marker_tampered"),
        (two_markers, "marker_tampered"),
        (claimed_inside_odoo, "source_not_allowed"),
        (tag_lost, "engine_tag_lost"),
        (tag_of_nonsense, "engine_tag_lost"),
        (closed, "database_closed"),
        (files_tag_lost, "filestore_untagged"),
        (files_tag_damaged, "filestore_unreadable"),
        (foreign_files, "filestore_foreign"),
        (files_of_another_generation, "filestore_stale"),
        (files_gone, "filestore_missing"),
    ],
)
def test_something_else_stands_there_than_when_it_was_signed(
    lane: Estate, change: Any, code: str
) -> None:
    token = lane.sign(lane.permit())
    change(lane)
    before = lane.everything()
    refused(lane.run("begin", token), code)
    assert lane.everything() == before


def test_another_lanes_database_with_its_own_tag(bare: Estate) -> None:
    """An empty one: only its tag says whose it is."""
    bare.drop_like_the_devkit()
    bare.execute(f"CREATE DATABASE {bare.database}")
    bare.filestore.rename(bare.folder / "away")
    token = bare.sign(bare.permit())
    oid = fingerprint.databases(bare.cluster)[bare.database].oid
    bare.execute(
        f"COMMENT ON DATABASE {bare.database} IS 'launchplane-lane-authority "
        '{"database_oid":%d,"generation":3,"lane":{"context":"small","instance":"prod",'
        '"product":"odoo-tenant-small"},"permit_id":null,"schema_version":1,'
        '"set_aside_at":null,"state":"live"}\'' % oid
    )
    before = bare.everything()
    refused(bare.run("begin", token), "marker_foreign")
    assert bare.everything() == before


def test_a_lane_restored_over_another_name_is_a_copy_there(lane: Estate) -> None:
    dump(lane, lane.database)
    lane.execute("CREATE DATABASE another")
    restore(lane, "another")
    reading = lane.show()
    assert reading.database.entry is not None
    tags = {str(each.name): each.tag for each in reading.database.neighbours}
    # A plain dump carries no tag, and the lane itself is as it was.
    assert tags["another"] is None
    lane.permit()


def test_the_lane_still_refuses_plain_drops_of_what_it_keeps(lane: Estate) -> None:
    _permit, kept = lane.rebuild()
    with pytest.raises(psycopg2.Error, match="template"):
        client_drop(lane, kept.name)


def client_drop(lane: Estate, name: str) -> None:
    lane.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
