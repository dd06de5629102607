"""Runs the lane's guard in the process of the test, where it is the real one and nobody kills it.

A process of its own is most of the time of a short run. What is skipped is that process and nothing
else: the same entry point gets the same words, order, environment and server. A guard that a test
replaced, kills, or asks a second time meanwhile is a process, as ever.
"""

import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from launchplane_lane_driver import guard_client
from launchplane_lane_guard.command_line import main

AT_HOME: dict[Path, tuple[str, Mapping[str, str]]] = {}
"""The programs that stand for the real guard: what is in each, and in what environment it runs."""
ONE_AT_A_TIME = threading.Lock()
"""The environment and the streams are the process's own."""


class AtHome:
    """What the driver finds instead of the module `subprocess`."""

    TimeoutExpired = subprocess.TimeoutExpired

    @staticmethod
    def run(command: Sequence[str], **given: Any) -> subprocess.CompletedProcess[bytes]:
        """Run it here, or in a process."""
        program = Path(command[0])
        text, environment = AT_HOME.get(program, ("", {}))
        if not text or program.read_text() != text or not ONE_AT_A_TIME.acquire(blocking=False):
            return subprocess.run(command, **given)
        try:
            return run_here(command, given["input"], environment)
        finally:
            ONE_AT_A_TIME.release()


def run_here(
    command: Sequence[str], order: bytes, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    """One run of the guard in this process."""
    output, words = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(order)))
        for name in set(os.environ) - set(environment):
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        with redirect_stdout(output), redirect_stderr(words):
            code = main(list(command[1:]))
    return subprocess.CompletedProcess(
        command, code, output.getvalue().encode(), words.getvalue().encode()
    )


@contextmanager
def guards_at_home() -> Iterator[None]:
    """While it is entered, the driver in this process has its guards here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard_client, "subprocess", AtHome)
        yield
    AT_HOME.clear()
