"""`materialise`: what is restored beside the lane equals its source, or is not there at all."""

import shutil
from pathlib import Path

import psycopg2
import pytest
from hypothesis import given
from hypothesis import strategies as some

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.naming import is_side_name, kept_name, side_name
from launchplane_lane_guard.settings import settings_from_environment
from launchplane_lane_guard.side import drop_side_database
from tests.guard.child import Answer
from tests.guard.estate import refused
from tests.guard.volumes import root_only, small_volume

from .old_host import FROM_UPSTREAM, OldHostEstate
from .small_odoo import content_of


def nothing_came(estate: OldHostEstate, answer: Answer, *codes: str, code: int = 50) -> None:
    """It was refused for this, and nothing is left beside the lane."""
    refused(answer, *codes, exit_codes=(code,))
    assert estate.beside() == []
    assert estate.sessions() == 0


def test_it_is_equal_and_waits(estate: OldHostEstate) -> None:
    before = estate.everything()
    old = estate.old.data()
    side = estate.brought()
    found = estate.everything()
    assert found.rows[estate.database] == before.rows[estate.database]
    assert found.databases[estate.database] == before.databases[estate.database]
    assert side.fingerprint_digest == estate.old.content().digest()
    assert side.files == 3
    assert estate.old.data() == old
    assert [each.name for each in estate.show().keep.sides] == [side.name]
    # Nobody works in it while it waits: what was compared is what takes the lane's name.
    with pytest.raises(psycopg2.OperationalError, match="not currently accepting connections"):
        estate.execute("UPDATE res_partner SET name = 'changed since'", side.name)
    permit = estate.permit(FROM_UPSTREAM)
    estate.done("begin", estate.sign(permit))
    assert estate.data().oid == side.database_oid
    assert estate.data().files == old.files
    assert estate.beside() == []
    estate.settle(permit)
    assert estate.show().database.entry is not None


def test_restore_source_agrees_after_the_begin(estate: OldHostEstate) -> None:
    permit = estate.begun()
    answer = estate.run("restore-source", estate.sign(permit))
    assert answer.exit_code == 0, answer.words
    assert answer.receipt is not None
    assert answer.receipt.result is not None
    assert answer.receipt.result["data_source"] == "upstream_restore"
    # Whatever marker came was put under the permit's before the data had the name.
    reading = estate.show().database
    assert reading.marker_row is not None
    assert reading.marker_row.state == "pending"
    assert reading.marker_row.lane == str(estate.lane)


@pytest.mark.full
def test_undo_keeps_what_came(estate: OldHostEstate) -> None:
    before = estate.data()
    permit = estate.begun()
    came = estate.data()
    order = estate.undo_order(permit)
    estate.done("undo", estate.sign(order))
    assert estate.data() == before
    assert estate.kept_data(order.remains_name) == came


def test_once_more_takes_the_place_of_the_first(estate: OldHostEstate) -> None:
    first = estate.brought()
    estate.old.execute("INSERT INTO res_partner (name) VALUES ('later')")
    second = estate.brought()
    assert estate.beside() == [second.name] != [first.name]
    assert second.fingerprint_digest != first.fingerprint_digest
    estate.side = first
    permit = estate.permit(FROM_UPSTREAM)
    before = estate.everything()
    refused(estate.run("begin", estate.sign(permit)), "side_gone")
    assert estate.everything() == before


@pytest.mark.full
def test_a_begin_without_what_waited_is_refused(estate: OldHostEstate) -> None:
    side = estate.brought()
    permit = estate.permit(FROM_UPSTREAM)
    estate.cluster.execute(f'ALTER DATABASE "{side.name}" WITH IS_TEMPLATE false')
    estate.cluster.execute(f'DROP DATABASE "{side.name}"')
    estate.create_database(side.name, "another one of that name")
    before = estate.everything()
    refused(estate.run("begin", estate.sign(permit)), "side_gone")
    assert estate.everything() == before


def wrapped(folder: Path, program: str, script: str) -> str:
    """A PATH in which a program is this script; `$REAL` is the real one."""
    real = shutil.which(program, path="/usr/lib/postgresql/15/bin") or shutil.which(program)
    path = folder / "wrapped" / program
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\nREAL={real}\n{script}\n")
    path.chmod(0o755)
    return f"{path.parent}:/usr/bin:/bin"


TAMPER = """
case "$1" in --version) exec $REAL "$@";; esac
$REAL "$@" && psql -qc "%s" "dbname=$PGDATABASE"
"""


DIFFERENT = (
    "UPDATE res_partner SET name = 'other' WHERE id = 7",
    "DROP VIEW partners",
    "SELECT lo_put(4711, 0, 'b')",
    "SELECT setval('res_partner_id_seq', 3)",
)


@pytest.mark.parametrize(
    "changes", [DIFFERENT[:1], pytest.param(DIFFERENT[1:], marks=pytest.mark.full)], ids=len
)
def test_a_copy_that_differs_never_comes(
    estate: OldHostEstate, tmp_path: Path, changes: tuple[str, ...]
) -> None:
    before = estate.everything()
    for change in changes:
        path = wrapped(tmp_path, "pg_restore", TAMPER % change)
        nothing_came(estate, estate.bring(PATH=path), "copy_differs")
    assert estate.everything() == before


def test_a_file_that_is_missing_or_altered_at_the_source(estate: OldHostEstate) -> None:
    name = estate.old.attach(b"precious")
    (estate.old.filestore / name).write_bytes(b"damaged!")
    nothing_came(estate, estate.bring(), "source_incomplete")
    (estate.old.filestore / name).unlink()
    nothing_came(estate, estate.bring(), "source_incomplete")


def test_what_cannot_be_neutralised_never_comes(estate: OldHostEstate) -> None:
    nothing_came(estate, estate.bring(ODOO_ADDONS_PATH=None), "not_neutralised")
    nothing_came(estate, estate.bring(LANE_AUTHORITY_NEUTRALISE="false"), "not_neutralised")
    nothing_came(estate, estate.bring(LANE_AUTHORITY_NEUTRALISE="true"), "not_neutralised")


@pytest.mark.full
def test_a_command_neutralises(estate: OldHostEstate, tmp_path: Path) -> None:
    script = tmp_path / "neutralise"
    script.write_text(
        '#!/bin/sh\npsql -qc "INSERT INTO ir_config_parameter (key, value) VALUES '
        "('database.is_neutralized', 'true')\" \"dbname=$ODOO_DB_NAME\"\n"
    )
    script.chmod(0o755)
    estate.variables = {"LANE_AUTHORITY_NEUTRALISE": str(script), "ODOO_ADDONS_PATH": ""}
    side = estate.brought()
    assert side.neutralised
    content = content_of(estate.cluster, side.name)
    differing = {each.name for each in estate.old.content().differences(content)}
    assert differing == {"public.ir_config_parameter", "public.ir_config_parameter_id_seq"}


UNREADABLE: tuple[tuple[dict[str, str | None], str | None, int], ...] = (
    ({"ODOO_UPSTREAM_DB_NAME": "another"}, "source_differs", 50),
    ({"ODOO_UPSTREAM_DB_USER": None}, None, 2),
    ({"LANE_AUTHORITY_UPSTREAM_FILES": None}, None, 2),
    ({"LANE_AUTHORITY_UPSTREAM_FILES": "'"}, None, 2),
    ({"LANE_AUTHORITY_UPSTREAM_PORT": "x"}, None, 2),
    ({"LANE_AUTHORITY_UPSTREAM_PASSWORD": "wrong"}, None, 51),
    ({"LANE_AUTHORITY_UPSTREAM_PORT": "1"}, None, 51),
    ({"LANE_AUTHORITY_UPSTREAM_FILES": "/nowhere/tar"}, None, 51),
    ({"LANE_AUTHORITY_UPSTREAM_FILES": "echo no tar"}, None, 51),
    ({"LANE_AUTHORITY_UPSTREAM_FILES": "true"}, None, 51),
    ({"LANE_AUTHORITY_KEEP": None}, "keep_not_configured", 50),
)


@pytest.mark.parametrize(
    "first", [pytest.param(0, marks=pytest.mark.full), 1, pytest.param(2, marks=pytest.mark.full)]
)
def test_a_source_that_cannot_be_read(estate: OldHostEstate, first: int) -> None:
    for changed, code, exit_code in UNREADABLE[first::3]:
        answer = estate.bring(**changed)
        nothing_came(estate, answer, *([code] if code else []), code=exit_code)
        assert estate.old.cluster.odoo.password not in answer.words


def test_the_lane_itself_is_no_source(estate: OldHostEstate) -> None:
    assert estate.upstream is not None
    estate.upstream = estate.upstream.model_copy(
        update={"database": estate.database, "host": estate.cluster.host}
    )
    answer = estate.bring(
        LANE_AUTHORITY_UPSTREAM_PORT=str(estate.cluster.port),
        LANE_AUTHORITY_UPSTREAM_PASSWORD=estate.cluster.odoo.password,
    )
    nothing_came(estate, answer, "source_is_the_lane_itself")


@pytest.mark.full
def test_a_source_that_goes_on_working(estate: OldHostEstate, tmp_path: Path) -> None:
    script = """
case "$1" in --version) exec $REAL "$@";; esac
psql -qc "INSERT INTO res_partner (name) VALUES ('while it was dumped')"
$REAL "$@"
psql -qc "INSERT INTO res_partner (name) VALUES ('after it was dumped')" >&2
"""
    wanted = estate.old.content()
    estate.variables = {"PATH": wrapped(tmp_path, "pg_dump", script)}
    side = estate.brought()
    found = content_of(estate.cluster, side.name)
    tables = {each.name: each.row_sum for each in wanted.tables}
    assert {each.name: each.row_sum for each in found.tables}["res_partner"] == tables[
        "res_partner"
    ]


def test_the_old_server_goes_away_half_way(estate: OldHostEstate, tmp_path: Path) -> None:
    estate.old.execute(
        "INSERT INTO res_partner (name) SELECT repeat(n::text, 50) FROM generate_series(1, 9000) n"
    )
    server = f"$(head -1 {estate.old.cluster.data_directory}/postmaster.pid)"
    script = f"""
case "$1" in --version) exec $REAL "$@";; esac
$REAL "$@" | {{ head -c 100000; kill -9 {server}; cat; }}
"""
    before = estate.everything()
    answer = estate.bring(PATH=wrapped(tmp_path, "pg_dump", script))
    estate.old.cluster.start()
    refused(answer, exit_codes=(51,))
    assert estate.beside() == []
    assert estate.everything() == before


@root_only
def test_no_room_beside_the_lane(estate: OldHostEstate, tmp_path: Path) -> None:
    estate.old.attach(b"x" * 2_000_000)
    before = estate.everything()
    with small_volume(tmp_path / "small", "size=1m") as volume:
        small = str(volume)
        nothing_came(estate, estate.bring(LANE_AUTHORITY_KEEP=small), "room_not_enough")
        answer = estate.bring(LANE_AUTHORITY_DATABASE_VOLUME=small)
        nothing_came(estate, answer, "room_not_enough")
        # Where nobody knows how large the files are, the volume fills up under them.
        estate.old.execute("ALTER TABLE ir_attachment DROP COLUMN file_size")
        nothing_came(estate, estate.bring(LANE_AUTHORITY_KEEP=small), code=51)
        assert not list((volume / "sides").glob("*__side_*"))
    assert estate.everything() == before


def test_only_side_databases_are_dropped_as_such(estate: OldHostEstate) -> None:
    settings = settings_from_environment(estate.environment())
    for name in (
        estate.database,
        "postgres",
        "standing",
        "x__side_12",
        f"{estate.database}__kept_g1_r_a",
    ):
        with pytest.raises(ValueError, match="not the name of a side database"):
            drop_side_database(settings, DatabaseName(name))


@given(
    database=some.text(some.characters(exclude_characters="\0/", codec="utf-8"), min_size=1),
    generation=some.integers(1, 10**6),
)
def test_no_kept_name_is_a_side_name(database: str, generation: int) -> None:
    name = DatabaseName(database.encode()[:63].decode(errors="ignore") or "x")
    assert not is_side_name(kept_name(name, generation, "restore", "permit-of-side-abcdef"))
    side = side_name(name, "0123456789abcdef")
    assert is_side_name(side)
    assert len(side.encode()) <= 63
