"""`show`: whatever stands there is an answer, and nothing is changed by it."""

from pathlib import Path

import pytest

from launchplane_lane_contracts.judgement import judge_marker
from launchplane_lane_contracts.marker import FILESTORE_TAG_NAME
from launchplane_lane_contracts.observation import HostRecord
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    DataSource,
    KeepState,
    MarkerState,
)
from launchplane_lane_guard.tokens import PublicKeys
from tests.guard.estate import Estate


def state_of(lane: Estate) -> DatabaseState:
    request = lane.request(DataSource.EMPTY)
    return lane.observe(lane.show(), request, lane.incoming(DataSource.EMPTY, None)).database.state


def test_an_initialised_lane(lane: Estate) -> None:
    before = lane.everything()
    reading = lane.show()
    assert lane.everything() == before
    assert state_of(lane) is DatabaseState.INITIALISED
    assert reading.keep.state is KeepState.READY
    assert reading.database.identity() is not None


def test_an_absent_database(bare: Estate) -> None:
    bare.drop_like_the_devkit()
    assert bare.show().database.entry is None
    assert state_of(bare) is DatabaseState.ABSENT


def test_an_uninitialised_database(bare: Estate) -> None:
    bare.drop_like_the_devkit()
    bare.execute(f"CREATE DATABASE {bare.database}")
    assert state_of(bare) is DatabaseState.UNINITIALISED


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE SCHEMA other; CREATE TABLE other.rows (one int)",
        "CREATE VIEW seen AS SELECT 1 AS one",
        "CREATE SEQUENCE numbers",
        "SELECT lo_create(0)",
    ],
)
def test_anything_in_it_makes_it_initialised(bare: Estate, statement: str) -> None:
    bare.drop_like_the_devkit()
    bare.execute(f"CREATE DATABASE {bare.database}")
    bare.execute(statement, bare.database)
    assert state_of(bare) is DatabaseState.INITIALISED


def test_a_closed_database(lane: Estate) -> None:
    lane.execute(f"ALTER DATABASE {lane.database} WITH ALLOW_CONNECTIONS false")
    assert state_of(lane) is DatabaseState.CLOSED
    lane.done("reopen")
    assert state_of(lane) is DatabaseState.INITIALISED


def test_a_closed_database_that_is_not_known_is_not_opened(bare: Estate) -> None:
    bare.execute(f"ALTER DATABASE {bare.database} WITH ALLOW_CONNECTIONS false")
    assert bare.run("reopen").exit_code == 50
    assert state_of(bare) is DatabaseState.CLOSED


def test_another_lanes_database_is_foreign(lane: Estate) -> None:
    reading = lane.show()
    assert reading.database.marker_row is not None
    keys = PublicKeys.from_file(lane.keys)
    verdict = keys.judge_marker_token(reading.database.marker_row.token)
    other = HostRecord(lane=lane.lane.model_copy(update={"instance": "prod"}))
    assert judge_marker(reading.database, verdict, other).state is MarkerState.FOREIGN


def test_a_server_that_does_not_answer(lane: Estate) -> None:
    answer = lane.run("show", ODOO_DB_PORT="1")
    assert answer.exit_code == 0
    assert answer.receipt is not None
    assert answer.receipt.reading is not None
    assert answer.receipt.reading.database.server is None
    assert answer.receipt.reading.database.problem
    assert lane.role.password not in answer.words + answer.receipt.canonical().decode()


def test_a_wrong_password(lane: Estate) -> None:
    answer = lane.run("show", ODOO_DB_PASSWORD="wrong-password")
    assert answer.exit_code == 0
    assert answer.receipt is not None
    assert "wrong-password" not in answer.words + answer.receipt.canonical().decode()


def test_a_database_that_the_role_may_not_enter(bare: Estate) -> None:
    bare.cluster.execute(f"ALTER DATABASE {bare.database} OWNER TO postgres")
    bare.cluster.execute(f"REVOKE ALL ON DATABASE {bare.database} FROM PUBLIC")
    assert state_of(bare) is DatabaseState.UNREADABLE


def unreadable_tag(tag: Path) -> None:
    tag.write_bytes(b"\xff\x00 no tag")


def folder_for_a_tag(tag: Path) -> None:
    tag.unlink()
    tag.mkdir()


@pytest.mark.parametrize("damage", [unreadable_tag, folder_for_a_tag])
def test_a_tag_that_cannot_be_read(lane: Estate, damage: object) -> None:
    assert callable(damage)
    damage(lane.filestore / FILESTORE_TAG_NAME)
    assert lane.show().filestore.tag_problem
