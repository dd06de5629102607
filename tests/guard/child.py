"""The guard as a child process: started, killed, or waited for, and its answer read.

Most runs are forks of this process, which skips the interpreter's start and nothing else: the
child has an environment, a standard input and an end of its own. A few run the real program.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import IO

from launchplane_lane_contracts.receipt import Receipt
from launchplane_lane_guard.command_line import main
from launchplane_lane_guard.commands.registry import COMMANDS

PROGRAM = (sys.executable, "-m", "launchplane_lane_guard")


def import_all_of_the_guard() -> None:
    """What it imports only when a command needs it is there before the first fork."""
    assert all(COMMANDS.values())
    import_module("launchplane_lane_guard.tokens")


import_all_of_the_guard()


@dataclass(frozen=True)
class Answer:
    """What one run of the guard came to."""

    exit_code: int
    receipt: Receipt | None
    words: str
    """Its standard error."""

    @property
    def codes(self) -> set[str]:
        """The codes of its reasons."""
        return {each.code.value for each in self.receipt.reasons} if self.receipt else set()


@dataclass
class Running:
    """A guard that was started."""

    process: int
    output: IO[bytes]
    errors: IO[bytes]

    def kill(self) -> None:
        """End it as a power cut would."""
        os.kill(self.process, signal.SIGKILL)

    def wait(self) -> Answer:
        """Wait for its end. A killed one has its signal, negative, as exit code."""
        _process, status = os.waitpid(self.process, 0)
        self.output.seek(0)
        self.errors.seek(0)
        answer = answer_of(
            os.waitstatus_to_exitcode(status), self.output.read(), self.errors.read()
        )
        self.output.close()
        self.errors.close()
        return answer


def answer_of(exit_code: int, output: bytes, errors: bytes) -> Answer:
    """Read the receipt, where there is one."""
    lines = output.strip().splitlines()
    receipt = Receipt.from_json(lines[-1]) if lines and lines[-1].startswith(b"{") else None
    return Answer(exit_code, receipt, errors.decode(errors="replace"))


def start(
    arguments: Sequence[str],
    given: bytes,
    environment: Mapping[str, str],
    prepare: Callable[[], None] = lambda: None,
) -> Running:
    """Start the guard in a fork of this process, which calls `prepare` before anything else."""
    source, output, errors = (tempfile.TemporaryFile() for _ in range(3))  # noqa: SIM115
    source.write(given)
    source.seek(0)
    process = os.fork()
    if process == 0:
        code = 70
        try:
            prepare()
            code = _child(arguments, environment, source, output, errors)
        except BaseException as problem:
            os.write(2, f"Traceback: {type(problem).__name__}: {problem}".encode(errors="replace"))
            code = 1
        finally:
            # Nothing of the parent's may be closed, flushed or reported a second time.
            os._exit(code)
    source.close()
    return Running(process, output, errors)


def _child(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    source: IO[bytes],
    output: IO[bytes],
    errors: IO[bytes],
) -> int:
    signal.alarm(0)
    # Tests that run in the background, or under nohup, inherit these ignored.
    for each in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(each, signal.SIG_DFL)
    for number, stream in enumerate((source, output, errors)):
        os.dup2(stream.fileno(), number)
    sys.stdin = os.fdopen(0, encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    os.environ.clear()
    os.environ.update(environment)
    code = main(list(arguments))
    sys.stdout.flush()
    sys.stderr.flush()
    return int(code)


def run_program(
    arguments: Sequence[str],
    given: bytes,
    environment: Mapping[str, str],
    program: Sequence[str] = PROGRAM,
) -> Answer:
    """Run the guard as its users do, from a new interpreter."""
    completed = subprocess.run(
        [*program, *arguments],
        input=given,
        capture_output=True,
        env=dict(environment),
        check=False,
        timeout=120,
    )
    return answer_of(completed.returncode, completed.stdout, completed.stderr)
