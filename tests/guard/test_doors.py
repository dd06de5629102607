"""Every door leads to the same guard, and says the same where something is missing."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from launchplane_lane_contracts.orders import Order
from launchplane_lane_contracts.receipt import RECEIPT_NAME, Outcome, Receipt
from launchplane_lane_guard.commands.registry import COMMANDS
from launchplane_lane_guard.door import NEEDED
from launchplane_lane_guard.door import RECEIPT_NAME as SAME_NAME
from tests.guard.child import Answer, run_program
from tests.guard.doors import DOORS, with_broken, without
from tests.guard.estate import Estate

EACH_DOOR = pytest.mark.parametrize("door", DOORS)


def line_of(answer: Answer) -> Receipt:
    """The one-line receipt among the words."""
    (line,) = (line for line in answer.words.splitlines() if line.startswith(f"{RECEIPT_NAME}="))
    return Receipt.from_json(base64.b64decode(line.partition("=")[2], validate=True))


@EACH_DOOR
def test_each_door_leads_to_the_same_guard(standing: Estate, door: str) -> None:
    answer = run_program(["show"], b"", standing.environment(), DOORS[door])
    assert answer.exit_code == 0, answer.words
    assert answer.receipt is not None
    assert answer.receipt.reading is not None
    seen, expected = answer.receipt.reading, standing.show()
    assert seen.database.marker_row == expected.database.marker_row
    assert seen.lane == standing.lane
    assert line_of(answer).command == "show"


@EACH_DOOR
@pytest.mark.parametrize("missing", NEEDED)
def test_each_missing_package_is_named(
    standing: Estate, tmp_path: Path, door: str, missing: str
) -> None:
    environment = standing.environment(PYTHONPATH=without(tmp_path / "path", missing))
    answer = run_program(["begin", "--order", "-"], b"", environment, DOORS[door])
    assert answer.exit_code == 51, answer.words
    assert missing in answer.words
    assert "Traceback" not in answer.words
    receipt = line_of(answer)
    assert receipt.outcome is Outcome.COULD_NOT_TELL
    assert receipt.command == "begin"
    assert missing in receipt.message


def test_all_of_them_are_named_at_once(standing: Estate, tmp_path: Path) -> None:
    environment = standing.environment(PYTHONPATH=without(tmp_path / "path", *NEEDED))
    answer = run_program(["show"], b"", environment, DOORS["folder"])
    assert answer.exit_code == 51
    assert all(name in answer.words for name in NEEDED)


@EACH_DOOR
def test_a_package_that_does_not_load_is_named(standing: Estate, tmp_path: Path, door: str) -> None:
    environment = standing.environment(PYTHONPATH=with_broken(tmp_path / "p", "psycopg2._psycopg"))
    answer = run_program(["show"], b"", environment, DOORS[door])
    assert answer.exit_code == 51, answer.words
    assert "wrong ELF class" in answer.words
    assert "Traceback" not in answer.words
    assert line_of(answer).outcome is Outcome.COULD_NOT_TELL


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_ends_with_the_receipt(standing: Estate, command: str) -> None:
    takes, follows = COMMANDS[command].takes, COMMANDS[command].runs_a_command
    order = [takes.option, "-"] if takes else []
    rest = ["--", "script.py"] if follows else []
    # Out of reach, so that nothing can come of what asks for no order.
    answer = standing.start_with([command, *order, *rest], "token", ODOO_DB_PORT="1").wait()
    assert answer.receipt is not None
    assert answer.receipt.command == command
    *_words, last = answer.words.splitlines()
    assert last == answer.receipt.line()
    small = answer.receipt.model_copy(update={"reading": None, "result": None})
    assert line_of(answer) == small


def test_the_receipt_repeats_the_orders_nonce(bare: Estate) -> None:
    prepare = bare.prepare_order(bare.data().oid)
    answers: list[tuple[Order, Answer]] = [(prepare, bare.run("prepare", bare.sign(prepare)))]
    assert answers[0][1].receipt is not None
    reading = answers[0][1].receipt.reading
    assert reading is not None
    stamp = bare.stamp_order(reading)
    bare.stamp(stamp)
    answers.append((stamp, bare.run("stamp", bare.sign(stamp))))
    permit = bare.permit()
    token = bare.sign(permit)
    answers.append((permit, bare.run("begin", token)))
    answers.append((permit, bare.run("begin", token)))
    answers.append((permit, bare.run("finish", token)))
    answers.append((permit, bare.run("restore-source", token)))
    undo = bare.undo_order(permit)
    answers.append((undo, bare.run("undo", bare.sign(undo))))
    assert {answer.exit_code for _order, answer in answers} == {0, 50}
    for order, answer in answers:
        assert line_of(answer).nonce == order.nonce


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_nobody_listening_changes_no_answer(standing: Estate, closed: str) -> None:
    reading_end, writing_end = os.pipe()
    os.close(reading_end)
    done = subprocess.run(
        [*DOORS["module"], "show"],
        stdin=subprocess.DEVNULL,
        env=standing.environment(),
        check=False,
        stdout=writing_end if closed == "stdout" else subprocess.PIPE,
        stderr=writing_end if closed == "stderr" else subprocess.PIPE,
    )
    os.close(writing_end)
    assert done.returncode == 0
    assert b"Traceback" not in (done.stderr or b"")


def test_the_receipt_without_contracts_has_every_field(standing: Estate, tmp_path: Path) -> None:
    environment = standing.environment(PYTHONPATH=without(tmp_path / "path", "pydantic"))
    answer = run_program(["show"], b"", environment, DOORS["folder"])
    (line,) = (line for line in answer.words.splitlines() if line.startswith(RECEIPT_NAME))
    fields = json.loads(base64.b64decode(line.partition("=")[2]))
    assert fields.keys() == Receipt.model_fields.keys()
    assert SAME_NAME == RECEIPT_NAME


def test_a_look_needs_no_keys_and_does_not_wait_for_them(standing: Estate) -> None:
    program = (
        "import sys; from launchplane_lane_guard.command_line import main; code = main(['show']); "
        "sys.exit(code or 60 * bool({'jwt', 'cryptography'} & set(sys.modules)))"
    )
    answer = run_program([], b"", standing.environment(), [sys.executable, "-c", program])
    assert answer.exit_code == 0, answer.words
