"""A small lane on which the devkit's script can run, and the guard around it."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from launchplane_lane_contracts.contract import DatabaseName, FilestorePath
from launchplane_lane_contracts.policy import UpstreamSource
from tests.guard import child
from tests.guard.estate import Estate
from tests.standins import devkit

SCRIPT = str(Path(devkit.__file__).resolve())
COMMAND = (sys.executable, "-u", SCRIPT)
SECONDS_OF_PATIENCE = 60
WAITS = """\
#!/bin/sh
# Stands in for a program of the script's that takes long: says who started it, and waits.
echo $PPID $$ > {signal}.new && mv {signal}.new {signal}
exec sleep 600
"""


class DevkitLane:
    """The lane, its upstream and an image layer, and everything that the script is given."""

    def __init__(self, lane: Estate) -> None:
        self.lane = lane
        self.upstream_files = lane.folder / "upstream" / "upstream"
        self.layer_files = lane.folder / "layer"
        self.waiting = lane.folder / "waiting"
        self.lock_file = lane.folder / "workflow.lock"
        for name, files in (("upstream", self.upstream_files), ("layer", self.layer_files)):
            lane.create_database(name, name)
            lane.make_files(files, name)
        lane.upstream = UpstreamSource(
            name="the old server",
            host=lane.cluster.host,
            database=DatabaseName("upstream"),
            filestore_path=FilestorePath(str(self.upstream_files)),
        )

    def variables(self, **changed: str | None) -> dict[str, str | None]:
        """What the provider gives the script, beyond the lane's own environment."""
        role = self.lane.role
        return {
            "PATH": self.lane.cluster.environment()["PATH"],
            "ODOO_DATA_WORKFLOW_LOCK_FILE": str(self.lock_file),
            "ODOO_UPSTREAM_HOST": self.lane.cluster.host,
            "ODOO_UPSTREAM_DB_PORT": str(self.lane.cluster.port),
            "ODOO_UPSTREAM_DB_USER": role.name,
            "ODOO_UPSTREAM_DB_PASSWORD": role.password,
            "ODOO_UPSTREAM_DB_NAME": "upstream",
            "ODOO_UPSTREAM_FILESTORE_PATH": str(self.upstream_files),
            "ODOO_COMMAND": '["true"]',
            "DEVKIT_TEMPLATE_DATABASE": "layer",
            "DEVKIT_TEMPLATE_FILESTORE": str(self.layer_files),
            **changed,
        }

    def start(self, token: str, *flags: str, **changed: str | None) -> child.Running:
        """Start `run` with the script and these flags."""
        return self.start_command(token, (*COMMAND, *flags), **changed)

    def start_command(
        self, token: str, command: Sequence[str], **changed: str | None
    ) -> child.Running:
        """Start `run` with any command."""
        permit = self.lane.folder / "permit"
        permit.write_text(token)
        arguments = ["run", "--permit", str(permit), "--", *command]
        return self.lane.start_with(arguments, "", **self.variables(**changed))

    def run(self, token: str, *flags: str, **changed: str | None) -> child.Answer:
        """Run it to its end."""
        return self.checked(self.start(token, *flags, **changed).wait())

    @staticmethod
    def checked(answer: child.Answer) -> child.Answer:
        """The answer, which never is a traceback."""
        assert "Traceback" not in answer.words, answer.words
        return answer

    def whose(self) -> str:
        """Whose rows stand under the lane's name."""
        ((found,),) = self.lane.cluster.execute(
            "SELECT min(name) FROM res_partner", self.lane.database
        )
        return str(found).split()[0]

    # -- a script that is held at one of its steps ---------------------------------

    def waiting_odoo(self) -> dict[str, str | None]:
        """Variables with which the script waits when it installs: its database is made by then."""
        program = self._waiting_program(self.lane.folder / "programs" / "odoo")
        return {"ODOO_COMMAND": json.dumps([program]), "ODOO_INSTALL_MODULES": "sale"}

    def waiting_dump(self) -> dict[str, str | None]:
        """Variables with which it waits for its upstream's dump: nothing is made by then."""
        program = Path(self._waiting_program(self.lane.folder / "programs" / "pg_dump"))
        path = self.lane.cluster.environment()["PATH"]
        return {"PATH": f"{program.parent}:{path}"}

    def _waiting_program(self, path: Path) -> str:
        path.parent.mkdir()
        path.write_text(WAITS.format(signal=self.waiting))
        path.chmod(0o755)
        return str(path)

    def wait_until_it_waits(self) -> tuple[int, int]:
        """The script, and the program that it waits for."""
        until(self.waiting.exists)
        script, program = map(int, self.waiting.read_text().split())
        return script, program


def until(condition: Callable[[], object]) -> None:
    """Wait for something that will come true."""
    limit = time.monotonic() + SECONDS_OF_PATIENCE
    while not condition():
        assert time.monotonic() < limit, "it did not come true"
        time.sleep(0.02)


def is_alive(process: int) -> bool:
    """Whether a process is there and is more than a dead one that nobody has collected."""
    try:
        state = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except OSError:
        return False
    return state != b"Z"


def end(process: int) -> None:
    """End what a test has left, if it is there."""
    if is_alive(process):
        os.kill(process, signal.SIGKILL)
