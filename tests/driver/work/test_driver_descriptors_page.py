"""The page for authors of drivers: its tables are the descriptor's, and its driver vetoes."""

import configparser
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_driver.descriptor import ACTIONS, CAPABILITIES
from launchplane_lane_driver.host import DriverHost
from tests.driver.small_host import SmallHost, SmallLane, untouched

PAGE = (Path(__file__).parents[3] / "docs" / "driver-descriptors.md").read_text()
(EXAMPLE,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FRIDAY, SATURDAY = datetime(2026, 11, 27, tzinfo=UTC), datetime(2026, 11, 28, tzinfo=UTC)
EFFECT = "stable_bootstrap_schedule"


def test_the_tables_are_the_descriptors() -> None:
    actions = re.findall(r"^\| `(\w+)` \| `(\w+)` \| \w", PAGE, re.MULTILINE)
    assert dict(actions) == {each.action_id: each.safety.value for each in ACTIONS}
    rows = re.findall(r"^\| `(\w+)` \| (`\w+`(?:, `\w+`)*) \|$", PAGE, re.MULTILINE)
    told = {name: tuple(re.findall(r"\w+", words)) for name, words in rows}
    assert told == {each.capability_id: each.actions for each in CAPABILITIES}


def test_the_driver_of_the_page_vetoes_on_fridays_and_is_short(
    host: SmallHost, lane: SmallLane
) -> None:
    assert len(EXAMPLE.rstrip().splitlines()) <= 22
    module = ModuleType("no_fridays")
    exec(compile(EXAMPLE, "driver-descriptors.md", "exec"), vars(module))  # noqa: S102
    today = FRIDAY

    class Calendar(datetime):
        """A clock that stands on one day."""

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return today

    vars(module)["datetime"] = Calendar
    drivers = DriverHost.from_entry_points()
    drivers.register(module, "no-fridays")
    assert {each.label for each in drivers.describe()} >= {"No Fridays"}
    held = host.authorize(lane)
    with untouched(lane), pytest.raises(Refused, match="it is Friday"):
        drivers.before_provider_effect(str(host.directory), lane.lane, EFFECT)
    assert host.phase(held) == "authorized"
    today = SATURDAY
    drivers.before_provider_effect(str(host.directory), lane.lane, EFFECT)
    assert host.phase(held) == "begun"


def test_the_entry_point_of_the_page_is_found_once_it_is_installed(tmp_path: Path) -> None:
    """Laid out as pip installs it; then the host loads it beside our own."""
    (entry_points,) = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    declared = configparser.ConfigParser()
    declared.read_string(entry_points)
    (tmp_path / "no_fridays.py").write_text(EXAMPLE)
    (installed := tmp_path / "no_fridays-1.dist-info").mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: no-fridays\nVersion: 1\n")
    (section,) = declared.sections()
    points = declared[section]["launchplane.drivers"].strip()
    (installed / "entry_points.txt").write_text(f"[launchplane.drivers]\n{points}\n")
    program = (
        "from launchplane_lane_driver.host import DriverHost\n"
        "print(*(each.driver_id for each in DriverHost.from_entry_points().describe()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == {"no-fridays", "odoo-lane-authority"}
