"""The addon as an operator may meet it: installed by pip, into a database with demo data."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.addon.odoo_lane import ADDON, make_lane
from tests.packaging.parts import addon_among_odoos
from tests.real import PrivateCluster
from tests.real.postgres import free_port

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]


@pytest.mark.parametrize("demo", ["--with-demo", "--without-demo"])
def test_by_pip_into_a_database_with_data(
    odoo_cluster: PrivateCluster, tmp_path: Path, demo: str
) -> None:
    lane = make_lane(odoo_cluster, tmp_path, demo.strip("-").replace("-", "_"))
    text = lane.configuration.read_text()
    lane.configuration.write_text(re.sub("^addons_path.*$", "", text, flags=re.MULTILINE))
    site = addon_among_odoos(tmp_path)
    both = Path(f"{site}{os.pathsep}{lane.odoo.python_path}")
    lane = replace(lane, odoo=replace(lane.odoo, python_path=both))
    before = lane.table_oids()
    if demo == "--with-demo":
        made = lane.child(lane.odoo.command("module", "force-demo", *lane.options()))
        assert made.returncode == 0, made.stdout[-5000:]
    for what in ("--init", "--update"):
        run = lane.run(
            *(what, ADDON, demo, "--test-enable", "--test-tags", f"/{ADDON}"),
            *("--stop-after-init", "--http-port", str(free_port())),
        )
        assert run.returncode == 0, run.stdout[-5000:]
        assert re.search(r"0 failed, 0 error\(s\) of \d\d+ tests", run.stdout)
        complaints = re.findall(r"^\S+ \S+ \d+ (?:WARNING|ERROR|CRITICAL) .*$", run.stdout, re.M)
        assert complaints == []
        assert lane.table_oids() == before
    assert lane.cluster.execute(
        f"SELECT state, demo FROM ir_module_module WHERE name = '{ADDON}'", lane.database
    ) == [("installed", demo == "--with-demo")]
