"""Programs in a chain, each reading what the one before it writes; none outlives this process."""

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from launchplane_lane_contracts.errors import CouldNotTell

from .child import end_with_parent
from .client_programs import last_words

LONGEST_WORDS = 4_000


@dataclass(frozen=True)
class Step:
    """One program of a chain."""

    command: Sequence[str]
    environment: Mapping[str, str]


def run_chain(what: str, *steps: Step) -> None:
    """Run the programs to their end. Raises CouldNotTell with the last words of those that failed.

    A program that ends early ends the one that feeds it, and one that is ended gives no more.
    """
    running: list[subprocess.Popen[bytes]] = []
    words = [tempfile.TemporaryFile() for _step in steps]  # noqa: SIM115
    try:
        for step, said in zip(steps, words, strict=True):
            fed_by = running[-1].stdout if running else None
            running.append(_start(step, fed_by, said, feeds=step is not steps[-1]))
            if fed_by is not None:
                fed_by.close()
        for process in running:
            process.wait()
        failed = [
            f"{Path(step.command[0]).name}: {words_of(said)}"
            for step, process, said in zip(steps, running, words, strict=True)
            if process.returncode
        ]
    except OSError as problem:
        raise CouldNotTell(f"{what} failed: {problem}.") from None
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.wait()
        for said in words:
            said.close()
    if failed:
        raise CouldNotTell(f"{what} failed. {'; '.join(failed)}")


def _start(
    step: Step, fed_by: IO[bytes] | None, said: IO[bytes], *, feeds: bool
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        list(step.command),
        env=dict(step.environment),
        stdin=fed_by or subprocess.DEVNULL,
        stdout=subprocess.PIPE if feeds else subprocess.DEVNULL,
        stderr=said,
        preexec_fn=partial(end_with_parent, os.getpid()),
    )


def words_of(stream: IO[bytes]) -> str:
    """The end of what a program said, for people. Raises OSError."""
    stream.seek(0, os.SEEK_END)
    stream.seek(max(0, stream.tell() - LONGEST_WORDS))
    return last_words(stream.read())
