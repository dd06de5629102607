"""A guard that is held at one of its own steps: before a statement, a commit, a change of a file.

The child counts what it is about to do and stops before the step that was asked for, until the test
lets it go on or kills it. Nothing of the guard is replaced: the connections are psycopg2's, watched
from a subclass, and the files are watched by Python's audit events.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from tests.guard.child import Answer, Running
from tests.guard.estate import Estate

CHANGES_OF_FILES = frozenset({"os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir"})
READS = ("SELECT", "SHOW", "SET ")


class _Watch:
    """Counts this process's steps; `at` is told the number and the name of each."""

    def __init__(self, folder: str, at: Callable[[str], None], *, reads: bool) -> None:
        self.folder, self.at, self.reads = folder, at, reads

    def statement(self, text: str) -> None:
        words = " ".join(text.split())
        if self.reads or not words.upper().startswith(READS):
            self.at(f"sql {words[:60]}")

    def event(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name in CHANGES_OF_FILES:
            self.at(f"file {name} {Path(os.fsdecode(arguments[0])).name}")
        elif name == "open" and isinstance(arguments[0], str) and self._writes(arguments):
            self.at(f"file write {Path(arguments[0]).name}")

    def _writes(self, arguments: tuple[Any, ...]) -> bool:
        path, _mode, flags = arguments
        return path.startswith(self.folder) and bool(flags & (os.O_WRONLY | os.O_RDWR))

    def install(self) -> None:
        """Watch this process from now on."""
        watch = self

        class WatchedCursor(Cursor):
            def execute(self, query: Any, parameters: Any = None) -> None:
                text = query if isinstance(query, str) else query.as_string(self)
                watch.statement(text)
                super().execute(query, parameters)

        class WatchedConnection(Connection):
            def commit(self) -> None:
                watch.statement("COMMIT")
                super().commit()

        connect = psycopg2.connect

        def watched_connect(**named: Any) -> Any:
            return connect(
                connection_factory=WatchedConnection, cursor_factory=WatchedCursor, **named
            )

        psycopg2.connect = watched_connect  # type: ignore[assignment]
        sys.addaudithook(self.event)


def steps_of(lane: Estate, command: str, token: str, *, reads: bool = False) -> list[str]:
    """The names of all steps of one run, which is carried out."""
    source, sink = os.pipe()

    def prepare() -> None:
        os.close(source)
        _Watch(str(lane.folder), lambda name: _say(sink, name), reads=reads).install()

    running = lane.start_watched(command, token, prepare)
    os.close(sink)
    with os.fdopen(source, "rb") as stream:
        names = stream.read().decode().splitlines()
    answer = running.wait()
    assert answer.exit_code == 0, answer.words
    return names


def _say(sink: int, name: str) -> None:
    os.write(sink, name.encode(errors="replace") + b"\n")


@dataclass
class Held:
    """A guard that waits before a step."""

    running: Running
    step: str
    """The step; empty when the run had fewer."""
    wait_here: int

    def go_on(self) -> Answer:
        """Let it go on to its end."""
        if self.step:
            os.write(self.wait_here, b"go")
        os.close(self.wait_here)
        return self.running.wait()

    def kill(self) -> Answer:
        """End it here, as a power cut would."""
        self.running.kill()
        os.close(self.wait_here)
        return self.running.wait()


def held_before(
    lane: Estate, command: str, token: str, number: int, *, reads: bool = False
) -> Held:
    """Start a command and hold it before its step `number`, counted from 0."""
    told, tell = os.pipe()
    waits, go = os.pipe()
    count = -1

    def at(name: str) -> None:
        nonlocal count
        count += 1
        if count == number:
            _say(tell, name)
            os.read(waits, 2)

    def prepare() -> None:
        os.close(told)
        os.close(go)
        _Watch(str(lane.folder), at, reads=reads).install()

    running = lane.start_watched(command, token, prepare)
    os.close(tell)
    os.close(waits)
    with os.fdopen(told, "rb") as stream:
        step = stream.readline().decode().strip()
    return Held(running, step, go)
