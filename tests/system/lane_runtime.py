"""One lane's runtime: its environment, its Odoo as a child process, and its guard."""

import json
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from launchplane_lane_contracts.lane import Lane
from tests.real.odoo import OdooInstallation
from tests.real.postgres import PrivateCluster, free_port

ADDONS = Path(__file__).parents[2] / "addons"
SECONDS_TO_START = 90
SECONDS_TO_STOP = 15


class LaneRuntime:
    """What a container of this lane would be: environment, Odoo, guard, folders."""

    def __init__(
        self,
        lane: Lane,
        folder: Path,
        cluster: PrivateCluster,
        odoo: OdooInstallation,
        public_keys: Path,
        database: str,
    ) -> None:
        self.lane, self.folder, self.cluster, self.odoo = lane, folder, cluster, odoo
        self.public_keys, self.database = public_keys, database
        self.port = free_port()
        self.data_directory = folder / "data"
        self.filestore = self.data_directory / "filestore" / database
        self.keep = folder / "keep"
        self.log = folder / "odoo.log"
        self.identity: dict[str, object] = {
            "schema_version": 1,
            "product": lane.product,
            "context": lane.context,
            "instance": lane.instance,
            "environment_kind": "stable",
            "deployment_record_id": "deployment-0001",
            "artifact_id": "artifact-0001",
            "source_git_ref": "main",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.keep.mkdir(parents=True)
        self.data_directory.mkdir(parents=True)
        self._configuration = folder / "odoo.conf"
        self._configuration.write_text(
            "\n".join(
                (
                    "[options]",
                    f"db_host = {cluster.host}",
                    f"db_port = {cluster.port}",
                    f"db_user = {cluster.odoo.name}",
                    f"db_password = {cluster.odoo.password}",
                    f"db_name = {database}",
                    f"data_dir = {self.data_directory}",
                    f"addons_path = {odoo.addons},{ADDONS}",
                    "list_db = False",
                    "http_interface = 127.0.0.1",
                    f"http_port = {self.port}",
                    "log_level = warn",
                    "",
                )
            )
        )
        self._configuration.chmod(0o600)
        self.guard = folder / "guard"
        self._write_guard()

    @property
    def address(self) -> str:
        """Where its Odoo answers."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """What the lane's container has in its environment."""
        return {
            **self.cluster.environment(self.cluster.odoo, self.database),
            **self.odoo.environment(),
            "PATH": self.cluster.environment()["PATH"],
            "ODOO_DB_HOST": self.cluster.host,
            "ODOO_DB_PORT": str(self.cluster.port),
            "ODOO_DB_USER": self.cluster.odoo.name,
            "ODOO_DB_PASSWORD": self.cluster.odoo.password,
            "ODOO_DB_NAME": self.database,
            "ODOO_FILESTORE_PATH": str(self.filestore.parent),
            "LANE_AUTHORITY_KEEP": str(self.keep),
            "LANE_AUTHORITY_PUBLIC_KEYS": str(self.public_keys),
            "LAUNCHPLANE_RUNTIME_IDENTITY_JSON": json.dumps(self.identity),
        }

    def guard_environment(self, **changes: str) -> dict[str, str]:
        """The same without what only Odoo needs."""
        names = ("PATH", "LAUNCHPLANE_RUNTIME_IDENTITY_JSON")
        return {
            name: value
            for name, value in self.environment().items()
            if name.startswith(("ODOO_DB", "ODOO_FILESTORE", "LANE_AUTHORITY")) or name in names
        } | changes

    def _write_guard(self) -> None:
        """A program that enters this runtime and runs the guard there, as `docker exec` would."""
        variables = " ".join(
            shlex.quote(f"{name}={value}") for name, value in self.guard_environment().items()
        )
        self.guard.write_text(
            f"#!/bin/sh\nexec env -i {variables} {shlex.quote(sys.executable)} "
            '-P -m launchplane_lane_guard "$@"\n'
        )
        self.guard.chmod(0o700)

    def take_identity(self, identity: Mapping[str, object]) -> None:
        """What Launchplane puts into the environment of the next containers."""
        self.identity = dict(identity)
        self._write_guard()

    def launch(self) -> None:
        """Start Odoo, as a container is started: whether it comes up is another question."""
        if self._process is not None:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.odoo.command("server", "--config", str(self._configuration)),
                env=self.environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def start(self) -> None:
        """Start Odoo and wait until it answers. Raises RuntimeError with the end of its log."""
        self.launch()
        assert self._process is not None
        until = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.address}/web/health", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        tail = self.log.read_text(errors="replace")[-2000:]
        self.stop()
        raise RuntimeError(f"Odoo of {self.lane} did not come up:\n{tail}")

    def stop(self) -> None:
        """End Odoo, as stopping its container would."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def odoo_run(self, *arguments: str, text_input: str = "") -> None:
        """One run of `odoo` on this lane's database. Raises RuntimeError with its last words."""
        done = subprocess.run(
            self.odoo.command(*arguments, "--config", str(self._configuration), "--no-http"),
            env=self.environment(),
            cwd=self.folder,
            input=text_input.encode(),
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            words = (done.stdout + done.stderr).decode(errors="replace")[-2000:]
            raise RuntimeError(f"odoo {arguments[0]} on {self.lane} failed:\n{words}")
