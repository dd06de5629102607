"""Odoo 19: the one that ODOO_HOME names, else Debian's package, unpacked and not installed.

apt itself checks the signatures, with Debian's own keyring and with lists of its own,
so that the machine's package sources stay as they are.
"""

import ast
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.real.cache import build_once, cache_folder, exclusive
from tests.real.debian import program
from tests.real.errors import RealPartMissing
from tests.real.processes import cleaned_environment, run
from tests.real.progress import step

HOME_VARIABLE = "ODOO_HOME"
MIRROR_VARIABLE = "LANE_AUTHORITY_DEBIAN_MIRROR"
SUITE = "sid"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PACKAGE = "odoo-19"
# The web client's assets are links into these; without them the login page answers 500.
COMPANIONS = (
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-font-awesome",
    "fonts-roboto-unhinted",
)
SERIES = 19
DIST_PACKAGES = Path("usr/lib/python3/dist-packages")
CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class OdooInstallation:
    """An Odoo that can be run, and how to run it."""

    version: str
    python_path: Path
    python: Path

    def command(self, *arguments: str) -> list[str]:
        """The command line of `odoo` with these arguments.

        `-P` keeps the current folder off Python's search path, where a folder named like
        a module would be imported instead of it.
        """
        return [str(self.python), "-P", "-m", "odoo", *arguments]

    def environment(self) -> dict[str, str]:
        """The environment for `command`: it steers Odoo to nothing but its own code.

        Without ODOO_RC Odoo would read the user's own ~/.odoorc; `--config` still wins.
        """
        return cleaned_environment(
            {
                "PYTHONPATH": str(self.python_path),
                "PYTHONSAFEPATH": "1",
                "ODOO_RC": os.devnull,
            }
        )

    @property
    def addons(self) -> Path:
        """The folder of the addons that are part of Odoo itself."""
        return self.python_path / "odoo" / "addons"


def find_odoo() -> OdooInstallation:
    """The Odoo to test with: ODOO_HOME's, or the newest one unpacked in the cache."""
    home = os.environ.get(HOME_VARIABLE)
    return odoo_at(Path(home).expanduser().absolute()) if home else debian_odoo()


def odoo_at(home: Path) -> OdooInstallation:
    """The Odoo in a folder that somebody names."""
    candidates = (home, home / DIST_PACKAGES)
    for folder in candidates:
        release = folder / "odoo" / "release.py"
        if release.is_file():
            series, version = read_release(release)
            if series != SERIES:
                raise RealPartMissing(
                    f"{HOME_VARIABLE} names {home}, which is Odoo {version}; this project is "
                    f"for Odoo {SERIES}.\nPoint it at an Odoo {SERIES}, or unset it to have one "
                    "fetched."
                )
            return OdooInstallation(version, folder, suitable_python())
    looked = " and ".join(str(folder / "odoo" / "release.py") for folder in candidates)
    raise RealPartMissing(
        f"{HOME_VARIABLE} names {home}, but there is no Odoo: looked for {looked}.\n"
        f"Point it at a folder that contains the Python package odoo (a source checkout, an "
        f"unpacked package), or unset it to have Odoo {SERIES} fetched."
    )


def read_release(release: Path) -> tuple[object, str]:
    """Series and version from Odoo's release file, which is read and not run."""
    match = re.search(r"^version_info = \((.*)\)$", release.read_text(), re.MULTILINE)
    numbers = re.sub(r"\b[A-Z]+\b", "''", match.group(1)) if match else "None, None"
    major, minor, *_rest = ast.literal_eval(f"({numbers})")
    return major, f"{major}.{minor}"


def suitable_python() -> Path:
    """The interpreter that has Odoo's requirements: this checkout's environment, else ours."""
    prepared = CHECKOUT / ".venv" / "bin" / "python"
    return prepared if prepared.exists() else Path(sys.executable)


def debian_odoo() -> OdooInstallation:
    """Debian's Odoo from the cache, fetched and unpacked the first time."""
    unpacked = unpacked_versions()
    if not unpacked:
        with exclusive(odoo_folder() / "fetch.lock", "fetching Odoo"):
            unpacked = unpacked_versions()
            if not unpacked:
                fetch_and_unpack()
                unpacked = unpacked_versions()
    newest = unpacked[-1]
    return OdooInstallation(newest.name, newest / DIST_PACKAGES, suitable_python())


def odoo_folder() -> Path:
    """Where every unpacked version stands, in a folder named after it."""
    return cache_folder() / "odoo"


def unpacked_versions() -> list[Path]:
    """The complete unpacked versions, the newest last."""
    folders = [
        folder
        for folder in odoo_folder().glob(f"{SERIES}.*")
        if folder.is_dir() and folder.suffix != ".unfinished"
    ]
    return sorted(folders, key=lambda folder: folder.stat().st_mtime)


def fetch_and_unpack() -> None:
    """Fetch Odoo and its companions with apt, and unpack them into one root."""
    apt = prepare_apt()
    with step(f"Odoo {SERIES}: reading Debian's package list ({SUITE})"):
        run(
            ["apt-get", *apt, "update"],
            purpose=f"read the package list of Debian {SUITE} at {mirror()}",
            remedy=f"Check the network, or set {MIRROR_VARIABLE} to a mirror that you can reach, "
            f"or point {HOME_VARIABLE} at an Odoo {SERIES} that you have.",
        )
    downloads = odoo_folder() / "downloads"
    # An interrupted run may have left an older version there.
    shutil.rmtree(downloads, ignore_errors=True)
    downloads.mkdir(parents=True)
    with step(f"Odoo {SERIES}: fetching 125 MB of packages, signatures checked by apt"):
        run(
            ["apt-get", *apt, "download", PACKAGE, *COMPANIONS],
            purpose=f"fetch {PACKAGE} from Debian {SUITE} at {mirror()}",
            remedy=f"Check the network and the disk, or point {HOME_VARIABLE} at an Odoo "
            f"{SERIES} that you have.",
            folder=downloads,
        )
    packages = sorted(downloads.glob("*.deb"))
    version = package_version(next(downloads.glob(f"{PACKAGE}_*.deb")))
    build_once(odoo_folder() / version, "unpacking Odoo", lambda root: unpack(packages, root))
    shutil.rmtree(downloads)


def mirror() -> str:
    """The Debian mirror to ask: the one that is set, else the one that this machine uses."""
    chosen = os.environ.get(MIRROR_VARIABLE)
    if chosen:
        return chosen
    told = run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"],
        purpose="ask apt which Debian mirror this machine uses",
        remedy=f"Set {MIRROR_VARIABLE} to a Debian mirror that you can reach.",
    )
    found = (line.rstrip("/") for line in told.splitlines())
    # Security updates and others' packages come from other folders, and know no Odoo.
    known = next((line for line in found if line.endswith("/debian")), None)
    if known is None:
        raise RealPartMissing(
            f"This machine's package sources name no Debian mirror, and Odoo {SERIES} is fetched "
            f"as a Debian package.\nSet {MIRROR_VARIABLE} to one, or point {HOME_VARIABLE} at an "
            f"Odoo {SERIES} that you have."
        )
    return known


def prepare_apt() -> list[str]:
    """Options that give apt lists and sources of its own inside the cache."""
    for name in ("apt-get", "dpkg-deb"):
        if program(name) is None:
            raise RealPartMissing(
                f"The program {name} is missing: Odoo {SERIES} is fetched as a Debian package.\n"
                f"Point {HOME_VARIABLE} at an Odoo {SERIES} that you have."
            )
    if not KEYRING.exists():
        raise RealPartMissing(
            f"Debian's keyring {KEYRING} is missing, so signatures can't be checked.\n"
            "Install it with: sudo apt-get install debian-archive-keyring"
        )
    home = odoo_folder() / "apt"
    (home / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (home / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    sources = home / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {mirror()} {SUITE} main\n")
    return [
        *("-q", "-o", f"Dir::Etc::sourcelist={sources}", "-o", "Dir::Etc::sourceparts=-"),
        *("-o", f"Dir::State::lists={home / 'lists'}", "-o", f"Dir::Cache={home}"),
        *("-o", "Acquire::Languages=none"),
        # Said here as well: a machine's own settings may be more careless.
        *("-o", "APT::Get::AllowUnauthenticated=false"),
        *("-o", "Acquire::AllowInsecureRepositories=false"),
        *("-o", "Acquire::AllowDowngradeToInsecureRepositories=false"),
        # The cache may lie in a closed home, where apt's own user can't write.
        *("-o", "APT::Sandbox::User=root"),
    ]


def package_version(package: Path) -> str:
    """The version inside a Debian package file."""
    return run(
        ["dpkg-deb", "--field", str(package), "Version"],
        purpose=f"read the version of {package.name}",
    ).strip()


def unpack(packages: list[Path], root: Path) -> None:
    """Unpack into one root, so that the links between the packages lead somewhere."""
    for package in packages:
        with step(f"Odoo {SERIES}: unpacking {package.name}"):
            run(
                ["dpkg-deb", "--extract", str(package), str(root)],
                purpose=f"unpack {package.name} into {root}",
                remedy="Check that the disk of the cache has 1.5 GB of space.",
            )
