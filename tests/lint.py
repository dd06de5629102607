"""The linters: ruff, mypy strict and pylint-odoo, each over what it is for.

`python -m tests.lint` runs them all, also when one finds something, and fails if any did.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
# The folders have other names than the packages; mypy looks through links to find them.
PACKAGES = {
    "launchplane_lane_contracts": "contracts",
    "launchplane_lane_driver": "driver",
    "launchplane_lane_guard": "addons/launchplane_lane_authority/guard",
}
TEST_PACKAGES = (
    "tests.real",
    "tests.system",
    "tests.standins",
    "tests.standins_tests",
    "tests.contracts",
    "tests.addon",
    "tests.guard",
    "tests.backups.restores",
    "tests.driver",
    "benchmarks",
)
TEST_MODULES = (
    "tests.conftest",
    "tests.declarations",
    "tests.lint",
    "tests.pages",
    "tests.records_page",
    "tests.run",
    "tests.schemas",
    "tests.typed_pages",
)
ADDON = "addons/launchplane_lane_authority"
# Odoo's own rules alone; ruff and mypy see to the rest. This addon is nobody's but its
# authors', and its readme is written as fragments.
PYLINT = (
    *(f"--rcfile={os.devnull}", "--load-plugins=pylint_odoo", "--score=n"),
    *("--disable=all", "--enable=odoolint"),
    "--disable=manifest-required-author,missing-readme",
)
LINKS = CHECKOUT / ".mypy-path"


def link_packages() -> list[str]:
    """Make the links, and name the packages that are there to be checked."""
    LINKS.mkdir(exist_ok=True)
    present = []
    for name, folder in PACKAGES.items():
        link, target = LINKS / name, CHECKOUT / folder
        if not link.is_symlink() and target.is_dir():
            link.symlink_to(os.path.relpath(target, LINKS), target_is_directory=True)
        if (target / "__init__.py").exists():
            present.append(name)
    return present


def commands() -> list[tuple[str, list[str]]]:
    """Every linter that has something to look at, with its name."""
    checked = link_packages()
    checked += [name for name in TEST_PACKAGES if (CHECKOUT / name.replace(".", "/")).is_dir()]
    python = sys.executable
    packages = [argument for name in checked for argument in ("-p", name)]
    modules = [argument for name in TEST_MODULES for argument in ("-m", name)]
    found = [
        ("ruff check", [python, "-m", "ruff", "check", "."]),
        ("ruff format", [python, "-m", "ruff", "format", "--check", "."]),
        ("mypy", [python, "-m", "mypy", *packages, *modules]),
    ]
    if (CHECKOUT / ADDON / "__manifest__.py").exists():
        found.append(("pylint-odoo", [python, "-m", "pylint", *PYLINT, ADDON]))
    return found


def main() -> int:
    """Run each linter, show what it found, and say which ones failed."""
    failed = []
    for name, command in commands():
        began = time.monotonic()
        completed = subprocess.run(
            command, cwd=CHECKOUT, check=False, capture_output=True, text=True
        )
        spent = time.monotonic() - began
        verdict = "clean" if completed.returncode == 0 else "FAILED"
        print(f"lint: {name}: {verdict} ({spent:.1f} s)", flush=True)
        if completed.returncode != 0:
            failed.append(name)
            print(completed.stdout + completed.stderr, flush=True)
    if failed:
        print(
            f"These linters found something: {', '.join(failed)}. See above; "
            "`make format` repairs what can be repaired by itself."
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
