"""The addon by pip: it lies among Odoo's own addons, where Odoo finds it without an addons path."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.packaging.parts import CHECKOUT, addon_among_odoos
from tests.real import find_odoo

pytestmark = pytest.mark.slow

ADDON = "launchplane_lane_authority"
FIND = f"""
import odoo.addons
from odoo.tools import config
config.parse_config([])
from odoo.modules.module import Manifest
print(Manifest.for_addon("{ADDON}").path)
"""


def test_odoo_finds_what_pip_has_installed(tmp_path: Path) -> None:
    site = addon_among_odoos(tmp_path)
    placed, addon = site / "odoo" / "addons" / ADDON, CHECKOUT / "addons" / ADDON
    wanted = {
        path.relative_to(addon)
        for path in addon.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and path.name != "pyproject.toml"
    }
    assert wanted - {path.relative_to(placed) for path in placed.rglob("*")} == set()

    odoo = find_odoo()
    around = {**odoo.environment(), "PYTHONPATH": f"{site}{os.pathsep}{odoo.python_path}"}

    def told(command: list[str]) -> str:
        done = subprocess.run(
            command, env=around, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert told([str(odoo.python), "-P", "-c", FIND]).split() == [str(placed)]
    assert "filestore" in told(odoo.command("lane_authority", "--help"))
