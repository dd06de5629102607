"""One Odoo database in a private cluster, and Odoo's programs run on it as child processes."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from launchplane_lane_guard.database import query_through
from launchplane_lane_guard.marker_table import create_tables
from tests.real import OdooInstallation, PrivateCluster, find_odoo, odoo_template
from tests.real.template import DATABASE as TEMPLATE
from tests.real.template import MODULES, configuration_text

CHECKOUT = Path(__file__).parents[2]
ADDONS = CHECKOUT / "addons"
OTHER_ADDONS = Path(__file__).parent / "other_addons"
MEDDLER = "launchplane_meddler"
"""Another addon, which tries to write to our tables; its own tests say what comes of it."""
ADDON = "launchplane_lane_authority"
TABLES = ("launchplane_lane_marker", "launchplane_lane_event")
DATABASE = "lane"
PATIENCE_SECONDS = 200


@dataclass(frozen=True)
class OdooLane:
    """A database with Odoo in it, to which the guard came before the addon did."""

    cluster: PrivateCluster
    odoo: OdooInstallation
    folder: Path
    database: str

    @property
    def configuration(self) -> Path:
        """Odoo's configuration file."""
        return self.folder / "odoo.conf"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Odoo's server program to its end; what it logged is in `stdout`."""
        return self.child(self.odoo.command("server", *self.options(), *arguments))

    def shell(self, script: str) -> str:
        """What `odoo shell` prints when it runs the script."""
        done = subprocess.run(
            self.odoo.command("shell", *self.options(), "--no-http"),
            input=script,
            env=self.odoo.environment(),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        return done.stdout

    def options(self) -> tuple[str, ...]:
        """What every run of Odoo on this database has in common."""
        return ("--config", str(self.configuration), "--database", self.database)

    def child(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Any program in Odoo's environment."""
        return subprocess.run(
            command,
            env=self.odoo.environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def table_oids(self) -> list[object]:
        """The oids of both tables, which change when a table is made anew."""
        return [
            self.cluster.execute(f"SELECT to_regclass('public.{table}')::oid", self.database)[0][0]
            for table in TABLES
        ]


def make_lane(
    cluster: PrivateCluster,
    folder: Path,
    database: str = DATABASE,
    modules: Sequence[str] = MODULES,
) -> OdooLane:
    """A copy of the cached template, with the guard's tables and without the addon."""
    odoo, template = find_odoo(), odoo_template(modules=modules)
    restored = TEMPLATE if modules == MODULES else f"{TEMPLATE}_{modules[-1]}"
    if not cluster.execute(f"SELECT 1 FROM pg_database WHERE datname = '{restored}'"):
        template.restore(cluster, restored)
    template.create_lane(cluster, database, folder, restored)
    text = configuration_text(cluster, folder, (ADDONS, OTHER_ADDONS)).replace(
        "log_level = warn\n", ""
    )
    lane = OdooLane(cluster, odoo, folder, database)
    lane.configuration.write_text(text + "http_interface = 127.0.0.1\n")
    lane.configuration.chmod(0o600)
    connection = cluster.connect(database, autocommit=True)
    try:
        create_tables(query_through(connection))
    finally:
        connection.close()
    return lane


def guard_environment(lane: OdooLane) -> dict[str, str]:
    """How the guard in the lane's container reaches its database and files."""
    return {
        "ODOO_DB_HOST": lane.cluster.host,
        "ODOO_DB_PORT": str(lane.cluster.port),
        "ODOO_DB_USER": lane.cluster.odoo.name,
        "ODOO_DB_PASSWORD": lane.cluster.odoo.password,
        "ODOO_DB_NAME": lane.database,
        "ODOO_FILESTORE_PATH": str(lane.folder / "filestore"),
    }


def identity_json(product: str, context: str, instance: str) -> str:
    """What Launchplane puts into the environment of a lane's container."""
    return json.dumps(
        {
            "schema_version": 1,
            "product": product,
            "context": context,
            "instance": instance,
            "environment_kind": "stable",
            "deployment_record_id": "deployment-7",
            "artifact_id": "artifact-7",
            "source_git_ref": "main",
        }
    )
