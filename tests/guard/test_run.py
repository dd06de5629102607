"""`run`: begin, the devkit's script in both its orders, finish; and the way back."""

import base64
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.receipt import RECEIPT_NAME, CommandRun, Outcome, Receipt
from launchplane_lane_contracts.vocabulary import DataSource, RowState
from launchplane_lane_guard import begin as begin_module
from launchplane_lane_guard import run as run_module
from tests.guard import fingerprint
from tests.guard.child import PROGRAM, Answer
from tests.guard.devkit_lane import COMMAND, DevkitLane, end, is_alive, until
from tests.guard.estate import Estate, refused

BOTH_ORDERS = pytest.mark.parametrize("order", ["older", "newer"])
# What another test shows in nearly the same way waits for the full run.
NEWER_FIRST = pytest.mark.parametrize(
    "order", [pytest.param("older", marks=pytest.mark.full), "newer"]
)


@pytest.fixture
def devkit(lane: Estate) -> DevkitLane:
    """An enrolled lane that may be rebuilt from empty and from its old server."""
    return DevkitLane(lane)


@pytest.fixture
def ended() -> Iterator[list[int]]:
    """Processes that must not be left when the test is over."""
    left: list[int] = []
    yield left
    for process in left:
        end(process)


def ended_well(answer: Answer, permit: Permit) -> None:
    assert answer.exit_code == 0, answer.words
    assert answer.receipt is not None
    assert answer.receipt.outcome is Outcome.DONE
    assert answer.receipt.ran == CommandRun(exit_code=0)
    assert (answer.receipt.nonce, answer.receipt.permit_id) == (permit.nonce, permit.permit_id)
    reading = answer.receipt.reading
    assert reading is not None
    assert reading.database.marker_row is not None
    assert reading.database.marker_row.state is RowState.PENDING


def ended_badly(answer: Answer, code: int) -> None:
    """The command failed, and the guard did its part."""
    assert answer.exit_code == code, answer.words
    assert answer.receipt is not None
    assert answer.receipt.outcome is Outcome.COMMAND_FAILED
    assert answer.receipt.ran == CommandRun(exit_code=code)


def not_even_begun(devkit: DevkitLane, answer: Answer, before: fingerprint.Everything) -> None:
    """Nothing was begun, and the script was not started."""
    assert devkit.lane.everything() == before
    assert answer.receipt is not None
    assert answer.receipt.ran is None
    assert not devkit.lane.show().keep.begun


def is_unfinished(answer: Answer) -> None:
    """The lane is left visibly unfinished, and the way back is offered."""
    assert "unfinished" in answer.words
    assert "lane-authority undo" in answer.words


# -- with the permit -------------------------------------------------------------------


@NEWER_FIRST
def test_an_empty_lane(devkit: DevkitLane, order: str) -> None:
    lane = devkit.lane
    permit, old = lane.permit(), lane.data()
    answer = devkit.run(lane.sign(permit), "--bootstrap", DEVKIT_ORDER=order)
    ended_well(answer, permit)
    assert devkit.whose() == "layer"
    assert lane.kept_data(permit.kept_name).oid == old.oid
    assert lane.kept_data(permit.kept_name).rows == old.rows
    assert lane.kept_data(permit.kept_name).files == old.files
    assert not devkit.lock_file.exists()


@BOTH_ORDERS
def test_a_restore_from_upstream(devkit: DevkitLane, order: str) -> None:
    lane = devkit.lane
    permit, old = lane.permit(DataSource.UPSTREAM_RESTORE), lane.data()
    answer = devkit.run(lane.sign(permit), DEVKIT_ORDER=order)
    ended_well(answer, permit)
    assert devkit.whose() == "upstream"
    assert (lane.filestore / "whose").read_text() == "upstream"
    assert lane.kept_data(permit.kept_name).rows == old.rows
    assert lane.kept_data(permit.kept_name).files == old.files


@pytest.mark.parametrize(
    "flag",
    ["--update-only", pytest.param("--post-deploy-maintenance", marks=pytest.mark.full)],
)
def test_existing_data_stays(devkit: DevkitLane, flag: str) -> None:
    lane = devkit.lane
    permit, oid = lane.permit(DataSource.EXISTING), lane.data().oid
    ended_well(devkit.run(lane.sign(permit), flag), permit)
    assert (lane.data().oid, devkit.whose()) == (oid, "old")


def test_kept_data_comes_back(devkit: DevkitLane) -> None:
    lane = devkit.lane
    old = lane.data()
    _first, kept = lane.rebuild()
    permit = lane.permit(DataSource.KEPT, kept=kept)
    ended_well(devkit.run(lane.sign(permit), "--update-only"), permit)
    assert (lane.data().oid, devkit.whose()) == (old.oid, "old")


# -- what is refused before anything is begun ------------------------------------------


def test_without_a_permit(devkit: DevkitLane) -> None:
    before = devkit.lane.everything()
    for token in ("", "forged"):
        answer = devkit.run(token, "--bootstrap")
        assert answer.exit_code in (2, 50)
        assert answer.receipt is not None
        assert answer.receipt.ran is None
        (devkit.lane.folder / "permit").unlink()
        not_even_begun(devkit, answer, before)
    answer = devkit.lane.start_with(
        ["run", "--", *COMMAND, "--bootstrap"], "", **devkit.variables()
    ).wait()
    assert answer.exit_code == 2
    assert devkit.lane.everything() == before


def test_with_another_lanes_permit(devkit: DevkitLane) -> None:
    lane = devkit.lane
    other = lane.lane.model_copy(update={"instance": "prod"})
    token = lane.sign(lane.permit().model_copy(update={"lane": other}))
    (lane.folder / "permit").write_text(token)
    before = lane.everything()
    answer = devkit.run(token, "--bootstrap")
    refused(answer, "environment_other_lane")
    not_even_begun(devkit, answer, before)


OTHER: list[tuple[DataSource, list[str], dict[str, str | None], str]] = [
    (DataSource.EMPTY, [], {}, "command_differs"),
    (DataSource.EMPTY, ["--update-only"], {}, "command_differs"),
    (DataSource.EMPTY, ["--bootstrap", "--order", "older"], {}, "command_differs"),
    (DataSource.EXISTING, ["--bootstrap"], {}, "command_differs"),
    (DataSource.EXISTING, [], {}, "command_differs"),
    (DataSource.BACKUP_RESTORE, [], {}, "command_differs"),
    (DataSource.UPSTREAM_RESTORE, ["--bootstrap"], {}, "command_differs"),
    (DataSource.UPSTREAM_RESTORE, [], {"BOOTSTRAP": "1"}, "command_differs"),
    (DataSource.UPSTREAM_RESTORE, [], {"odoo_db_name": "other"}, "command_differs"),
    (DataSource.UPSTREAM_RESTORE, [], {"ODOO_UPSTREAM_DB_NAME": "layer"}, "source_differs"),
    (
        DataSource.UPSTREAM_RESTORE,
        [],
        {"ODOO_UPSTREAM_DB_NAME": "lane"},
        "source_is_the_lane_itself",
    ),
]


def test_with_other_flags_or_settings(devkit: DevkitLane) -> None:
    for source, flags, changed, code in OTHER:
        token = devkit.lane.sign(devkit.lane.permit(source))
        (devkit.lane.folder / "permit").write_text(token)
        before = devkit.lane.everything()
        answer = devkit.run(token, *flags, **changed)
        refused(answer, code)
        not_even_begun(devkit, answer, before)


def test_a_command_that_is_missing(devkit: DevkitLane) -> None:
    lane = devkit.lane
    answer = lane.start_with(["run", "--permit", "-"], "token", **devkit.variables()).wait()
    assert answer.exit_code == 2
    assert lane.start_with(["show", "--", "ls"], "", **devkit.variables()).wait().exit_code == 2


def test_while_another_run_holds_the_lock(devkit: DevkitLane) -> None:
    token = devkit.lane.sign(devkit.lane.permit())
    (devkit.lane.folder / "permit").write_text(token)
    devkit.lock_file.touch()
    before = devkit.lane.everything()
    answer = devkit.run(token, "--bootstrap")
    assert answer.exit_code == 52
    not_even_begun(devkit, answer, before)
    devkit.lock_file.unlink()
    assert devkit.run(token, "--bootstrap").exit_code == 0


# -- a command that fails --------------------------------------------------------------


def stands_as_before(devkit: DevkitLane, old: fingerprint.Data) -> None:
    """The lane's data stands where it stood, and nothing is unfinished."""
    lane = devkit.lane
    assert lane.data() == old
    assert lane.takes_connections()
    assert all(each.ended for each in lane.show().keep.begun)
    # Its next rebuild is one like any other.
    assert devkit.run(lane.sign(lane.permit()), "--bootstrap").exit_code == 0


@NEWER_FIRST
def test_an_upstream_that_cannot_be_read(devkit: DevkitLane, order: str) -> None:
    lane = devkit.lane
    token, old = lane.sign(lane.permit(DataSource.UPSTREAM_RESTORE)), lane.data()
    answer = devkit.run(token, DEVKIT_ORDER=order, ODOO_UPSTREAM_DB_PORT="1")
    ended_badly(answer, 10)
    assert "taken back" in answer.words
    stands_as_before(devkit, old)


@pytest.mark.parametrize(
    ("flags", "code"),
    [([], 10), pytest.param(["--bootstrap"], 20, marks=pytest.mark.full)],
)
def test_a_death_before_anything_stands_there(
    devkit: DevkitLane, flags: list[str], code: int
) -> None:
    lane = devkit.lane
    source = DataSource.EMPTY if flags else DataSource.UPSTREAM_RESTORE
    token, old = lane.sign(lane.permit(source)), lane.data()
    ended_badly(devkit.run(token, *flags, DEVKIT_FAIL_AFTER="drop"), code)
    stands_as_before(devkit, old)


def test_a_command_that_cannot_be_started(devkit: DevkitLane) -> None:
    lane = devkit.lane
    token, old = lane.sign(lane.permit()), lane.data()
    command = ("/nowhere/script.py", "--bootstrap")
    answer = devkit.checked(devkit.start_command(token, command).wait())
    assert answer.exit_code == 51
    assert "taken back" in answer.words
    stands_as_before(devkit, old)


@pytest.mark.parametrize(
    ("order", "flags", "step", "code"),
    [
        ("older", [], "restore", 10),
        ("newer", ["--bootstrap"], "create", 20),
        pytest.param("newer", [], "create", 10, marks=pytest.mark.full),
        pytest.param("older", [], "create", 10, marks=pytest.mark.full),
        pytest.param("newer", [], "restore", 10, marks=pytest.mark.full),
        pytest.param("newer", [], "install", 40, marks=pytest.mark.full),
        pytest.param("older", [], "install", 40, marks=pytest.mark.full),
        pytest.param("older", ["--bootstrap"], "create", 20, marks=pytest.mark.full),
        pytest.param("older", ["--bootstrap"], "install", 20, marks=pytest.mark.full),
        pytest.param("newer", ["--bootstrap"], "install", 20, marks=pytest.mark.full),
    ],
)
def test_a_death_when_something_stands_there(
    devkit: DevkitLane, order: str, flags: list[str], step: str, code: int
) -> None:
    lane = devkit.lane
    source = DataSource.EMPTY if flags else DataSource.UPSTREAM_RESTORE
    permit, old = lane.permit(source), lane.data()
    answer = devkit.run(lane.sign(permit), *flags, DEVKIT_ORDER=order, DEVKIT_FAIL_AFTER=step)
    ended_badly(answer, code)
    is_unfinished(answer)
    assert permit.kept_name in answer.words
    assert lane.kept_data(permit.kept_name).rows == old.rows
    undone_gives_back(devkit, permit, old)


def undone_gives_back(devkit: DevkitLane, permit: Permit, old: fingerprint.Data) -> None:
    """One command more, and the old data stands there as it was."""
    lane = devkit.lane
    lane.done("undo", lane.sign(lane.undo_order(permit)))
    assert lane.data() == old


def test_existing_data_that_failed_to_change_is_not_undone(devkit: DevkitLane) -> None:
    lane = devkit.lane
    token, oid = lane.sign(lane.permit(DataSource.EXISTING)), lane.data().oid
    changed: dict[str, str | None] = {
        "ODOO_COMMAND": '["false"]',
        "ODOO_INSTALL_MODULES": "sale",
    }
    answer = devkit.run(token, "--update-only", **changed)
    ended_badly(answer, 40)
    assert "unfinished" in answer.words
    assert "stayed where it was" in answer.words
    assert lane.data().oid == oid


def test_a_result_that_is_not_as_permitted(devkit: DevkitLane) -> None:
    """The command reports success, and what stands there says otherwise."""
    lane = devkit.lane
    permit, old = lane.permit(), lane.data()
    changed: dict[str, str | None] = {
        "ODOO_COMMAND": f'["sh", "-c", "rm -r {lane.filestore}"]',
        "ODOO_INSTALL_MODULES": "sale",
    }
    answer = devkit.run(lane.sign(permit), "--bootstrap", **changed)
    refused(answer, "result_not_as_permitted")
    assert answer.receipt is not None
    assert answer.receipt.outcome is Outcome.REFUSED
    assert answer.receipt.ran == CommandRun(exit_code=0)
    is_unfinished(answer)
    undone_gives_back(devkit, permit, old)


# -- signals and kills -----------------------------------------------------------------


def test_a_killed_script(devkit: DevkitLane, ended: list[int]) -> None:
    lane = devkit.lane
    permit, old = lane.permit(), lane.data()
    running = devkit.start(lane.sign(permit), "--bootstrap", **devkit.waiting_odoo())
    script, program = devkit.wait_until_it_waits()
    ended += [script, program]
    os.kill(script, signal.SIGKILL)
    answer = devkit.checked(running.wait())
    ended_badly(answer, 137)
    is_unfinished(answer)
    # What the script had started does not go on behind the guard's back.
    assert not is_alive(program)
    undone_gives_back(devkit, permit, old)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGINT, marks=pytest.mark.full),
        pytest.param(signal.SIGHUP, marks=pytest.mark.full),
        pytest.param(signal.SIGQUIT, marks=pytest.mark.full),
    ],
)
def test_a_signal_before_anything_stands_there(
    devkit: DevkitLane, ended: list[int], number: signal.Signals
) -> None:
    lane = devkit.lane
    token, old = lane.sign(lane.permit(DataSource.UPSTREAM_RESTORE)), lane.data()
    running = devkit.start(token, **devkit.waiting_dump())
    script, program = devkit.wait_until_it_waits()
    ended += [script, program]
    os.kill(running.process, number)
    answer = running.wait()
    # Python's own words when it is interrupted are the script's, not the guard's.
    assert answer.exit_code == 128 + number, answer.words
    assert "taken back" in answer.words
    assert not is_alive(script)
    assert not is_alive(program)
    devkit.lock_file.unlink(missing_ok=True)
    stands_as_before(devkit, old)


def test_a_signal_when_something_stands_there(devkit: DevkitLane, ended: list[int]) -> None:
    lane = devkit.lane
    permit, old = lane.permit(), lane.data()
    running = devkit.start(lane.sign(permit), "--bootstrap", **devkit.waiting_odoo())
    script, program = devkit.wait_until_it_waits()
    ended += [script, program]
    os.kill(running.process, signal.SIGTERM)
    answer = devkit.checked(running.wait())
    ended_badly(answer, 143)
    is_unfinished(answer)
    undone_gives_back(devkit, permit, old)


def test_a_killed_guard_takes_the_script_with_it(devkit: DevkitLane, ended: list[int]) -> None:
    lane = devkit.lane
    permit, old = lane.permit(DataSource.UPSTREAM_RESTORE), lane.data()
    running = devkit.start(lane.sign(permit), **devkit.waiting_dump())
    script, program = devkit.wait_until_it_waits()
    ended += [script, program]
    running.kill()
    assert running.wait().exit_code == -signal.SIGKILL
    # Else it would go on, fail, and drop what an undo has put back meanwhile.
    until(lambda: not is_alive(script))
    assert lane.kept_data(permit.kept_name).rows == old.rows
    assert [each.ended for each in lane.show().keep.begun] == [False]
    undone_gives_back(devkit, permit, old)


def test_a_signal_while_it_begins(devkit: DevkitLane, monkeypatch: pytest.MonkeyPatch) -> None:
    lane = devkit.lane
    token, old = lane.sign(lane.permit()), lane.data()

    def begin_and_signal(*arguments: object) -> object:
        answer = begin_module.begin(*arguments)  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGTERM)
        return answer

    monkeypatch.setattr(run_module, "begin", begin_and_signal)
    answer = devkit.run(token, "--bootstrap")
    assert answer.exit_code == 51
    assert "told to stop" in answer.words
    assert answer.receipt is not None
    assert answer.receipt.ran is None
    monkeypatch.undo()
    stands_as_before(devkit, old)


def test_a_begin_that_cannot_be_taken_back_is_told(
    devkit: DevkitLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = devkit.lane
    permit, old = lane.permit(), lane.data()

    def no_abort(*_arguments: object) -> object:
        raise OSError("no room")

    monkeypatch.setattr(run_module, "abort", no_abort)
    answer = devkit.run(lane.sign(permit), "--bootstrap", DEVKIT_FAIL_AFTER="drop")
    ended_badly(answer, 20)
    assert "could not be taken back" in answer.words
    assert "no room" in answer.words
    is_unfinished(answer)
    undone_gives_back(devkit, permit, old)


def test_the_scripts_words_and_the_receipt_share_the_log(devkit: DevkitLane) -> None:
    lane = devkit.lane
    token = lane.sign(lane.permit())
    program = [*PROGRAM, "run", "--permit", "-", "--", *COMMAND, "--bootstrap"]
    done = subprocess.run(
        program,
        input=token,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=lane.environment(**devkit.variables()),
        check=False,
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout
    assert "[devkit] done" in lines
    (receipt,) = (line for line in lines if line.startswith(f"{RECEIPT_NAME}="))
    assert lines.index(receipt) > lines.index("[devkit] done")
    read = Receipt.from_json(base64.b64decode(receipt.partition("=")[2], validate=True))
    assert read.ran == CommandRun(exit_code=0)


def test_bare_without_the_guard_the_data_is_lost(devkit: DevkitLane) -> None:
    """The same script, planted off: here it must do its harm."""
    lane = devkit.lane
    old = lane.data()
    environment = lane.environment(**devkit.variables())
    subprocess.run([*COMMAND, "--bootstrap"], env=environment, check=True)
    assert devkit.whose() == "layer"
    assert old.oid not in {each.oid for each in fingerprint.databases(lane.cluster).values()}
