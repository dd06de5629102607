"""The devkit's script as it runs in a lane's container, ignorant of us."""

import subprocess
import sys
from pathlib import Path

from launchplane_lane_contracts.contract import DatabaseName, FilestorePath
from launchplane_lane_contracts.policy import UpstreamSource
from tests.driver.small_host import FILES, SmallLane
from tests.standins import devkit

SCRIPT = str(Path(devkit.__file__).resolve())


class DevkitBeside:
    """One lane's script, its image layer, and the old server that it may restore from."""

    def __init__(self, lane: SmallLane) -> None:
        self.lane = lane
        self.layer = lane.folder / "layer"
        # The script takes the folder of the database's name below what it is given.
        self.old = lane.folder / "old" / self._named("old")
        for name, files in ((self._named("layer"), self.layer), (self._named("old"), self.old)):
            lane.make_data(name.replace("_", "-"), name)
            for path, content in FILES.items():
                (files / path).parent.mkdir(parents=True, exist_ok=True)
                (files / path).write_bytes(name.encode() + content)
        self.upstream = UpstreamSource(
            name="the old server",
            host=lane.cluster.host,
            database=DatabaseName(self._named("old")),
            filestore_path=FilestorePath(str(self.old)),
        )

    def _named(self, what: str) -> str:
        return f"{self.lane.database}_{what}"

    def run(self, *flags: str, dies_after: str = "") -> int:
        """Run it to its end, or to where it dies as a killed container does; its exit code."""
        role = self.lane.cluster.odoo
        environment = {
            **self.lane.environment(),
            "PATH": self.lane.cluster.environment()["PATH"],
            "ODOO_DATA_WORKFLOW_LOCK_FILE": str(self.lane.folder / "workflow.lock"),
            "ODOO_UPSTREAM_HOST": self.upstream.host,
            "ODOO_UPSTREAM_DB_PORT": str(self.lane.cluster.port),
            "ODOO_UPSTREAM_DB_USER": role.name,
            "ODOO_UPSTREAM_DB_PASSWORD": role.password,
            "ODOO_UPSTREAM_DB_NAME": self.upstream.database,
            "ODOO_UPSTREAM_FILESTORE_PATH": self.upstream.filestore_path,
            "ODOO_COMMAND": '["true"]',
            "DEVKIT_TEMPLATE_DATABASE": self._named("layer"),
            "DEVKIT_TEMPLATE_FILESTORE": str(self.layer),
            "DEVKIT_FAIL_AFTER": dies_after,
        }
        done = subprocess.run(
            [sys.executable, "-u", SCRIPT, *flags],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        died = "dying after the step" in done.stdout
        assert died is bool(dies_after), done.stdout + done.stderr
        self.said = done.stdout + done.stderr
        return done.returncode

    def neutralise(self) -> None:
        """What `odoo neutralize` leaves behind for everybody to see."""
        self.lane.execute(
            "CREATE TABLE IF NOT EXISTS ir_config_parameter (key text UNIQUE, value text);"
            "INSERT INTO ir_config_parameter VALUES ('database.is_neutralized', 'true')",
            self.lane.database,
        )

    def whose(self) -> str:
        """Whose rows stand under the lane's name."""
        ((found,),) = self.lane.cluster.execute(
            "SELECT min(name) FROM res_partner", self.lane.database
        )
        return str(found).split()[0]
