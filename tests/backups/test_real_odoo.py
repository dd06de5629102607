"""A real Odoo is loaded on what was restored; lacking an addon, it withholds that proof alone."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from launchplane_lane_guard.capture import capture
from launchplane_lane_guard.prove import prove
from tests.backups.conftest import settings_of
from tests.backups.places import folder_in_memory
from tests.guard.conftest import LANE_DATABASE, clean
from tests.guard.estate import Estate
from tests.real.odoo import find_odoo
from tests.real.postgres import PrivateCluster
from tests.real.template import odoo_template

OWN_ADDON = "lane_own_addon"
ACTS_BY_ITSELF = """
    SELECT (SELECT count(*) FROM ir_cron WHERE active)
           || ' ' || (SELECT value FROM ir_config_parameter WHERE key = 'database.is_neutralized')
"""


@pytest.fixture
def odoo_lane(cluster: PrivateCluster, tmp_path: Path) -> Iterator[Estate]:
    """A lane with a real Odoo's data, and an addon of its own that is installed."""
    template = odoo_template()
    made = Estate(cluster, tmp_path, LANE_DATABASE, cluster.odoo)
    made.keep.mkdir(parents=True)
    made.host.write_key_set(made.keys)
    template.restore(cluster, made.database)
    made.execute(
        "INSERT INTO ir_module_module (name, state, latest_version) "
        f"VALUES ('{OWN_ADDON}', 'installed', '19.0.1.0')",
        made.database,
    )
    shutil.copytree(template.filestore, made.filestore)
    addon = tmp_path / "addons" / OWN_ADDON
    addon.mkdir(parents=True)
    (addon / "__init__.py").write_text("")
    (addon / "__manifest__.py").write_text(
        "{'name': 'Own', 'version': '19.0.1.0', 'license': 'LGPL-3', 'author': 'A tenant'}"
    )
    yield made.enrol()
    clean(cluster)


def load_command(lane: Estate, *options: str) -> tuple[str, ...]:
    """What a lane's configuration names, with this machine's Odoo in the place of the image's."""
    odoo = find_odoo()
    steered = [f"{name}={value}" for name, value in odoo.environment().items()]
    return (
        *("env", *steered, *odoo.command("server"), "--database={database}"),
        *("--data-dir={data_folder}", "--no-http", "--max-cron-threads=0", "--stop-after-init"),
        *options,
    )


@pytest.mark.slow
def test_odoo_loads_on_a_restored_copy_that_is_quiet(odoo_lane: Estate) -> None:
    lane, seen = odoo_lane, odoo_lane.folder / "seen"
    addons = f"--addons-path={lane.folder / 'addons'}"
    look = f'"$@" && psql -XAtc "{ACTS_BY_ITSELF}" > {seen}'
    with folder_in_memory() as backups:
        settings = settings_of(lane, backups)
        backup_id = capture(settings).backup.manifest.backup_id
        command = ("sh", "-c", look, "load", *load_command(lane, addons))
        found = prove(settings, backup_id, load_command=command)
        assert found.data_proof is not None, found.differences
        assert found.load is not None
        assert found.load_proof is not None, found.load.words
        assert seen.read_text() == "0 true\n"
        # The lane's own is as it was.
        ((active,),) = lane.cluster.execute(
            "SELECT count(*) FROM ir_cron WHERE active", lane.database
        )
        assert active
        # Without the lane's addon Odoo itself ends with 0.
        found = prove(settings, backup_id, load_command=load_command(lane))
    assert found.data_proof is not None, found.differences
    assert found.load is not None
    assert found.load_proof is None
    assert OWN_ADDON in found.load.words
