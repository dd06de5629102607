"""The shell completes what there is, and a person hears what is waited for."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from launchplane_lane_driver.commands import progress
from launchplane_lane_driver.host_directory import HostDirectory

PAGE = Path(__file__).parents[2] / "docs" / "setting-up.md"
PROGRAM = Path(sys.executable).with_name("lane-authority")
LANE = "odoo-tenant-cm/cm/prod"


def complete(shell: str, **environment: str) -> str:
    """What the program says to a shell."""
    done = subprocess.run(
        [PROGRAM],
        env={**os.environ, "_LANE_AUTHORITY_COMPLETE": shell, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_page_tells_how_each_shell_is_told(shell: str) -> None:
    assert f"_LANE_AUTHORITY_COMPLETE={shell}_source lane-authority" in PAGE.read_text()
    if shell == "bash" and not Path("/bin/bash").exists():
        pytest.skip("click asks bash for its version")
    assert "lane-authority" in complete(f"{shell}_source")


def test_commands_and_lanes_are_completed(host: HostDirectory) -> None:
    host.configuration_file.write_text(
        f'[[lanes]]\nlane = "{LANE}"\ndatabase = "cm"\nfilestore_path = "/srv/cm"\n'
        'guard_command = ["guard"]\n'
    )

    def words(line: str, **more: str) -> list[str]:
        found = complete(
            "bash_complete",
            COMP_WORDS=line,
            COMP_CWORD=str(len(line.split()) - (0 if line.endswith(" ") else 1)),
            LANE_AUTHORITY_HOST_DIRECTORY=str(host.path),
            **more,
        )
        return re.findall(r"^plain,(.*)$", found, re.MULTILINE)

    assert words("lane-authority doc") == ["doctor"]
    assert words("lane-authority lane odoo") == [LANE]
    host.configuration_file.write_text("lanes = 3")
    assert words("lane-authority lane odoo") == []


def test_what_takes_long_is_said_on_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()

    class Told(Console):
        def print(self, *words: Any, **how: Any) -> None:
            super().print(*words, **how)
            told.set()

    monkeypatch.setattr(progress, "Console", Told)
    monkeypatch.setattr(progress, "SECONDS_WITHOUT_A_WORD", 0.01)
    with progress.waiting_for("Asking [the] lanes", quiet=False):
        assert told.wait(20)
    assert capsys.readouterr() == ("", "Asking [the] lanes ...\n")
    monkeypatch.setattr(progress, "SECONDS_WITHOUT_A_WORD", 60)
    for quiet in (True, False):
        with progress.waiting_for("Asking", quiet=quiet):
            pass
    assert capsys.readouterr() == ("", "")
