"""The Pythons of this machine, so that more than the one that runs the tests is tried."""

import os
import shutil
import subprocess
from pathlib import Path

VERSIONS = ("3.11", "3.13")
"""What we promise for the guard, from the oldest to the one in the devkit's image."""


def find_python(version: str) -> Path | None:
    """A Python of this version that runs: from PATH, or one of pyenv's."""
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    on_path = shutil.which(name)
    candidates = [Path(on_path)] if on_path else []
    candidates += sorted(pyenv.glob(f"versions/{version}.*/bin/{name}"))
    return next((each for each in candidates if _is(each, version)), None)


def _is(python: Path, version: str) -> bool:
    """Whether it runs at all, and is that version: a name on PATH may lead nowhere."""
    try:
        told = subprocess.run(
            [python, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return False
    return told.returncode == 0 and told.stdout.strip() == version
