"""Bad input is answered with a code and a sentence, never with a traceback or a secret.

That nothing was changed by any of it is seen at the end, when the standing lane is compared.
"""

import base64
import sys
from importlib import import_module
from pathlib import Path

import pytest

import launchplane_lane_guard
from launchplane_lane_contracts.receipt import Outcome
from launchplane_lane_guard.commands import registry
from launchplane_lane_guard.commands.registry import COMMANDS, GROUPS
from tests.guard.child import PROGRAM, Answer, run_program, start
from tests.guard.estate import Estate, refused

Changes = dict[str, str | None]
SOURCES = Path(launchplane_lane_guard.__file__).resolve().parent


def run(lane: Estate, command: str, changed: Changes) -> Answer:
    return lane.run(command, "token", **changed)


@pytest.mark.parametrize("command", ["begin", "finish", "prepare", "stamp", "undo"])
@pytest.mark.parametrize("given", [b"", b" \n\t "])
def test_no_order(standing: Estate, command: str, given: bytes) -> None:
    assert standing.run(command, given).exit_code == 2


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
def test_garbage_for_an_order(standing: Estate, given: bytes) -> None:
    for command in ("begin", "undo"):
        refused(standing.run(command, given), exit_codes=(2, 50))


def test_a_header_that_is_nested_without_end(standing: Estate) -> None:
    deep = base64.urlsafe_b64encode(b'{"a":' * 200_000).rstrip(b"=")
    refused(standing.run("begin", deep + b".e30.e30"), exit_codes=(2, 50, 51))


def test_what_nobody_foresaw_is_a_receipt_as_well(standing: Estate, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text('{"keys": ' + "[" * 200_000)
    answer = standing.run("begin", "token", LANE_AUTHORITY_PUBLIC_KEYS=str(keys))
    refused(answer, exit_codes=(51,))
    assert answer.receipt is not None
    assert "(RecursionError)" in answer.receipt.message


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
        {"ODOO_DB_NAME": "lane__side_0123456789abcdef"},
        {"ODOO_DB_NAME": "../lane"},
        {"ODOO_DB_NAME": ".."},
        {"ODOO_DB_NAME": ".lane"},
        {"ODOO_DB_PORT": "five"},
        {"ODOO_DB_PORT": "9" * 5000},
        {"ODOO_FILESTORE_PATH": "relative"},
        {"ODOO_FILESTORE_PATH": "/" + "p" * 5000},
        {"LANE_AUTHORITY_KEEP": "relative"},
    ],
)
def test_an_environment_that_makes_no_sense(standing: Estate, changed: Changes) -> None:
    for command in ("show", "reopen", "begin"):
        answer = run(standing, command, changed)
        assert answer.exit_code == 2, answer.words
        assert answer.receipt is not None
        assert answer.receipt.message


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
def test_show_answers_whatever_the_environment_says(standing: Estate, changed: Changes) -> None:
    answer = run(standing, "show", changed)
    assert answer.exit_code in (0, 2, 51)
    assert answer.receipt is not None
    assert standing.role.password not in answer.words + answer.receipt.canonical().decode()
    refused(run(standing, "begin", changed), exit_codes=(2, 50, 51))


def test_the_program_itself(standing: Estate) -> None:
    environment = standing.environment()
    assert run_program(["show"], b"", environment).exit_code == 0
    # By its path, as a lane without the console script runs it.
    by_path = (sys.executable, str(SOURCES))
    assert run_program(["show"], b"", environment, by_path).exit_code == 0
    assert run_program([], b"", environment).exit_code == 2
    assert run_program(["drop"], b"", environment).exit_code == 2
    assert run_program(["begin"], b"", environment).exit_code == 2
    assert run_program(["begin", "--order", "/nowhere"], b"", environment).exit_code == 2
    assert run_program(["begin", "--order", "-"], b"", environment, PROGRAM).exit_code == 2


@pytest.mark.parametrize("arguments", [[], ["drop"], ["begin"], ["show", "--force"]])
def test_a_call_that_makes_no_sense_has_a_receipt_as_well(
    standing: Estate, arguments: list[str]
) -> None:
    answer = start(arguments, b"", standing.environment()).wait()
    assert answer.exit_code == 2
    assert answer.receipt is not None
    assert answer.receipt.outcome is Outcome.BAD_INPUT
    assert "--help" in answer.receipt.message
    assert answer.receipt.line() in answer.words


def test_every_command_stands_in_the_list_once() -> None:
    folder = Path(registry.__file__).parent
    files = {each.stem for each in folder.glob("*.py")} - {"__init__", "registry"}
    found = {
        file: tuple(each.name for each in group)
        for file in files
        if (group := getattr(import_module(f"{registry.__package__}.{file}"), "COMMANDS", ()))
    }
    assert found == GROUPS
    assert len(COMMANDS) == sum(map(len, GROUPS.values()))


def test_missing_packages_are_named(standing: Estate) -> None:
    without_packages = (sys.executable, "-I", "-S", str(SOURCES))
    answer = run_program(["show"], b"", standing.environment(), without_packages)
    assert answer.exit_code == 51
    assert "psycopg2" in answer.words
    assert "Traceback" not in answer.words
