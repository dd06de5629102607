"""Runs `lane-authority` and the guard in forks of one process that has imported both.

It skips the interpreter's start, which is most of a short run, and nothing else: each run has
an environment, arguments, streams and an end of its own, and can be killed like any process.
"""

import ast
import ctypes
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

PROGRAMS = {
    "guard": "launchplane_lane_guard.command_line",
    "driver": "launchplane_lane_driver.command_line",
    # The driver, which dies before one of its durable steps.
    "dying": "tests.driver.dying",
    # The driver as it was run some time ago.
    "behind": "tests.driver.behind",
    # The guard, whose rule book says yes to everything.
    "unruly guard": "tests.driver.rule_book_off",
}
CHECKOUT = Path(__file__).resolve().parents[2]
ADOPT_ORPHANS = 36
"""Linux's PR_SET_CHILD_SUBREAPER."""
LARGEST_REQUEST = 1_000_000
SECONDS_TO_START = 30

CLIENT = """\
#!{python} -IS
# Enters the lane's runtime and runs the guard there, as `docker exec -i` would. It imports nothing
# that has to be read from a file: that would be most of its time.
import _socket, posix, sys
line = _socket.socket(_socket.AF_UNIX)
line.connect({address!r})
request = {{
    "program": {program!r}, "arguments": sys.argv[1:], "environment": {environment!r},
    "group": posix.getpgrp(),
}}
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)
line.sendmsg([repr(request).encode()], [rights])
answers = b""
while answers.count(b"\\n") < 2 and (more := line.recv(4096)):
    answers += more
code = int(answers.split(b"\\n")[1].split(b":")[1].rstrip(b"}} "))
sys.exit(code if code >= 0 else 128 - code)
"""


@dataclass(frozen=True)
class Done:
    """What one run came to."""

    code: int
    """The exit code; negative for the signal that ended it."""
    stdout: str
    stderr: str


class Run:
    """One run that was started."""

    def __init__(self, line: socket.socket, output: IO[bytes], errors: IO[bytes]) -> None:
        self._line, self._answers = line, line.makefile()
        self._output, self._errors = output, errors
        self.process = int(json.loads(self._answers.readline())["process"])

    def kill(self) -> None:
        """End it as a power cut would; one that is over already stays what it was."""
        try:
            os.kill(self.process, signal.SIGKILL)
        except ProcessLookupError:
            return

    def cut_off(self) -> None:
        """End it, and all that it started, at the same moment: the guard as well."""
        # Nobody is left there when it was over.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process, signal.SIGKILL)

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        os.kill(self.process, signal.SIGINT)

    def lines(self, number: int) -> list[str]:
        """Its first lines, once it has written so many."""
        until = time.monotonic() + SECONDS_TO_START
        while True:
            # The offset is shared with the run, so it must not be moved.
            written = os.pread(self._output.fileno(), LARGEST_REQUEST, 0).decode()
            if written.count("\n") >= number:
                return written.splitlines()[:number]
            if time.monotonic() > until:
                raise RuntimeError(f"it wrote {written.count(chr(10))} lines, not {number}")
            time.sleep(0.02)

    def wait(self, *, and_orphans: bool = False) -> Done:
        """Wait for its end, and for that of what it left running."""
        code = int(json.loads(self._answers.readline())["code"])
        if and_orphans:
            self.wait_for_orphans()
        texts = []
        for stream in (self._output, self._errors):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
            stream.close()
        return Done(code, *texts)

    def wait_for_orphans(self) -> None:
        """Wait for the end of what a run left running."""
        self._answers.readline()
        self._line.close()


class ForkServer:
    """The process that forks; a context manager."""

    def __enter__(self) -> Self:
        """Start it and wait until it listens."""
        self._folder = tempfile.TemporaryDirectory(prefix="lane-fork-")
        self.address = str(Path(self._folder.name) / "socket")
        self._server = subprocess.Popen(
            [sys.executable, "-P", __file__, self.address],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        )
        until = time.monotonic() + SECONDS_TO_START
        while not Path(self.address).exists():
            if time.monotonic() > until or self._server.poll() is not None:
                raise RuntimeError("the fork server did not start")
            time.sleep(0.02)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._server.kill()
        self._server.wait()
        self._folder.cleanup()

    def start(self, program: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Run:
        """Start one run with nothing on its standard input."""
        output, errors = (tempfile.TemporaryFile() for _stream in range(2))  # noqa: SIM115
        line = socket.socket(socket.AF_UNIX)
        line.connect(self.address)
        request = {
            "program": program,
            "arguments": list(arguments),
            "environment": dict(environment),
        }
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            streams = [nothing, output.fileno(), errors.fileno()]
            socket.send_fds(line, [repr(request).encode()], streams)
        finally:
            os.close(nothing)
        return Run(line, output, errors)

    def guard_program(self, environment: Mapping[str, str], program: str = "guard") -> str:
        """The text of a program that runs the guard in this environment."""
        return CLIENT.format(
            python=sys.executable,
            address=self.address,
            environment=dict(environment),
            program=program,
        )


def serve(address: str) -> None:
    """Answer one request after another, each in a process of its own."""
    for module in PROGRAMS.values():
        importlib.import_module(module)
    import_all_of_both()
    # What is there already is looked at no more, so that a fork copies none of it.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address + ".new")
    listening.listen(64)
    Path(address + ".new").rename(address)
    while True:
        line, _peer = listening.accept()
        if os.fork() == 0:
            listening.close()
            _answer(line)
        line.close()


def import_all_of_both() -> None:
    """What both programs import only when a command needs it is there before the first fork."""
    from launchplane_lane_driver.commands.root import lane_authority

    assert all(lane_authority.commands.values())
    # It does the same for the guard.
    importlib.import_module("tests.guard.child")


def _answer(line: socket.socket) -> None:
    """Run one request to its end, and say how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(ADOPT_ORPHANS, 1, 0, 0, 0)
    text, streams, _flags, _peer = socket.recv_fds(line, LARGEST_REQUEST, 3)
    if not text:
        # Whoever asked was killed before it had said what for.
        os._exit(0)
    request = ast.literal_eval(text.decode())
    process = os.fork()
    if process == 0:
        line.close()
        _join(0, request)
        _run(request, streams)
    _join(process, request)
    # Only the run itself may hold its streams: whoever reads them waits for their end.
    for number in streams:
        os.close(number)
    try:
        line.sendall(json.dumps({"process": process}).encode() + b"\n")
        _process, status = os.waitpid(process, 0)
        line.sendall(json.dumps({"code": os.waitstatus_to_exitcode(status)}).encode() + b"\n")
        with suppress(ChildProcessError):
            while True:
                os.wait()
        line.sendall(b"over\n")
    except OSError:
        with suppress(ChildProcessError):
            os.waitpid(process, 0)
    os._exit(0)


def _join(process: int, request: Mapping[str, Any]) -> None:
    """Put a run into the group of who started it; where nobody is left there, it ends too."""
    try:
        os.setpgid(process, request.get("group", 0))
    except ProcessLookupError:
        return
    except PermissionError:
        os.kill(process or os.getpid(), signal.SIGKILL)


def _run(request: dict[str, Any], streams: list[int]) -> None:
    code = 70
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        os.environ.clear()
        os.environ.update(request["environment"])
        module = importlib.import_module(PROGRAMS[request["program"]])
        code = int(module.main(list(request["arguments"])))
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException as problem:
        os.write(2, f"Traceback: {type(problem).__name__}: {problem}\n".encode())
        code = 1
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
