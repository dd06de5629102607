"""What this machine must have, and how Debian provides it.

As root the missing packages are installed. An ordinary user is told the one line that
installs everything that is missing, after everything has been looked for.
"""

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.real.errors import RealPartMissing
from tests.real.processes import cleaned_environment, run
from tests.real.progress import step
from tests.real.server_binaries import debian_binaries

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Part:
    """One thing that a run needs from the machine."""

    package: str
    purpose: str
    is_there: Callable[[], bool]
    # Whether an ordinary user can go on without it.
    replaceable: bool = False


def program(name: str) -> Path | None:
    """Where a program is, or None."""
    found = shutil.which(name)
    return Path(found) if found else None


def chromium() -> Path | None:
    """The browser that screens are shot with, or None."""
    return next((found for name in BROWSERS if (found := program(name))), None)


VIRTUAL_ENVIRONMENTS = Part(
    "python3-venv",
    "Python's own tool for environments",
    lambda: importlib.util.find_spec("ensurepip") is not None,
)
PARTS = (
    Part(
        "postgresql",
        "PostgreSQL's own server (else a wheel from PyPI is used)",
        lambda: bool(debian_binaries()),
        replaceable=True,
    ),
    Part("rsync", "the devkit's way of copying a filestore", lambda: bool(program("rsync"))),
    VIRTUAL_ENVIRONMENTS,
    Part("openssh-client", "approvals are SSH signatures", lambda: bool(program("ssh-keygen"))),
)
BROWSER = Part("chromium", "screens are shot with a real browser", lambda: bool(chromium()))
NPM = Part("npm", "Mermaid, which draws diagrams, comes by it", lambda: bool(program("npm")))


def missing_parts(browser: bool = False, npm: bool = False) -> list[Part]:
    """What is not there, of what a run needs."""
    wanted = [*PARTS, *([BROWSER] if browser else ()), *([NPM] if npm else ())]
    return [part for part in wanted if not part.is_there()]


def install_line(parts: Iterable[Part]) -> str:
    """The one line that puts everything right."""
    return "sudo apt-get install " + " ".join(part.package for part in parts)


def provide(browser: bool = False, npm: bool = False) -> None:
    """See that the machine has what a run needs; as root, install what is missing."""
    missing = missing_parts(browser, npm)
    if not missing:
        return
    if os.geteuid() == 0 and program("apt-get"):
        install([part.package for part in missing])
        missing = missing_parts(browser, npm)
    if any(not part.replaceable for part in missing):
        raise RealPartMissing(explain(missing))


def explain(missing: list[Part]) -> str:
    """Say what is missing, why it is needed, and the one line that installs it."""
    lines = [f"    {part.package}: {part.purpose}" for part in missing]
    return "\n".join(
        [
            "These Debian packages are missing on this machine:",
            *lines,
            "Install them all with this line, then run the same command again:",
            f"    {install_line(missing)}",
        ]
    )


def install(packages: list[str]) -> None:
    """Install Debian packages, with fresh package lists."""
    environment = cleaned_environment({"DEBIAN_FRONTEND": "noninteractive"})
    with step(f"Debian: installing {' '.join(packages)}"):
        run(
            ["apt-get", "update", "-q"],
            purpose="refresh the lists of Debian packages",
            remedy="Check the network and this machine's apt sources.",
            environment=environment,
        )
        run(
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages],
            purpose=f"install the Debian packages {' '.join(packages)}",
            remedy="Run the same line by hand to see what stands in the way: apt-get install "
            + " ".join(packages),
            environment=environment,
        )
