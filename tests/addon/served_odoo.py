"""A running Odoo: started as a lane's container starts it, asked, and stopped."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests

from tests.addon.odoo_lane import OdooLane
from tests.real.postgres import free_port

START_PATIENCE_SECONDS = 60.0


@contextmanager
def served(
    lane: OdooLane, environment: Mapping[str, str], *arguments: str, pinned: bool = True
) -> Iterator[str]:
    """Odoo, with its database pinned or none, until the block ends. Gives its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with (
        (lane.folder / "served.log").open("w") as log,
        subprocess.Popen(
            lane.odoo.command(
                *("server", "--config", str(lane.configuration), "--http-port", str(port)),
                *(("--database", lane.database) if pinned else ()),
                # An argument that is given twice counts as it is given last.
                *("--max-cron-threads", "0", *arguments),
            ),
            env={**lane.odoo.environment(), **environment},
            cwd=lane.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        try:
            _wait(address, process)
            yield address
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"Odoo ended with code {process.returncode} while it started")
        try:
            requests.get(f"{address}/web/health", timeout=5)
        except requests.RequestException:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"Odoo did not answer on {address}")
