"""`show`: whatever stands there is an answer, and nothing is changed by it."""

from pathlib import Path

import pytest

from launchplane_lane_contracts import database_reader
from launchplane_lane_contracts.judgement import judge_marker, judge_runtime
from launchplane_lane_contracts.marker import FILESTORE_TAG_NAME
from launchplane_lane_contracts.observation import HostRecord
from launchplane_lane_contracts.reading import RuntimeReading, RuntimeWitness
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    DataSource,
    KeepState,
    MarkerState,
    RuntimeState,
)
from launchplane_lane_guard.tokens import PublicKeys
from tests.guard.estate import Estate
from tests.real.postgres import QUICKLY


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


def attested(lane: Estate, **changed: str | None) -> RuntimeReading:
    """What the guard attests; it must also show all that `show` shows."""
    answer = lane.run("attest", "", **changed)
    assert answer.exit_code == 0, answer.words
    assert answer.receipt is not None
    assert answer.receipt.reading is not None
    assert answer.receipt.result is not None
    return RuntimeReading.from_plain(answer.receipt.result)


def test_an_attestation_agrees_with_what_the_guard_sees(lane: Estate) -> None:
    before = lane.everything()
    said = attested(lane)
    assert lane.everything() == before
    assert said.identity == lane.record.identity
    assert said.marker_generation == lane.record.generation
    assert said.filestore_path == str(lane.filestore)
    assert said.filestore_tag == lane.show().filestore.tag
    assert said.runtime_identity is not None
    assert said.runtime_identity.deployment_record_id == "deployment-1"
    # In the words of a runtime, so that the host can hold it against the guard's own.
    judged = judge_runtime(RuntimeWitness(reading=said), lane.show(), lane.lane)
    assert judged.state is RuntimeState.AGREES


def test_an_attestation_of_what_is_absent_closed_foreign_or_out_of_reach(lane: Estate) -> None:
    assert attested(lane, ODOO_DB_PORT="1").identity is None
    assert attested(lane, LAUNCHPLANE_RUNTIME_IDENTITY_JSON=None).runtime_identity is None
    lane.execute(f"ALTER DATABASE {lane.database} WITH ALLOW_CONNECTIONS false")
    assert attested(lane).identity is None
    lane.done("reopen")
    lane.execute("UPDATE launchplane_lane_marker SET lane = 'other/lane/prod'", lane.database)
    assert attested(lane).identity == lane.record.identity
    lane.drop_like_the_devkit()
    assert attested(lane).identity is None


def test_a_broken_database_is_an_answer(lane: Estate) -> None:
    lane.execute(
        "ALTER TABLE launchplane_lane_marker RENAME COLUMN nonce TO nonsense", lane.database
    )
    reading = lane.show()
    assert reading.database.marker_problem
    assert attested(lane).marker_generation is None


def test_kept_data_is_shown_with_its_size_and_age(lane: Estate) -> None:
    _permit, kept = lane.rebuild()
    answer = lane.run("show")
    assert answer.receipt is not None
    assert answer.receipt.reading is not None
    (entry,) = (
        each for each in answer.receipt.reading.database.neighbours if each.name == kept.name
    )
    assert entry.size_bytes is not None
    assert entry.size_bytes > 1_000_000
    assert entry.tag is not None
    assert entry.tag.set_aside_at is not None
    assert entry.locked
    assert f"kept: {kept.name}, generation {kept.generation}" in answer.words
    assert f"set aside {entry.tag.set_aside_at:%Y-%m-%d %H:%M} UTC" in answer.words


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


def test_names_in_whatever_encoding_are_read(lane: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database that is read from first may itself have no encoding (SQL_ASCII)."""
    like = f"TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C' {QUICKLY}"
    lane.execute(f"CREATE DATABASE ascii {like}")
    opened = lane.cluster.connect("ascii", autocommit=True)
    try:
        cursor = opened.cursor()
        for name in ("b\u00fcro".encode(), b"b\xfcro"):
            cursor.execute(b'CREATE DATABASE "' + name + b'"')
            cursor.execute(b'COMMENT ON DATABASE "' + name + b"\" IS 'f\xfcr alle'")
        for maintenance in ("postgres", "ascii"):
            monkeypatch.setattr(database_reader, "MAINTENANCE_DATABASE", maintenance)
            reading = lane.show().database
            assert reading.problem is None
            assert reading.marker_row is not None
            names = {each.name for each in reading.neighbours}
            assert names >= {"b\u00fcro", "b\ufffdro", "ascii"}
    finally:
        for name in ("b\u00fcro".encode(), b"b\xfcro"):
            cursor.execute(b'DROP DATABASE IF EXISTS "' + name + b'"')
        opened.close()
