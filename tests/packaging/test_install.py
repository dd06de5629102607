"""Wheel and editable install, each in an environment that was empty before."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.parts import Distribution, EmptyEnvironment
from tests.typed_pages import CHECKOUT, fenced

pytestmark = pytest.mark.slow

IMPORT_ALL_CONTRACTS = """
import importlib, json, pkgutil, sys
import launchplane_lane_contracts as contracts
prefix = contracts.__name__ + "."
names = [found.name for found in pkgutil.walk_packages(contracts.__path__, prefix)]
for name in names:
    importlib.import_module(name)
print(json.dumps(names))
"""
INSTALLED = """
import importlib.metadata, json
print(json.dumps(sorted({found.name.lower() for found in importlib.metadata.distributions()})))
"""
ENTRY_POINTS = """
import importlib.metadata, json
found = importlib.metadata.distribution("launchplane-lane-authority").entry_points
print(json.dumps([[point.group, point.name, point.value] for point in found]))
"""
# What pydantic itself needs, and what an environment is born with.
PYDANTIC_ALONE = {
    "annotated-types",
    "pip",
    "pydantic",
    "pydantic_core",
    "setuptools",
    "typing-inspection",
    "typing_extensions",
    "launchplane-lane-authority",
}


def test_plain_wheel_needs_pydantic_alone_and_driver_extra_brings_the_rest(
    empty_environment: EmptyEnvironment, distribution: Distribution
) -> None:
    empty_environment.install(distribution.wheel)
    installed = set(json.loads(empty_environment.python(INSTALLED)))
    assert installed - PYDANTIC_ALONE == set()
    assert json.loads(empty_environment.python(IMPORT_ALL_CONTRACTS))
    points = json.loads(empty_environment.python(ENTRY_POINTS))
    assert sorted(points) == [
        ["console_scripts", "lane-authority", "launchplane_lane_driver.command_line:main"],
        ["console_scripts", "lane-authority-guard", "launchplane_lane_guard.__main__:main"],
        ["launchplane.drivers", "odoo-lane-authority", "launchplane_lane_driver.plugin"],
    ]
    for script in ("lane-authority", "lane-authority-guard"):
        assert (empty_environment.programs / script).is_file()

    empty_environment.install(f"{distribution.wheel}[driver]")
    assert "usage" in empty_environment.run("lane-authority", "--help").lower()
    loaded = empty_environment.python(
        "import importlib.metadata as metadata\n"
        "(point,) = metadata.entry_points(group='launchplane.drivers')\n"
        "print(point.load().__name__)"
    )
    assert loaded.strip() == "launchplane_lane_driver.plugin"


def test_guard_extra_brings_all_that_its_command_needs(
    empty_environment: EmptyEnvironment, distribution: Distribution
) -> None:
    # As the page's Dockerfile has an image install it; there is no Docker here.
    (file,) = fenced("product-repo-contract.md", "dockerfile")
    (version,) = re.findall(r"^ARG LANE_AUTHORITY=(.+)$", file, re.MULTILINE)
    (command,) = re.findall(r"^RUN python3 -m pip install (.+)$", file, re.MULTILINE)
    (wanted,) = shlex.split(command.replace("${LANE_AUTHORITY}", version))
    empty_environment.install("--find-links", distribution.wheel.parent, wanted)
    for source in re.findall(r"^COPY (addons/\S+) ", file, re.MULTILINE):
        assert (CHECKOUT / source / "__manifest__.py").is_file()
    assert "usage" in empty_environment.run("lane-authority-guard", "--help").lower()


def test_editable_install_follows_the_sources(
    empty_environment: EmptyEnvironment, sources: Callable[[], Path]
) -> None:
    folder = sources()
    empty_environment.install("--editable", folder)
    assert json.loads(empty_environment.python(IMPORT_ALL_CONTRACTS))
    (folder / "contracts" / "written_afterwards.py").write_text("ANSWER = 42\n")
    answer = empty_environment.python(
        "from launchplane_lane_contracts.written_afterwards import ANSWER; print(ANSWER)"
    )
    assert answer.strip() == "42"
    assert (empty_environment.programs / "lane-authority").is_file()
