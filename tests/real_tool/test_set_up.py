"""The set-up is quick when nothing is to do, and says which Python it needs."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SET_UP = CHECKOUT / "tests" / "real" / "setup.py"


def set_up(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [getattr(sys, "_base_executable", sys.executable), "-I", str(SET_UP)],
        env={**os.environ, **variables},
        check=False,
        capture_output=True,
        text=True,
    )


def test_nothing_to_do_is_quick_and_quiet() -> None:
    set_up()
    began = time.monotonic()
    again = set_up()
    assert time.monotonic() - began < 1.0
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_a_python_that_does_not_run_is_named() -> None:
    told = set_up(PYTHON="/nonexistent/python3")
    assert told.returncode != 0
    assert "PYTHON names /nonexistent/python3, which does not run." in told.stderr
    assert "3.11, 3.12 or 3.13" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_python_of_another_version_is_refused(tmp_path: Path) -> None:
    old = tmp_path / "python-old"
    old.write_text("#!/bin/sh\necho 3 9\n")
    old.chmod(0o755)
    told = set_up(PYTHON=str(old))
    assert told.returncode != 0
    assert f"PYTHON names {old}, which is Python 3.9." in told.stderr


@pytest.mark.parametrize("listed", ["requirements-odoo.txt"])
def test_requirements_are_names_that_pip_understands(listed: str) -> None:
    from packaging.requirements import Requirement

    lines = (CHECKOUT / "tests" / "real" / listed).read_text().splitlines()
    assert [Requirement(line).name for line in lines if not line.startswith("#")]
