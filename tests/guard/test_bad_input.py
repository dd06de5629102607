"""Bad input is answered with a code and a sentence, never with a traceback or a secret."""

import sys
from pathlib import Path

import pytest

import launchplane_lane_guard
from tests.guard.child import PROGRAM, run_program
from tests.guard.estate import Estate, refused

SOURCES = Path(launchplane_lane_guard.__file__).resolve().parent


@pytest.mark.parametrize("command", ["begin", "finish", "prepare", "stamp", "undo"])
@pytest.mark.parametrize("given", [b"", b" \n\t "])
def test_no_order(bare: Estate, command: str, given: bytes) -> None:
    assert bare.run(command, given).exit_code == 2


@pytest.mark.parametrize(
    "given",
    [
        b"garbage",
        b"a.b.c",
        b"..",
        b"\x00",
        b"\xff\xfe\x00",
        "ä.ö.ü".encode(),
        b"eyJhbGciOiJFZERTQSJ9.e30.",
        b"." * 2_000_000,
        b"W" * 400_000 + b".e30.e30",
        b"bnVsbA.bnVsbA.bnVsbA",
        b"W10.W10.W10",
        b'{"alg":"none"}',
    ],
)
def test_garbage_for_an_order(bare: Estate, given: bytes) -> None:
    before = bare.everything()
    for command in ("begin", "undo"):
        refused(bare.run(command, given), exit_codes=(2, 50))
    assert bare.everything() == before


def test_a_header_that_is_nested_without_end(bare: Estate) -> None:
    import base64

    deep = base64.urlsafe_b64encode(b'{"a":' * 200_000).rstrip(b"=")
    refused(bare.run("begin", deep + b".e30.e30"), exit_codes=(2, 50, 51))


@pytest.mark.parametrize(
    "changed",
    [
        {"ODOO_DB_HOST": None},
        {"ODOO_DB_USER": ""},
        {"ODOO_DB_NAME": None},
        {"ODOO_DB_NAME": "n" * 64},
        {"ODOO_DB_NAME": "é" * 32},
        {"ODOO_DB_NAME": "postgres"},
        {"ODOO_DB_NAME": "template1"},
        {"ODOO_DB_NAME": "../lane"},
        {"ODOO_DB_NAME": ".."},
        {"ODOO_DB_PORT": "five"},
        {"ODOO_DB_PORT": "9" * 5000},
        {"ODOO_FILESTORE_PATH": "relative"},
        {"ODOO_FILESTORE_PATH": "/" + "p" * 5000},
        {"LANE_AUTHORITY_KEEP": "relative"},
    ],
)
def test_an_environment_that_makes_no_sense(bare: Estate, changed: dict[str, str | None]) -> None:
    before = bare.everything()
    for command in ("show", "reopen", "begin"):
        answer = bare.run(command, "token", **changed)
        assert answer.exit_code == 2, answer.words
        assert answer.receipt is not None
        assert answer.receipt.message
    assert bare.everything() == before


@pytest.mark.parametrize(
    "changed",
    [
        {"ODOO_DB_HOST": "host.invalid"},
        {"ODOO_DB_PORT": "0"},
        {"ODOO_DB_USER": "nobody-there"},
        {"ODOO_DB_NAME": "name with ' and \" in it"},
        {"ODOO_DB_NAME": "host=elsewhere dbname=other"},
        {"ODOO_FILESTORE_PATH": "/proc/self/mem/x"},
        {"ODOO_FILESTORE_PATH": "/" + "p" * 3000},
        {"LANE_AUTHORITY_KEEP": "/proc"},
        {"LANE_AUTHORITY_KEEP": "/" + "k" * 3000},
        {"LANE_AUTHORITY_PUBLIC_KEYS": "/"},
        {"LAUNCHPLANE_RUNTIME_IDENTITY_JSON": "[" * 50_000},
        {"ODOO_DB_NAME": "\udcff"},
    ],
)
def test_show_answers_whatever_the_environment_says(
    bare: Estate, changed: dict[str, str | None]
) -> None:
    answer = bare.run("show", **changed)
    assert answer.exit_code in (0, 2, 51)
    assert answer.receipt is not None
    assert bare.role.password not in answer.words + answer.receipt.canonical().decode()
    refused(bare.run("begin", "token", **changed), exit_codes=(2, 50, 51))


def test_the_program_itself(bare: Estate) -> None:
    environment = bare.environment()
    assert run_program(["show"], b"", environment).exit_code == 0
    # By its path, as a lane without the console script runs it.
    by_path = (sys.executable, str(SOURCES))
    assert run_program(["show"], b"", environment, by_path).exit_code == 0
    assert run_program([], b"", environment).exit_code == 2
    assert run_program(["drop"], b"", environment).exit_code == 2
    assert run_program(["begin"], b"", environment).exit_code == 2
    assert run_program(["begin", "--order", "/nowhere"], b"", environment).exit_code == 2
    assert run_program(["begin", "--order", "-"], b"", environment, PROGRAM).exit_code == 2


def test_missing_packages_are_named(bare: Estate) -> None:
    without_packages = (sys.executable, "-I", "-S", str(SOURCES))
    answer = run_program(["show"], b"", bare.environment(), without_packages)
    assert answer.exit_code == 51
    assert "psycopg2" in answer.words
    assert "Traceback" not in answer.words
