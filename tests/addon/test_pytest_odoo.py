"""pytest-odoo, the developer's convenience, runs the same tests."""

import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.addon.conftest import Installation
from tests.addon.odoo_lane import ADDON, ADDONS

LEAST_TESTS = 90

pytestmark = pytest.mark.slow


def test_it_collects_and_passes(installation: Installation, tmp_path: Path) -> None:
    lane = installation.lane
    report = tmp_path / "report.xml"
    # The checkout's own settings keep pytest-odoo out; this child is for it alone.
    run = lane.child(
        [
            *(str(lane.odoo.python), "-P", "-m", "pytest", str(ADDONS / ADDON / "tests")),
            *("-c", os.devnull, f"--rootdir={ADDONS}", "-p", "no:cacheprovider"),
            *("--odoo-http", f"--odoo-config={lane.configuration}"),
            *(f"--odoo-database={lane.database}", f"--junit-xml={report}"),
        ]
    )
    assert run.returncode == 0, run.stdout[-5000:]
    # Not foreign text: our own child wrote it a moment ago.
    suite = next(ElementTree.parse(report).getroot().iter("testsuite"))  # noqa: S314
    assert int(suite.get("tests", "0")) >= LEAST_TESTS
    assert [suite.get(name) for name in ("failures", "errors", "skipped")] == ["0", "0", "0"]
