"""One database for all tests of the addon; Odoo's own runner installs the addon into it."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.addon.odoo_lane import ADDON, MEDDLER, OdooLane, make_lane
from tests.real import PrivateCluster
from tests.real.postgres import free_port

# Odoo's own runner runs those, inside Odoo.
collect_ignore = ["other_addons"]


@dataclass(frozen=True)
class Installation:
    """The lane after Odoo's own runner has installed the addon and run its tests."""

    lane: OdooLane
    oids_before: list[object]
    outcome: subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def odoo_cluster() -> Iterator[PrivateCluster]:
    """One server for all databases with Odoo in them; each test names its own."""
    with PrivateCluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def installation(
    odoo_cluster: PrivateCluster, tmp_path_factory: pytest.TempPathFactory
) -> Installation:
    """Install the addon and run its tests, once for all."""
    folder: Path = tmp_path_factory.mktemp("odoo")
    lane = make_lane(odoo_cluster, folder)
    before = lane.table_oids()
    outcome = lane.run(
        *("--init", f"{ADDON},{MEDDLER}", "--test-enable", "--test-tags", f"/{ADDON},/{MEDDLER}"),
        *("--stop-after-init", "--http-port", str(free_port())),
    )
    return Installation(lane, before, outcome)
