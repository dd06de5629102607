"""A locked lane with `dbfilter`: listed, served and at work like any other, in every worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
import requests

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.naming import side_name
from launchplane_lane_contracts.reading import RuntimeReading
from launchplane_lane_guard.scratch import scratch_database
from launchplane_lane_guard.settings import settings_from_environment
from launchplane_lane_guard.side import drop_side_database, make_side_database
from tests.addon.conftest import Installation
from tests.addon.control_plane import ControlPlane
from tests.addon.odoo_lane import OdooLane, guard_environment
from tests.addon.served_odoo import served
from tests.addon.stamping import policy, stamp
from tests.addon.test_quarantine import CM, SERVER_WIDE, wait_for, wake
from tests.addon.test_served import ask, lane_environment
from tests.real.template import DATABASE as NEIGHBOUR

pytestmark = pytest.mark.slow

WORKERS = ("--workers", "2", "--max-cron-threads", "1")
LONG_AGO = datetime(2020, 1, 1)
DUE = "active AND cron_name LIKE '%%vacuum%%'"


@contextmanager
def locked(lane: OdooLane) -> Iterator[None]:
    lane.cluster.execute(f"ALTER DATABASE {lane.database} IS_TEMPLATE true")
    try:
        yield
    finally:
        lane.cluster.execute(f"ALTER DATABASE {lane.database} IS_TEMPLATE false")


@pytest.fixture
def control_plane(installation: Installation, tmp_path: Path) -> ControlPlane:
    """One that has stamped the lane."""
    found = ControlPlane(tmp_path / "keys.json")
    stamp(installation.lane, found, policy(CM))
    return found


def test_with_db_name_and_dbfilter_in_two_workers(
    installation: Installation, control_plane: ControlPlane, tmp_path: Path
) -> None:
    lane = installation.lane
    lane.cluster.execute(f"UPDATE ir_cron SET nextcall = '2020-01-01' WHERE {DUE}", lane.database)
    options = (*SERVER_WIDE, *WORKERS, "--db-filter", f"^{lane.database}$")
    with (
        locked(lane),
        served(lane, lane_environment(tmp_path / "keys.json"), *options) as address,
    ):
        for _each in range(6):
            # Nobody has a session, so each time the database is looked for in the list.
            assert "oe_login_form" in requests.get(f"{address}/web/login", timeout=60).text
        answer = RuntimeReading.from_json(ask(address, control_plane.question(CM)).content)
        assert answer.stays_listed_when_locked
        assert answer.registry_loaded
        wait_for("the scheduled action", lambda: _has_run(lane))


def _has_run(lane: OdooLane) -> bool:
    wake(lane)
    ((nextcall,),) = lane.cluster.execute(
        f"SELECT max(nextcall) FROM ir_cron WHERE {DUE}", lane.database
    )
    return bool(nextcall > LONG_AGO)


@pytest.mark.parametrize("loaded", [True, False], ids=["server-wide", "not loaded"])
def test_on_a_host_of_many_databases(
    installation: Installation, control_plane: ControlPlane, tmp_path: Path, *, loaded: bool
) -> None:
    """Without the addon it is as Odoo does it: the locked lane is off the list.

    What the guard makes beside a lane, or to prove a backup, is off it at all times: it would be
    served as it came, and send the mail of wherever it came from.
    """
    lane = installation.lane
    before = lane.configuration.read_text()
    lane.configuration.write_text(before.replace("list_db = False", "list_db = True"))
    settings = settings_from_environment(guard_environment(lane))
    side = side_name(DatabaseName(lane.database), "0123456789abcdef")
    others = {"set_aside": "ALLOW_CONNECTIONS false", "theirs": "ALLOW_CONNECTIONS true"}
    for name, option in others.items():
        lane.cluster.execute(f"CREATE DATABASE {name} OWNER odoo {option} IS_TEMPLATE true")
    try:
        make_side_database(settings, side, encoding="UTF8", collate="C", character_type="C")
        with (
            locked(lane),
            scratch_database(settings) as scratch,
            served(
                lane,
                lane_environment(tmp_path / "keys.json"),
                *(SERVER_WIDE if loaded else ()),
                "--db-filter",
                f"^({'|'.join((lane.database, NEIGHBOUR, side, scratch.name, *others))})$",
                pinned=False,
            ) as address,
        ):
            listed = requests.post(
                f"{address}/web/database/list", json={"params": {}}, timeout=60
            ).json()["result"]
            login = requests.get(f"{address}/web/login?db={lane.database}", timeout=60)
    finally:
        lane.configuration.write_text(before)
        drop_side_database(settings, side)
        for name in others:
            lane.cluster.execute(f"ALTER DATABASE {name} IS_TEMPLATE false")
            lane.cluster.execute(f"DROP DATABASE {name}")
    assert listed == sorted([NEIGHBOUR, *([lane.database] if loaded else [])])
    assert login.status_code == 200
