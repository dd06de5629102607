"""A program whose whole process group ends with the guard, however the guard ends.

`pg_dump` and Odoo have children of their own, which a signal at the guard's death would not reach:
they would go on writing to a folder that is no backup any more. So a small process stands between
that sees the guard go, and ends the group.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_WATCH = """
import os, select, signal, subprocess, sys
os.umask(0o077)
line = int(sys.argv[1])
try:
    child = subprocess.Popen(sys.argv[2:], process_group=0, stdin=subprocess.DEVNULL)
except OSError as problem:
    sys.exit(f"{sys.argv[2]}: {problem.strerror}")
over = os.pidfd_open(child.pid)
ready, _, _ = select.select([line, over], [], [])
if over not in ready:
    os.killpg(child.pid, signal.SIGKILL)
code = child.wait()
try:
    # What it left behind in its group goes as well.
    os.killpg(child.pid, signal.SIGKILL)
except ProcessLookupError:
    pass
sys.exit(code if code >= 0 else 128 - code)
"""


@contextmanager
def started(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    output: IO[bytes] | int = subprocess.DEVNULL,
    errors: IO[bytes] | int = subprocess.DEVNULL,
    folder: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program; at the end of the block it and all of its children are gone.

    What it writes belongs to this user alone (umask 077). Raises OSError.
    """
    ours, theirs = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WATCH, str(ours), *command],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            pass_fds=(ours,),
            cwd=folder,
            # A signal from the terminal is for the guard, which then ends the rest.
            process_group=0,
        )
    except BaseException:
        os.close(theirs)
        raise
    finally:
        os.close(ours)
    try:
        yield process
    finally:
        os.close(theirs)
        process.wait()
