"""One command that the guard runs: signals are passed on, and nothing of it outlives it."""

import ctypes
import functools
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
SECONDS_TO_END = 10.0
SECONDS_BETWEEN_LOOKS = 0.05
END_WITH_PARENT = 1
"""Linux's PR_SET_PDEATHSIG."""
DEAD_STATES = ("Z", "X")


class SignalsPassedOn:
    """While it is entered, signals to the guard go to the command and end nothing of the guard.

    Between `begin` and `finish` the guard has to stay: it alone knows how to go back.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        """The first signal that came."""
        self._process: subprocess.Popen[bytes] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in PASSED_ON:
            # One that the caller has the guard ignore stays ignored, by the command as well.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._pass_on)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self.received = self.received or number
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Run a command to its end, and end what it left; its exit code, as a shell says it.

        Raises OSError when it cannot be started.
        """
        # A group of its own: a signal from the terminal comes once, and what is left is found.
        process = subprocess.Popen(
            list(command),
            env=dict(environment),
            process_group=0,
            preexec_fn=functools.partial(end_with_parent, os.getpid()),
        )
        self._process = process
        if self.received is not None:
            # It came in the instant before the command could be told of it.
            process.send_signal(self.received)
        try:
            code = process.wait()
        finally:
            end_group(process.pid)
        return code if code >= 0 else 128 - code


def end_with_parent(guard: int) -> None:
    """In a command, before it starts: it must not outlive a guard that is killed.

    A script that fails later drops what then stands under the name, and that may be data that an
    undo has put back.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(END_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != guard:
        os._exit(128 + signal.SIGKILL)


def end_group(group: int) -> None:
    """End what is left of a process group, and wait until it is gone.

    A child of a script that was killed may go on writing; nothing may be moved while one does.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not _members(group):
            return
        with suppress(ProcessLookupError):
            os.killpg(group, number)
        limit = time.monotonic() + SECONDS_TO_END
        while _members(group) and time.monotonic() < limit:
            time.sleep(SECONDS_BETWEEN_LOOKS)


def _members(group: int) -> list[int]:
    """The living processes of a group; in a container nobody may collect the dead ones."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                # The name, in brackets, may hold anything; what follows it is fixed.
                state, _parent, its_group = (
                    (entry / "stat").read_bytes().rpartition(b")")[2].decode().split()[:3]
                )
                if int(its_group) == group and state not in DEAD_STATES:
                    found.append(int(entry.name))
    return found
