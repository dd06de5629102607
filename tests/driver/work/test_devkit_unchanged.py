"""Launchplane and the devkit as they are: the checkpoint sets aside, the script runs unchanged."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from launchplane_lane_contracts.contract import DatabaseName, FilestorePath
from launchplane_lane_contracts.policy import UpstreamSource
from launchplane_lane_contracts.vocabulary import DataSource, Operation
from tests.driver.plane import Plane
from tests.driver.small_host import FILES, SmallHost, SmallLane, resettable_policy, untouched
from tests.standins import devkit, launchplane
from tests.standins.launchplane_records import OdooDataPolicy, RebuildApproval


class DevkitPlane(Plane):
    """A plane whose provider runs the devkit's script, with an upstream and an image layer."""

    def __init__(self, host: SmallHost, lane: SmallLane, source: UpstreamSource) -> None:
        super().__init__(host, lane)
        self.source = source
        self.order("older")

    def order(self, order: str) -> None:
        """The script takes its steps in this order from now on."""
        cluster = self.lane.cluster
        environment = {
            **self.lane.environment(),
            "PATH": cluster.environment()["PATH"],
            "DEVKIT_ORDER": order,
            "ODOO_COMMAND": '["true"]',
            "ODOO_DATA_WORKFLOW_LOCK_FILE": str(self.host.folder / "workflow.lock"),
            "ODOO_UPSTREAM_HOST": self.source.host,
            "ODOO_UPSTREAM_DB_PORT": str(cluster.port),
            "ODOO_UPSTREAM_DB_USER": cluster.odoo.name,
            "ODOO_UPSTREAM_DB_PASSWORD": cluster.odoo.password,
            "ODOO_UPSTREAM_DB_NAME": self.source.database,
            "ODOO_UPSTREAM_FILESTORE_PATH": self.source.filestore_path,
            "DEVKIT_TEMPLATE_DATABASE": "layer",
            "DEVKIT_TEMPLATE_FILESTORE": str(self.host.folder / "layer"),
        }
        script = (sys.executable, "-u", str(Path(devkit.__file__).resolve()))
        target = self.provider.targets["t1"]
        self.provider.add(replace(target, command=script, environment=environment))


@pytest.fixture
def plane(host: SmallHost, bare: SmallLane) -> Iterator[DevkitPlane]:
    """A lane that may be made from nothing and from its old server, which its image declares."""
    for name in ("upstream", "layer"):
        bare.make_data(name, name)
        for path, content in FILES.items():
            place = host.folder / name / path
            place.parent.mkdir(parents=True)
            place.write_bytes(name.encode() + content)
    # What comes from another server must be neutralised; here it was, before it came.
    bare.execute(
        "CREATE TABLE ir_config_parameter (key text, value text);"
        "INSERT INTO ir_config_parameter VALUES ('database.is_neutralized', 'true')",
        "upstream",
    )
    source = UpstreamSource(
        name="the old server",
        host=bare.cluster.host,
        database=DatabaseName("upstream"),
        filestore_path=FilestorePath(str(host.folder / "upstream")),
    )
    host.record_policy(
        resettable_policy(bare.lane, restore_from_upstream_allowed=True, upstream_source=source)
    )
    host.enrol(bare)
    bare.declare(source)
    yield DevkitPlane(host, bare, source)


def allow_upstream(plane: DevkitPlane) -> None:
    """What Launchplane itself asks for before a restore from upstream."""
    profile = plane.store.read_product_profile_record(plane.named["product"])
    (lane,) = profile.lanes
    approval = RebuildApproval.model_validate(
        {**lane.odoo_prelaunch_rebuild.model_dump(), "data_source_mode": "upstream_restore"}
    )
    policy = OdooDataPolicy(
        data_authority="restorable",
        allowed_rebuild_sources=("upstream_restore",),
        upstream_source="the old server",
    )
    changed = lane.model_copy(
        update={"odoo_prelaunch_rebuild": approval, "odoo_data_policy": policy}
    )
    plane.store.write_product_profile_record(profile.model_copy(update={"lanes": (changed,)}))


def whose(lane: SmallLane) -> str:
    """Whose rows stand there, and whose files."""
    ((row,),) = lane.cluster.execute("SELECT min(name) FROM res_partner", lane.database)
    files = (lane.filestore / "ab/abcdef").read_bytes()
    name = str(row).split()[0]
    assert files == name.encode() + FILES["ab/abcdef"]
    return name


@pytest.mark.slow
def test_bootstrap_and_restore_in_both_orders(host: SmallHost, plane: DevkitPlane) -> None:
    lane = plane.lane
    old, held = lane.data(), host.authorize(lane)
    result = plane.bootstrap()
    assert getattr(result, "bootstrap_status", "") == "pass", result
    settled = host.office.store.operation(held.operation_id)
    assert settled.phase == "settled"
    assert whose(lane) == "layer"
    assert settled.kept_name is not None
    assert lane.kept_data(settled.kept_name) == old
    allow_upstream(plane)
    for order in ("older", "newer"):
        plane.order(order)
        old = lane.data()
        held = host.authorize(lane, Operation.RECREATE, DataSource.UPSTREAM_RESTORE)
        with launchplane.provider_connected(plane.provider):
            plane.replacement("upstream_restore")
        settled = host.office.store.operation(held.operation_id)
        assert settled.phase == "settled"
        assert whose(lane) == "upstream"
        assert settled.kept_name is not None
        assert lane.kept_data(settled.kept_name) == old


def test_without_leave_the_script_is_not_even_started(plane: DevkitPlane) -> None:
    with untouched(plane.lane):
        result = plane.bootstrap()
    assert getattr(result, "bootstrap_status", "") == "fail"
    assert plane.provider.runs == []
