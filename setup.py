"""Maps folders to import names; everything else about the distribution is in setup.cfg.

A folder is named by its place in the house, a package by the project that it belongs to.
setup.cfg can find packages below one root only, so the three roots are found here.
"""

from pathlib import Path

from setuptools import find_namespace_packages, setup

ROOTS = {
    "launchplane_lane_contracts": "contracts",
    "launchplane_lane_driver": "driver",
    "launchplane_lane_guard": "addons/launchplane_lane_authority/guard",
}
NO_PACKAGES = ("__pycache__", "*.__pycache__")

folders = {name: folder for name, folder in ROOTS.items() if Path(folder).is_dir()}

setup(
    package_dir=dict(folders),
    packages=[
        package
        for name, folder in folders.items()
        for package in (
            name,
            *(f"{name}.{below}" for below in find_namespace_packages(folder, exclude=NO_PACKAGES)),
        )
    ],
)
