"""The distribution holds all of every package, and its licence."""

import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.packaging.parts import Distribution

CHECKOUT = Path(__file__).parents[2]
PACKAGES = {
    "launchplane_lane_contracts": "contracts",
    "launchplane_lane_driver": "driver",
    "launchplane_lane_guard": "addons/launchplane_lane_authority/guard",
}
DATA = {".toml", ".mako", ".json", ".sql", ".typed"}

pytestmark = pytest.mark.slow


def files_of(folder: Path) -> set[str]:
    """Every file that has to come along, relative to its folder."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.suffix in {".py", *DATA} and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_wheel_has_every_file_of_the_package(package: str, distribution: Distribution) -> None:
    wanted = files_of(CHECKOUT / PACKAGES[package])
    with zipfile.ZipFile(distribution.wheel) as wheel:
        packed = {
            name.removeprefix(f"{package}/")
            for name in wheel.namelist()
            if name.startswith(f"{package}/")
        }
    assert wanted
    assert wanted - packed == set()
    assert "py.typed" in packed


def test_wheel_has_nothing_else_that_is_imported(distribution: Distribution) -> None:
    with zipfile.ZipFile(distribution.wheel) as wheel:
        roots = {name.split("/")[0] for name in wheel.namelist()}
    assert {root for root in roots if not root.endswith(".dist-info")} == set(PACKAGES)


def test_source_distribution_has_the_addon_and_the_licence(distribution: Distribution) -> None:
    with tarfile.open(distribution.source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "COPYING", "setup.cfg", "setup.py", "pyproject.toml"} <= names
    addon = "addons/launchplane_lane_authority"
    for path in (CHECKOUT / addon).rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            assert str(path.relative_to(CHECKOUT)) in names
