"""The page for authors of drivers: its tables are the descriptor's, and its driver vetoes."""

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


def test_once_it_is_installed_as_the_page_says_it_vetoes_by_hand_too(
    host: SmallHost, lane: SmallLane, tmp_path: Path
) -> None:
    (project,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (source := tmp_path / "source").mkdir()
    (source / "pyproject.toml").write_text(project)
    # Whatever day it is.
    (source / "no_fridays.py").write_text(EXAMPLE.replace("!= 4", "not in range(7)"))
    pip = ("-m", "pip", "install", "-q", "-q", "--no-deps", "--no-build-isolation", "--no-index")
    subprocess.run(
        [sys.executable, *pip, "--target", str(tmp_path / "installed"), str(source)], check=True
    )
    held = host.authorize(lane)

    def typed(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "launchplane_lane_driver.command_line", *words],
            env={**host.environment(), "PYTHONPATH": str(tmp_path / "installed")},
            capture_output=True,
            text=True,
            check=False,
        )

    assert "Registered: no-fridays 1, odoo-lane-authority" in typed("doctor").stdout
    with untouched(lane):
        for words in (("start",), ("start", "--permit", str(tmp_path / "permit")), ("retry",)):
            done = typed(*words, held.operation_id)
            assert (done.returncode, "it is Friday" in done.stderr) == (50, True), done
    assert not (tmp_path / "permit").exists()
    assert host.phase(held) == "authorized"
    assert host.operate("start", held.operation_id).code == 0
