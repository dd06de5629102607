"""`odoo neutralize` as people run it, on a copy of a protected lane and on the lane itself."""

import json
from pathlib import Path

import pytest

from launchplane_lane_contracts.reading import RuntimeReading
from tests.addon.conftest import Installation
from tests.addon.control_plane import ControlPlane
from tests.addon.odoo_lane import OdooLane
from tests.addon.served_odoo import served
from tests.addon.stamping import policy, stamp
from tests.addon.test_quarantine import CM, Browser
from tests.addon.test_served import ask, lane_environment
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
    control_plane = ControlPlane(tmp_path / "keys.json")
    stamp(original, control_plane, policy(CM))
    twins = []
    for name in ("a_copy", "mistaken"):
        copy_database(original.cluster, original.database, name)
        twins.append(OdooLane(original.cluster, original.odoo, original.folder, name))
    copy, mistaken = twins
    neutralise(copy)
    assert not copy.cluster.execute("SELECT 1 FROM launchplane_lane_marker", copy.database)
    assert what_was_noted(copy) == {"lane": str(CM), "generation": 1, "own": False}

    stamp(mistaken, control_plane, policy(CM))
    row = mistaken.cluster.execute("SELECT * FROM launchplane_lane_marker", mistaken.database)
    neutralise(mistaken)
    assert row == mistaken.cluster.execute(
        "SELECT * FROM launchplane_lane_marker", mistaken.database
    )
    assert what_was_noted(mistaken) == {"lane": str(CM), "generation": 1, "own": True}
    assert (
        f"{mistaken.database} holds the own data of lane {CM}" in original.cluster.log.read_text()
    )

    environment = lane_environment(tmp_path / "keys.json")
    with served(mistaken, environment) as address:
        # The host's next reading, of which it makes the warning `neutralised`.
        answer = ask(address, control_plane.question(CM))
        reading = RuntimeReading.from_json(answer.content)
        assert (reading.neutralised, reading.marker_generation) == (True, 1)
        # And what everybody sees who works there.
        person = Browser(address, mistaken.database)
        badge = person.call("launchplane.lane.marker", "lane_badge")["result"]
    assert badge["label"] == "Neutralised"
    assert "neutralised it as if it were a copy" in badge["text"]
