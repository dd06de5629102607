"""Runs `lane-authority`, which is killed just before one of its durable steps.

Durable steps are the commits of the store, files that take the place of others, and what the guard
is asked to do. Between two of them nothing changes that would outlive the process, so to die before
each of them, and after the last, is to die everywhere.
"""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from launchplane_lane_driver import command_line

NEVER = 0
"""The number of no step: the command comes to its end, and its steps are written down."""
LAST = "its last word"


class Steps:
    """Counts the steps, writes each down, and ends the process before one of them."""

    def __init__(self, dies_before: int, written_to: Path) -> None:
        self._dies_before = dies_before
        self._taken = 0
        self._written = os.open(written_to, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def next(self, name: str) -> None:
        """A step is about to be taken."""
        self._taken += 1
        os.write(self._written, f"{name}\n".encode())
        if self._taken == self._dies_before:
            os.kill(os.getpid(), signal.SIGKILL)

    def commit(self, connection: Connection) -> None:
        """The store is about to commit."""
        if connection.get_execution_options().get("lane_authority_writes"):
            self.next("commit")

    def audit(self, kind: str, given: tuple[Any, ...]) -> None:
        """The interpreter is about to do something."""
        if kind in ("os.rename", "os.link"):
            self.next(f"file {Path(os.fsdecode(given[1])).name}")
        elif kind == "subprocess.Popen":
            command = list(given[1])[1]
            if command != "show":
                self.next(f"guard {command}")


def main(arguments: Sequence[str]) -> int:
    """Run the command after the first two arguments: before which step it dies, and its record."""
    steps = Steps(int(arguments[0]), Path(arguments[1]))
    event.listen(Engine, "commit", steps.commit)
    sys.addaudithook(steps.audit)
    code = command_line.main(list(arguments[2:]))
    steps.next(LAST)
    return code
