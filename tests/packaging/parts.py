"""What the packaging tests handle: a distribution, and an empty environment."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.real.environment import environment_for_pip

CHECKOUT = Path(__file__).parents[2]
FOLDERS = ("addons", "contracts", "driver")
FILES = (
    "CHANGELOG.md",
    "COPYING",
    "LICENSE",
    "MANIFEST.in",
    "README.md",
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
)


def run(*command: str | Path, folder: Path) -> str:
    """Run a command, and show all of its output when it fails."""
    completed = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment_for_pip(),
        check=False,
        capture_output=True,
        text=True,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout


def copy_sources(target: Path) -> Path:
    """The sources alone: what was built in the checkout before must not leak in."""
    target.mkdir()
    for name in FOLDERS:
        shutil.copytree(
            CHECKOUT / name, target / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in FILES:
        if (CHECKOUT / name).exists():
            shutil.copy(CHECKOUT / name, target / name)
    return target


def addon_among_odoos(folder: Path) -> Path:
    """The addon by itself, built and installed by pip; gives what stands for site-packages."""
    sources, wheels, target = folder / "sources", folder / "wheels", folder / "site-packages"
    addon = copy_sources(sources) / "addons" / "launchplane_lane_authority"
    pip = (sys.executable, "-m", "pip", "-q", "-q", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", wheels, addon, folder=folder)
    (wheel,) = wheels.glob("odoo_addon_*.whl")
    run(*pip, "install", "--no-deps", "--target", target, wheel, folder=folder)
    return target


@dataclass(frozen=True)
class Distribution:
    """What a release would consist of."""

    source: Path
    wheel: Path


@dataclass(frozen=True)
class EmptyEnvironment:
    """A virtual environment with nothing but pip in it, at first."""

    folder: Path

    @property
    def programs(self) -> Path:
        """Where its console scripts are."""
        return self.folder / "bin"

    def install(self, *what: str | Path) -> None:
        """Install with pip, from PyPI where it needs more."""
        run(
            *(self.programs / "python", "-m", "pip", "install", "-q", "-q"),
            *("--disable-pip-version-check", *what),
            folder=self.folder,
        )

    def python(self, code: str) -> str:
        """Run Python code in it, away from any checkout."""
        return run(self.programs / "python", "-I", "-c", code, folder=self.folder)

    def run(self, script: str, *arguments: str) -> str:
        """Run one of its console scripts."""
        return run(self.programs / script, *arguments, folder=self.folder)
