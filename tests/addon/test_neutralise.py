"""`odoo neutralize` as people run it, on a copy of a protected lane and on the lane itself."""

import json
from pathlib import Path

import pytest

from tests.addon.conftest import Installation
from tests.addon.control_plane import ControlPlane
from tests.addon.odoo_lane import OdooLane
from tests.addon.stamping import policy, stamp
from tests.addon.test_quarantine import CM
from tests.real.template import copy_database

pytestmark = pytest.mark.slow

FLAG = "SELECT value FROM ir_config_parameter WHERE key = 'database.is_neutralized'"


def neutralise(lane: OdooLane) -> None:
    run = lane.child(lane.odoo.command("neutralize", *lane.options()))
    assert run.returncode == 0, run.stdout
    assert "Neutralization finished" in run.stdout
    assert lane.cluster.execute(FLAG, lane.database) == [("true",)]


def what_was_noted(lane: OdooLane) -> object:
    ((document,),) = lane.cluster.execute(
        "SELECT document FROM launchplane_lane_event ORDER BY id DESC LIMIT 1", lane.database
    )
    return json.loads(str(document))


def test_a_copy_loses_its_marker_and_the_lane_keeps_its_own(
    installation: Installation, tmp_path: Path
) -> None:
    original = installation.lane
    stamp(original, ControlPlane(tmp_path / "keys.json"), policy(CM))
    twins = []
    for name in ("a_copy", "mistaken"):
        copy_database(original.cluster, original.database, name)
        twins.append(OdooLane(original.cluster, original.odoo, original.folder, name))
    copy, mistaken = twins
    neutralise(copy)
    assert not copy.cluster.execute("SELECT 1 FROM launchplane_lane_marker", copy.database)
    assert what_was_noted(copy) == {"lane": str(CM), "generation": 1, "own": False}

    stamp(mistaken, ControlPlane(tmp_path / "keys.json"), policy(CM))
    row = mistaken.cluster.execute("SELECT * FROM launchplane_lane_marker", mistaken.database)
    neutralise(mistaken)
    assert row == mistaken.cluster.execute(
        "SELECT * FROM launchplane_lane_marker", mistaken.database
    )
    assert what_was_noted(mistaken) == {"lane": str(CM), "generation": 1, "own": True}
