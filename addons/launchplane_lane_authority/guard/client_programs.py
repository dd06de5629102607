"""PostgreSQL's own programs for a server: `pg_dump` and `pg_restore`, of a version that fits it."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from launchplane_lane_contracts.errors import CouldNotTell

from .settings import GuardSettings

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(\.\d+|[a-z]+\d+)?")
_WHERE_PACKAGES_PUT_THEM = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")
SECONDS_TO_ANSWER = 20.0
PROGRAM_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "LD_LIBRARY_PATH")
LONGEST_WORDS = 2_000
PLAIN_DATA = (
    *("--no-owner", "--no-privileges", "--no-tablespaces"),
    *("--no-publications", "--no-subscriptions", "--no-security-labels"),
)
"""What belongs to the server and not to the data stays behind."""


@dataclass(frozen=True)
class ClientProgram:
    """One program that was found."""

    path: Path
    version: str
    """Its version, such as `15.8`."""

    @property
    def major(self) -> int:
        """The major version."""
        return int(re.split(r"\D", self.version)[0])


def fitting(name: str, server_version: int, *, not_older_than: int = 0) -> ClientProgram:
    """The program that fits a server of this version (`server_version_num`).

    `pg_dump` must not be older than the server, and what restores not older than what dumped
    (`not_older_than`, a major version): the nearest of those is taken. Raises CouldNotTell.
    """
    wanted = max(server_version // 10_000, not_older_than)
    found = sorted(_installed(name), key=lambda program: program.major)
    fits = next((each for each in found if each.major >= wanted), None)
    if fits is not None:
        return fits
    there = ", ".join(each.version for each in found) or "none"
    raise CouldNotTell(
        f"There is no {name} of version {wanted} or later here (found: {there}), and an older one "
        f"does not read this server. Install the client programs of PostgreSQL {wanted} in the "
        "lane's runtime (Debian: postgresql-client), then run the same command again."
    )


def _installed(name: str) -> Iterator[ClientProgram]:
    folders = [Path(each) for each in os.environ.get("PATH", os.defpath).split(":") if each]
    for pattern in _WHERE_PACKAGES_PUT_THEM:
        folders += sorted(Path("/").glob(pattern))
    seen = set()
    for folder in folders:
        path = folder / name
        # Debian's wrapper in /usr/bin picks a version by itself; the real ones stand elsewhere.
        if path.resolve() in seen or path.resolve().name == "pg_wrapper" or not path.is_file():
            continue
        seen.add(path.resolve())
        version = _version_of(path)
        if version is not None:
            yield ClientProgram(path, version)


def _version_of(path: Path) -> str | None:
    try:
        answer = subprocess.run(
            [path, "--version"],
            capture_output=True,
            timeout=SECONDS_TO_ANSWER,
            check=False,
            env=plain_environment(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(answer.stdout.decode(errors="replace"))
    return f"{match[1]}{match[2] or ''}" if match else None


def plain_environment() -> dict[str, str]:
    """What a program needs of the environment, and none of the variables that steer libpq."""
    found = {name: os.environ[name] for name in PROGRAM_ENVIRONMENT if name in os.environ}
    return {"PATH": os.defpath, **found}


def server_environment(settings: GuardSettings, database: str) -> Mapping[str, str]:
    """The same with one database of the lane's server. The password stands nowhere else."""
    return {
        **plain_environment(),
        "PGHOST": settings.host,
        "PGPORT": str(settings.port),
        "PGUSER": settings.user,
        "PGPASSWORD": settings.password,
        "PGDATABASE": database,
        "PGAPPNAME": "lane-authority-guard",
        "PGCONNECT_TIMEOUT": "10",
        "PGOPTIONS": "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 "
        "-c lock_timeout=20000",
    }


def last_words(text: bytes) -> str:
    """What a program said last, for people; libpq puts no password into its messages."""
    return text.decode(errors="replace").strip()[-LONGEST_WORDS:].replace("\n", "; ")
