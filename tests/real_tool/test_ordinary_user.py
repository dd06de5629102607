"""What an ordinary user is told on a machine that lacks things: one line, no traceback."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SUITABLE = "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"


def as_nobody(command: list[str]) -> list[str]:
    """The command as the user nobody, when we are root; else as we are."""
    if os.geteuid() != 0:
        return command
    setpriv = shutil.which("setpriv")
    assert setpriv is not None
    return [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", "--", *command]


@pytest.fixture
def open_checkout() -> Iterator[Path]:
    """A copy of the tool that everybody may read; the checkout may be in a closed home."""
    with tempfile.TemporaryDirectory(prefix="lane-ordinary-", dir="/tmp") as folder:
        copy = Path(folder)
        copy.chmod(0o755)
        (copy / "tests").mkdir()
        shutil.copy(CHECKOUT / "tests" / "__init__.py", copy / "tests")
        shutil.copytree(
            CHECKOUT / "tests" / "real",
            copy / "tests" / "real",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        (copy / "empty").mkdir()
        yield copy


@pytest.fixture
def python() -> str:
    """A Python that the ordinary user may run; one in root's home is closed to him."""
    for candidate in (os.path.realpath("/usr/bin/python3"), shutil.which("python3")):
        if candidate is None:
            continue
        tried = subprocess.run(
            as_nobody([candidate, "-c", SUITABLE]), check=False, capture_output=True
        )
        if tried.returncode == 0:
            return candidate
    pytest.skip("no Python 3.11 to 3.13 that another user may run")


def doctor(python: str, checkout: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        as_nobody([python, "-B", "-m", "tests.real", "doctor"]),
        cwd=checkout,
        env={"PATH": str(checkout / "empty"), "HOME": "/nonexistent", **variables},
        check=False,
        capture_output=True,
        text=True,
    )


def test_the_one_line_that_installs_everything(python: str, open_checkout: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as cache:
        Path(cache).chmod(0o777)
        told = doctor(python, open_checkout, LANE_AUTHORITY_CACHE=cache)
    lines = [line for line in told.stdout.splitlines() if "apt-get install" in line]
    assert told.returncode == 1
    assert len(lines) == 1
    assert " rsync" in lines[0]
    assert " openssh-client" in lines[0]
    assert "chromium" not in lines[0]
    assert "Traceback" not in told.stderr + told.stdout


def test_a_home_that_does_not_exist(python: str, open_checkout: Path) -> None:
    told = doctor(python, open_checkout)
    assert told.returncode == 1
    assert "Set LANE_AUTHORITY_CACHE to a folder that you can write to." in told.stdout
    assert "Traceback" not in told.stderr + told.stdout


def test_preparing_says_the_same(python: str, open_checkout: Path) -> None:
    told = subprocess.run(
        as_nobody([python, "-B", "-m", "tests.real", "prepare"]),
        cwd=open_checkout,
        env={"PATH": str(open_checkout / "empty"), "HOME": "/nonexistent"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 1
    assert "sudo apt-get install" in told.stderr
    assert "Traceback" not in told.stderr
