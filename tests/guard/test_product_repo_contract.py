"""The page for those who keep a product's repository: its script does what the page says."""

import re
import sys
from pathlib import Path

import pytest

from launchplane_lane_contracts.errors import ExitCode
from launchplane_lane_contracts.vocabulary import DataSource, RowState
from launchplane_lane_guard.settings import (
    DECLARATION_VARIABLE,
    KEEP_VARIABLE,
    PUBLIC_KEYS_VARIABLE,
)
from tests.guard.child import Answer
from tests.guard.devkit_lane import DevkitLane
from tests.guard.estate import Estate
from tests.standins.devkit import Answer as DevkitAnswer

PAGE = (Path(__file__).parents[2] / "docs" / "product-repo-contract.md").read_text()
(SCRIPT,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def devkit(lane: Estate) -> DevkitLane:
    """A lane that may be restored from its old server, and the script of the page."""
    made = DevkitLane(lane)
    (lane.folder / "run_odoo_data_workflows.py").write_text(SCRIPT)
    return made


def run(devkit: DevkitLane, token: str, **changed: str | None) -> Answer:
    command = (sys.executable, "-u", str(devkit.lane.folder / "run_odoo_data_workflows.py"))
    variables = devkit.variables(PYTHONPATH=":".join(sys.path), **changed)
    return devkit.checked(devkit.start_command(token, command, **variables).wait())


def test_the_script_of_the_page_restores_what_is_permitted(devkit: DevkitLane) -> None:
    lane = devkit.lane
    permit, old = lane.permit(DataSource.UPSTREAM_RESTORE), lane.data()
    answer = run(devkit, lane.sign(permit))
    assert answer.exit_code == 0, answer.words
    assert devkit.whose() == "upstream"
    assert lane.kept_data(permit.kept_name).rows == old.rows
    row = lane.show().database.marker_row
    assert row is not None
    assert (row.state, row.nonce) == (RowState.PENDING, permit.nonce)


def test_and_nothing_else(devkit: DevkitLane) -> None:
    lane = devkit.lane
    permit, old = lane.permit(DataSource.UPSTREAM_RESTORE), lane.data()
    answer = run(devkit, lane.sign(permit), ODOO_UPSTREAM_DB_NAME="another")
    assert answer.exit_code == ExitCode.REFUSED
    assert lane.data() == old


def test_demote_finds_the_permit_that_has_begun(production: Estate) -> None:
    lane = production
    assert lane.start_with(["demote"], "").wait().exit_code == ExitCode.REFUSED
    permit = lane.permit(DataSource.BACKUP_RESTORE)
    lane.done("begin", lane.sign(permit))
    lane.materialise()
    assert lane.start_with(["demote"], "").wait().exit_code == 0
    row = lane.show().database.marker_row
    assert row is not None
    assert (row.state, row.nonce) == (RowState.PENDING, permit.nonce)


def test_every_exit_code_and_variable_stands_on_the_page() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \|", PAGE, re.MULTILINE)
    told = {int(each) for row in rows for each in row.split(",")}
    assert told == {*map(int, ExitCode), *map(int, DevkitAnswer)}
    for name in (DECLARATION_VARIABLE, KEEP_VARIABLE, PUBLIC_KEYS_VARIABLE):
        assert name in PAGE
