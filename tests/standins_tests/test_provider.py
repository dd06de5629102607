"""The provider's stand-in: what comes back from a child, and what is left of it."""

import os
import sys
import time
from pathlib import Path

from tests.standins.provider import run_child


def test_only_the_last_thousand_lines_come_back() -> None:
    code, log = run_child((sys.executable, "-c", "for i in range(1500): print(i)"), {})
    assert (code, len(log), log[0], log[-1]) == (0, 1000, "500", "1499")


def test_a_child_that_takes_too_long_is_ended_with_its_own_children(tmp_path: Path) -> None:
    noted = tmp_path / "process"
    script = f"sleep 60 & echo $! > {noted}; wait"
    code, _log = run_child(("sh", "-c", script), {"PATH": os.defpath}, time_limit=0.5)
    assert code == -9
    deadline = time.monotonic() + 5
    while is_running(int(noted.read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(int(noted.read_text()))


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
