"""The doors to the guard, and a Python in which packages are missing."""

import sys
from pathlib import Path

import launchplane_lane_guard

FOLDER = Path(launchplane_lane_guard.__file__).resolve().parent

DOORS: dict[str, tuple[str, ...]] = {
    "console script": (str(Path(sys.executable).with_name("lane-authority-guard")),),
    "folder": (sys.executable, str(FOLDER)),
    "module": (sys.executable, "-m", "launchplane_lane_guard"),
}
"""Each door but Odoo's, which needs an Odoo."""

HIDES = """\
# Makes packages look as if they had never been installed.
import sys


class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return None


sys.meta_path.insert(0, Hidden())
"""

BREAKS = """\
# Makes a package fail as one does that was built for another system.
import sys


class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise ImportError("wrong ELF class: ELFCLASS32")
        return None


sys.meta_path.insert(0, Broken())
"""


def without(folder: Path, *names: str) -> str:
    """A value for PYTHONPATH with which these packages are not to be found."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HIDES.format(names=set(names)))
    return str(folder)


def with_broken(folder: Path, name: str) -> str:
    """A value for PYTHONPATH with which this module is there and cannot be loaded."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BREAKS.format(name=name))
    return str(folder)
