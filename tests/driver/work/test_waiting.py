"""Commands that ask a lane tell a person what they wait for; operations are completed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from launchplane_lane_driver.command_line import main
from launchplane_lane_driver.commands import progress
from tests.driver.small_host import RITA, SmallHost, SmallLane

PROGRAM = Path(sys.executable).with_name("lane-authority")


def test_who_asks_a_lane_says_so(
    host: SmallHost,
    lane: SmallLane,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    name = str(lane.lane)
    begun = host.begin(lane).operation_id
    # Long before the guard or a store has answered.
    monkeypatch.setattr(progress, "SECONDS_WITHOUT_A_WORD", 0)
    monkeypatch.setenv("LANE_AUTHORITY_HOST_DIRECTORY", str(host.directory))
    monkeypatch.setenv("LANE_AUTHORITY_PERSON", RITA)
    for words in (
        ("lanes",),
        ("lane", name),
        ("plan", name, "recreate/existing"),
        ("finish", begun, "--wait", "0"),
        ("settle", begun, "--as-it-stands"),
        ("retry", begun),
        ("abort", begun),
        ("undo", begun),
        ("adopt", name, "--reason", "x"),
        ("restamp", name),
        ("lost", name, "--reason", "x"),
        ("release", "--due"),
        ("kept-data", "open", name),
        ("keys", "list"),
        ("reconcile",),
        ("doctor",),
    ):
        capfd.readouterr()
        assert main(words) in (0, 50, 51), words
        assert " ...\n" in capfd.readouterr().err, words
        if "--wait" not in words and words[0] in ("keys", "release", "adopt"):
            main((*words, "--json"))
            assert " ...\n" not in capfd.readouterr().err, words


def test_operations_that_hold_a_lane_are_completed(host: SmallHost, lane: SmallLane) -> None:
    def completed(line: str, shell: str = "bash") -> list[str]:
        found = subprocess.run(
            [PROGRAM],
            env={
                **os.environ,
                "_LANE_AUTHORITY_COMPLETE": f"{shell}_complete",
                "COMP_WORDS": line,
                "COMP_CWORD": str(len(line.split()) - (0 if line.endswith(" ") else 1)),
                "LANE_AUTHORITY_HOST_DIRECTORY": str(host.directory),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        return re.findall(r"^plain,(.*)$", found.stdout, re.MULTILINE)

    over = host.rebuild(lane).operation_id
    held = host.authorize(lane).operation_id
    assert completed("lane-authority start op-") == [held]
    assert completed("lane-authority undo ") == [held]
    assert completed(f"lane-authority undo {over}") == []
    host.host.head_file.write_text("nonsense")
    assert completed("lane-authority undo op-") == []
