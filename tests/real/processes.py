"""Child processes that inherit nothing surprising from the caller's environment."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.real.errors import RealPartMissing

# Variables that would steer PostgreSQL's or Odoo's programs from outside. A stale PGHOST
# that points at somebody's production is exactly what a test run must not follow.
STEERING_PREFIXES = ("PG",)
STEERING_NAMES = frozenset({"ODOO_RC", "OPENERP_SERVER", "PYTHONHOME", "PYTHONPATH"})
STEERING_LOCALE = ("LC_", "LANG")


def is_steering(name: str) -> bool:
    """Whether this variable could point a child at another server, configuration or language."""
    return (
        name.startswith(STEERING_PREFIXES)
        or name in STEERING_NAMES
        or name.startswith(STEERING_LOCALE)
    )


def cleaned_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's environment without anything that steers, and with a fixed locale."""
    cleaned = {name: value for name, value in os.environ.items() if not is_steering(name)}
    # One locale everywhere: messages that tests read stay English, text stays UTF-8.
    cleaned["LC_ALL"] = "C.UTF-8"
    cleaned["LANG"] = "C.UTF-8"
    cleaned.update(extra or {})
    return cleaned


def run(
    command: Sequence[str],
    *,
    purpose: str,
    remedy: str = "",
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    text_input: str | None = None,
) -> str:
    """Run a program to its end and return its standard output, or explain what failed.

    `purpose` completes the sentence "Could not …"; `remedy` is what the reader can do.
    """
    try:
        completed = subprocess.run(
            list(command),
            env=dict(environment) if environment is not None else cleaned_environment(),
            cwd=folder,
            input=text_input,
            stdin=subprocess.DEVNULL if text_input is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise RealPartMissing(
            sentence(f"Could not {purpose}: {command[0]} could not be started ({error}).", remedy)
        ) from error
    if completed.returncode != 0:
        raise RealPartMissing(
            sentence(
                f"Could not {purpose}: {command[0]} ended with code {completed.returncode}.",
                remedy,
                last_lines(completed.stderr + completed.stdout),
            )
        )
    return completed.stdout


def sentence(*parts: str) -> str:
    """Join what there is of a message, one part to a line."""
    return "\n".join(part for part in parts if part)


def last_lines(text: str, count: int = 25) -> str:
    """The end of a program's output, where the reason usually stands."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-count:])
