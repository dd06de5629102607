"""`odoo lane_authority`: found through the addons path, on real Odoo, and the same guard."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.addon.odoo_lane import ADDONS
from tests.guard.child import Answer, run_program
from tests.guard.doors import without
from tests.guard.estate import Estate
from tests.real import PrivateCluster, find_odoo

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """An enrolled lane without Odoo in its database: the door loads no registry."""
    with PrivateCluster() as cluster:
        folder = tmp_path_factory.mktemp("lane")
        yield Estate(cluster, folder, "lane", cluster.odoo).make().enrol()


def through_odoo(lane: Estate, *arguments: str, token: str = "", path: str = "") -> Answer:
    """Run the guard as `odoo lane_authority`."""
    odoo = find_odoo()
    environment = {**odoo.environment(), **lane.environment()}
    environment["PYTHONPATH"] = ":".join(filter(None, (path, str(odoo.python_path))))
    program = odoo.command(f"--addons-path={ADDONS}", "lane_authority")
    return run_program(list(arguments), token.encode(), environment, program)


def test_it_shows_what_the_guard_shows(lane: Estate) -> None:
    answer = through_odoo(lane, "show")
    assert answer.exit_code == 0, answer.words
    assert answer.receipt is not None
    assert answer.receipt.reading is not None
    assert answer.receipt.reading.database.marker_row == lane.show().database.marker_row


def test_it_refuses_as_the_guard_refuses(lane: Estate) -> None:
    before = lane.everything()
    answer = through_odoo(lane, "begin", "--order", "-", token="forged")
    assert answer.exit_code == 50, answer.words
    assert answer.codes == {"order_refused"}
    assert through_odoo(lane, "begin").exit_code == 2
    assert lane.everything() == before


@pytest.mark.parametrize("missing", ["jwt", "launchplane_lane_contracts"])
def test_a_missing_package_is_named_and_not_an_unknown_command(
    lane: Estate, tmp_path: Path, missing: str
) -> None:
    answer = through_odoo(lane, "show", path=without(tmp_path / "path", missing))
    assert answer.exit_code == 51, answer.words
    assert missing in answer.words
    assert "Unknown command" not in answer.words
    assert "Traceback" not in answer.words


def test_a_shell_asks_what_may_be_restored(lane: Estate) -> None:
    odoo = find_odoo()
    script = (
        "from launchplane_lane_contracts.errors import Refused\n"
        "from launchplane_lane_guard.restore_source import restore_source_here\n"
        "try:\n"
        "    restore_source_here()\n"
        "except Refused as no:\n"
        "    print('told:', *(each.code for each in no.reasons))\n"
    )
    done = subprocess.run(
        odoo.command("shell", "--no-http", f"--addons-path={ADDONS}"),
        input=script,
        env={**odoo.environment(), **lane.environment(), "PYTHONPATH": str(odoo.python_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert "told: permit_not_begun" in done.stdout, done.stdout + done.stderr


def test_it_carries_an_order_out(lane: Estate) -> None:
    permit = lane.permit()
    answer = through_odoo(lane, "begin", "--order", "-", token=lane.sign(permit))
    assert answer.exit_code == 0, answer.words
    assert answer.receipt is not None
    assert answer.receipt.nonce == permit.nonce
    assert answer.receipt.set_aside is not None
    assert answer.receipt.set_aside.name == permit.kept_name
    assert lane.show().database.entry is None
