"""No line and no branch of the contracts is left untaken by their quick tests."""

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = "launchplane_lane_contracts"
CHECKOUT = Path(__file__).parents[2]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a module of this Python in the checkout."""
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_the_quick_tests_take_every_branch(tmp_path: Path) -> None:
    """In a process of its own: this one imported the contracts before anything could watch."""
    data = f"--data-file={tmp_path / 'coverage'}"
    tests = run(
        *("coverage", "run", data, "--branch", f"--source={PACKAGE}"),
        *("-m", "pytest", str(Path(__file__).parent), "-q", "-m", "not slow"),
    )
    assert tests.returncode == 0, tests.stdout
    report = run("coverage", "report", data, "--show-missing", "--skip-covered", "--fail-under=100")
    assert report.returncode == 0, f"not covered by any quick test:\n{report.stdout}"
