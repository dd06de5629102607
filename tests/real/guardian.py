"""A process that outlives its parent by a moment: it ends the server that is left behind.

A killed test run can't clean up after itself. This program can: it holds the reading
end of a pipe whose writing end only the parent has. When the parent is gone, however it
went, the pipe closes; then the server of this one cluster is stopped and its directory
removed. It is started as a plain script, so it imports the standard library alone.
"""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

LOOKS = 3
PAUSE = 0.05


def processes_in(data_directory: Path) -> list[int]:
    """Every process that works in this directory: the server and all its children.

    The working folder is asked of the kernel. A process id in a file could be anybody's.
    """
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            working_folder = (entry / "cwd").readlink()
        except OSError:
            continue
        if working_folder == data_directory:
            found.append(int(entry.name))
    return found


def end_server(data_directory: Path, patience: float = 10.0) -> None:
    """Stop the server at once, and by force when it does not listen."""
    deadline = time.monotonic() + patience
    quiet_looks = 0
    # A server that is just being started is not visible at the first look.
    while quiet_looks < LOOKS:
        found = processes_in(data_directory)
        quiet_looks = 0 if found else quiet_looks + 1
        force = signal.SIGQUIT if time.monotonic() < deadline else signal.SIGKILL
        for process in found:
            try:
                os.kill(process, force)
            except OSError:
                continue
        time.sleep(PAUSE)


def main() -> None:
    """Wait for the parent's end, then leave nothing behind."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    directory, data_directory = Path(sys.argv[1]), Path(sys.argv[2])
    while os.read(sys.stdin.fileno(), 1):
        pass
    end_server(data_directory)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
