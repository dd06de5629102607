"""`decide`: cases from a file or a pipe, one answer a line, without a host."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from launchplane_lane_contracts.decision_case import CaseAnswer, DecisionCase
from launchplane_lane_contracts.vocabulary import DataSource, Operation
from launchplane_lane_driver.command_line import main
from launchplane_lane_driver.commands import decide_command
from tests.contracts.cases import Case, allowed_case

PAIR = (Operation.RESTORE, DataSource.KEPT)
Said = pytest.CaptureFixture[str]


def a_line(case: Case) -> str:
    """The case as it is written."""
    return (
        DecisionCase(
            policy=case.policy, request=case.request, observation=case.observation, now=case.now
        )
        .canonical()
        .decode()
    )


ALLOWED = a_line(allowed_case(*PAIR))
REFUSED = a_line(allowed_case(*PAIR).change("policy", None))


def decided(folder: Path, capsys: Said, lines: list[str], *options: str) -> tuple[int, str]:
    """The exit code and what was said."""
    file = folder / "cases.jsonl"
    file.write_text("\n".join(lines))
    code = main(["decide", str(file), *options])
    return code, capsys.readouterr().out


def answers(said: str) -> list[CaseAnswer]:
    """The answers in what was said."""
    return [CaseAnswer.from_json(line) for line in said.splitlines()]


def test_one_answer_a_line_in_order_and_the_rest_go_on(tmp_path: Path, capsys: Said) -> None:
    code, said = decided(tmp_path, capsys, [ALLOWED, "{", "", REFUSED, ALLOWED])
    assert code == 2
    found = [(each.line, each.decision and each.decision.allowed) for each in answers(said)]
    assert found == [(1, True), (2, None), (4, False), (5, True)]


def test_exit_codes(tmp_path: Path, capsys: Said) -> None:
    for lines, options, code in (
        ([ALLOWED, REFUSED], (), 0),
        ([ALLOWED], ("--expect", "allow"), 0),
        ([ALLOWED], ("--expect", "refuse"), 50),
        ([REFUSED], ("--expect", "refuse"), 0),
        ([REFUSED, ALLOWED], ("--expect", "allow"), 50),
        ([REFUSED, "x"], ("--expect", "allow"), 2),
        ([ALLOWED, "x"], (), 2),
        ([], (), 2),
        (["", " "], ("--expect", "refuse"), 2),
    ):
        assert decided(tmp_path, capsys, lines, *options)[0] == code, (lines, options)
    assert main(["decide", str(tmp_path / "gone")]) == 2


def test_a_policy_is_tried_on_cases_before_it_is_live(tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "new.toml").write_text('lane = "a/b/c"\nrollout_state = "production"\n')
    options = ("--policy", str(tmp_path / "new.toml"), "--expect", "refuse")
    code, said = decided(tmp_path, capsys, [ALLOWED], *options)
    assert code == 0
    assert "policy_unknown" in said
    (tmp_path / "new.toml").write_text('lane = "x"')
    assert decided(tmp_path, capsys, [ALLOWED], *options)[0] == 2


def test_in_words(tmp_path: Path, capsys: Said) -> None:
    _, said = decided(tmp_path, capsys, [REFUSED, "x"], "--explain", "--expect", "allow")
    assert "Line 1: REFUSED, for one reason" in said
    assert "That is not as expected." in said
    assert "Line 2: this is no case.\n  it is not JSON" in said


def test_a_line_that_is_too_long(
    tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide_command, "LONGEST_LINE", len(ALLOWED) + 1)
    much = "x" * (3 * len(ALLOWED))
    code, said = decided(tmp_path, capsys, [much, ALLOWED, much])
    assert code == 2
    assert [(each.line, bool(each.mistakes)) for each in answers(said)] == [
        (1, True),
        (2, False),
        (3, True),
    ]
    assert "longer than" in answers(said)[0].mistakes[0].problem


def program(*options: str) -> list[str]:
    """The command line of a process of its own."""
    return [sys.executable, "-m", "launchplane_lane_driver.command_line", "decide", *options]


def test_each_case_is_answered_before_the_next_is_read() -> None:
    with subprocess.Popen(program(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number, line in enumerate((ALLOWED, REFUSED), start=1):
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["line"] == number
        process.stdin.close()
        assert process.wait(60) == 0


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    with subprocess.Popen(
        program(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(ALLOWED.encode() + b"\n")
        process.stdin.close()
        said = process.stderr.read().decode()
        assert process.wait(60) == 51
    assert "their reader has ended" in said
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


@pytest.mark.slow
def test_memory_stays_flat(tmp_path: Path) -> None:
    """Cases that take far more room than the process may have are decided all the same."""
    file = tmp_path / "cases.jsonl"
    room = 160 * 1024 * 1024
    with file.open("w") as written:
        padded = REFUSED + " " * 1_000_000 + "\n"
        for _ in range(room // len(padded) * 5 // 4):
            written.write(padded)

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (room, room))

    done = subprocess.run(
        program(str(file), "--expect", "refuse"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=bounded,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-2000:]
