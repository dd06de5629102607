"""`guard-bundle`: one file with the guard and all that it needs, for one Python and platform.

The wheels come from PyPI, through pip, and stay as they are. The same wheels and the same version
of ours give the same bytes.
"""

import hashlib
import importlib.metadata
import importlib.util
import io
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from launchplane_lane_contracts.contract import RULEBOOK_VERSION
from launchplane_lane_contracts.errors import BadInput, CouldNotTell

from . import __version__
from .durable import write_durably

DISTRIBUTION = "launchplane-lane-authority"
EXTRA = "guard"
OWN_PACKAGES = ("launchplane_lane_contracts", "launchplane_lane_guard")
FIRST_FILE = "bundle_main.py"
SHEBANG = b"#!/usr/bin/env python3\n"
OLDEST_PYTHON = (3, 11)
OLDEST_MINOR_OF_GLIBC = 5
LEGACY_GLIBC = {"manylinux2014": (2, 17), "manylinux2010": (2, 12), "manylinux1": (2, 5)}
PYTHON = re.compile(r"(\d+)\.(\d+)")
GLIBC_PLATFORM = re.compile(r"manylinux_(\d+)_(\d+)_(\w+)")
MUSL_PLATFORM = re.compile(r"musllinux_(\d+)_(\d+)_(\w+)")
LEGACY_PLATFORM = re.compile(r"(manylinux2014|manylinux2010|manylinux1)_(\w+)")
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time that every file in the archive has, which is the first that an archive can name."""
DOWNLOAD_TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class Target:
    """What the bundle is for."""

    python: tuple[int, int]
    """The version of CPython."""
    platform: str
    """The platform, in the words of Python's packaging."""
    machine: str
    """The processor."""
    glibc: tuple[int, int] | None
    """The oldest glibc that it runs on; None where the platform has musl instead."""

    def platforms(self) -> list[str]:
        """The platform itself, and every older one whose wheels run on it as well."""
        if self.glibc is None:
            found = MUSL_PLATFORM.fullmatch(self.platform)
            assert found is not None
            return [
                f"musllinux_{found[1]}_{minor}_{self.machine}"
                for minor in range(int(found[2]), -1, -1)
            ]
        major, newest = self.glibc
        names = []
        for minor in range(newest, OLDEST_MINOR_OF_GLIBC - 1, -1):
            names.append(f"manylinux_{major}_{minor}_{self.machine}")
            names += [
                f"{legacy}_{self.machine}"
                for legacy, version in LEGACY_GLIBC.items()
                if version == (major, minor)
            ]
        return names


@dataclass(frozen=True)
class Bundle:
    """A bundle that was made."""

    path: Path
    """The file."""
    sha256: str
    """The digest of its bytes."""
    size_bytes: int
    """Its size."""
    wheels: dict[str, str]
    """The wheels in it, each with its digest."""


def read_target(python: str, platform: str) -> Target:
    """The target in its two words. Raises BadInput when they name none."""
    version = PYTHON.fullmatch(python)
    if version is None or (int(version[1]), int(version[2])) < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise BadInput(f"--python takes a version such as 3.13, from {oldest} on, not {python!r}.")
    numbers = (int(version[1]), int(version[2]))
    if found := GLIBC_PLATFORM.fullmatch(platform):
        return Target(numbers, platform, found[3], (int(found[1]), int(found[2])))
    if found := LEGACY_PLATFORM.fullmatch(platform):
        return Target(numbers, platform, found[2], LEGACY_GLIBC[found[1]])
    if found := MUSL_PLATFORM.fullmatch(platform):
        return Target(numbers, platform, found[3], None)
    raise BadInput(
        f"--platform takes a Linux platform such as manylinux_2_28_x86_64, not {platform!r}."
    )


def make_bundle(target: Target, output: Path, wheels: Path | None = None) -> Bundle:
    """Make the bundle; with `wheels` from that folder alone, without the network.

    Raises BadInput when there is no folder for it, CouldNotTell when the wheels could not be had or
    the file not be written.
    """
    if not output.absolute().parent.is_dir():
        raise BadInput(f"There is no folder {output.absolute().parent} to make the bundle in.")
    with tempfile.TemporaryDirectory(prefix="guard-bundle-") as scratch:
        folder = Path(scratch)
        _download(target, folder, wheels)
        found = {path.name: path.read_bytes() for path in sorted(folder.glob("*.whl"))}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}
    content = _archive(target, found, digests)
    try:
        write_durably(output, content, mode=0o755)
    except OSError as problem:
        raise CouldNotTell(f"The bundle could not be written to {output}: {problem}.") from None
    return Bundle(output, hashlib.sha256(content).hexdigest(), len(content), digests)


def requirements() -> list[str]:
    """What the guard needs, as our own distribution declares it."""
    declared = importlib.metadata.requires(DISTRIBUTION) or []
    found = []
    for each in declared:
        requirement, _semicolon, marker = each.partition(";")
        if not marker.strip() or re.fullmatch(rf"""extra\s*==\s*["']{EXTRA}["']""", marker.strip()):
            found.append(requirement.strip())
    return found


def _download(target: Target, folder: Path, wheels: Path | None) -> None:
    if importlib.util.find_spec("pip") is None:
        raise CouldNotTell(
            f"pip is not installed for this Python ({sys.executable}), and it fetches the wheels. "
            "Install it (`python -m ensurepip`)."
        )
    platforms = [part for name in target.platforms() for part in ("--platform", name)]
    source = ["--no-index", "--find-links", str(wheels)] if wheels else ["--retries", "2"]
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-input"),
        *("--disable-pip-version-check", "--dest", str(folder)),
        *("--only-binary=:all:", "--implementation", "cp"),
        *("--python-version", ".".join(map(str, target.python)), *platforms, *source),
        *requirements(),
    ]
    try:
        completed = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=DOWNLOAD_TIMEOUT_SECONDS,
        )
        errors = [line for line in completed.stderr.splitlines() if line.startswith("ERROR:")]
        last = errors[-1].removeprefix("ERROR:").strip() if errors else "pip did not say why"
        failed = completed.returncode != 0
    except subprocess.TimeoutExpired:
        failed, last = True, f"it took longer than {DOWNLOAD_TIMEOUT_SECONDS} seconds"
    if failed:
        raise CouldNotTell(
            f"The wheels for Python {target.python[0]}.{target.python[1]} on {target.platform} "
            f"could not be had from {wheels or 'PyPI'}: {last.rstrip('.')}. "
            "Where the host does not reach PyPI, fetch them elsewhere (`pip download`) and name "
            "their folder with --wheels."
        )


def _archive(target: Target, wheels: dict[str, bytes], digests: dict[str, str]) -> bytes:
    """The file: a shebang and an archive in which nothing depends on when or where it was made."""
    about = {
        "schema_version": 1,
        "python": list(target.python),
        "platform": target.platform,
        "machine": target.machine,
        "glibc": list(target.glibc) if target.glibc else None,
        "guard_version": __version__,
        "rulebook_version": RULEBOOK_VERSION,
        "wheels": digests,
    }
    own = dict(_own_files())
    first = own[f"own/launchplane_lane_guard/{FIRST_FILE}"]
    files = {
        "__main__.py": first,
        "bundle.json": json.dumps(about, sort_keys=True, indent=1).encode() + b"\n",
        **own,
        **{f"wheels/{name}": content for name, content in wheels.items()},
    }
    made = io.BytesIO()
    made.write(SHEBANG)
    # Stored as they are: wheels are compressed already, and how well depends on the machine.
    with zipfile.ZipFile(made, "a", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return made.getvalue()


def _own_files() -> Iterator[tuple[str, bytes]]:
    """The files of contracts and guard, found where they are installed and not imported."""
    for package in OWN_PACKAGES:
        specification = importlib.util.find_spec(package)
        if specification is None or not specification.submodule_search_locations:
            raise CouldNotTell(
                f"The package {package} is not installed beside this one; install "
                f"{DISTRIBUTION} anew."
            )
        root = Path(specification.submodule_search_locations[0]).resolve()
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root)
            if path.is_file() and "__pycache__" not in inside.parts and path.suffix != ".pyc":
                yield f"own/{package}/{inside.as_posix()}", path.read_bytes()
