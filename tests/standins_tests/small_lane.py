"""A lane, its upstream and an image layer: each a database with a row, a folder with a file."""

import sys
from dataclasses import dataclass
from pathlib import Path

from tests.real.postgres import PrivateCluster
from tests.standins import devkit
from tests.standins.provider import run_child

LANE = "lane"
UPSTREAM = "upstream"
LAYER = "layer"
SCRIPT = Path(devkit.__file__)


@dataclass
class SmallLane:
    """Just enough of a lane for the order of the script's steps to show."""

    cluster: PrivateCluster
    folder: Path

    def make(self) -> None:
        """Make the three databases and their files."""
        for name in (LANE, UPSTREAM, LAYER):
            self.cluster.execute(f"CREATE DATABASE {name} OWNER odoo")
            opened = self.cluster.connect(name, autocommit=True)
            with opened.cursor() as cursor:
                cursor.execute(f"CREATE TABLE business AS SELECT '{name}' AS whose")
            opened.close()
            self.files(name).mkdir(parents=True)
            (self.files(name) / name).write_text(name)

    def remove(self) -> None:
        """Leave nothing for the next test."""
        for name in (LANE, UPSTREAM, LAYER):
            if self.exists(name):
                self.cluster.execute(f"ALTER DATABASE {name} IS_TEMPLATE false")
                self.cluster.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def files(self, name: str = LANE) -> Path:
        """The filestore of one database."""
        return self.folder / "filestore" / name

    def file_names(self) -> list[str]:
        """What lies in the lane's filestore."""
        return sorted(entry.name for entry in self.files().iterdir())

    def exists(self, name: str = LANE) -> bool:
        """Whether there is such a database."""
        return bool(self.cluster.execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))

    def lock(self) -> None:
        """Make it a template, which can't be dropped."""
        self.cluster.execute(f"ALTER DATABASE {LANE} IS_TEMPLATE true")

    def vacate(self) -> None:
        """Leave no database and no files under the lane's name, as setting aside does."""
        self.cluster.execute(f"DROP DATABASE {LANE}")
        (self.files() / LANE).unlink()
        self.files().rmdir()

    def whose(self) -> list[str]:
        """Whose rows the lane's database holds; its owner reads, so it is open as well."""
        opened = self.cluster.connect(LANE)
        try:
            with opened.cursor() as cursor:
                cursor.execute("SELECT whose FROM business")
                return [row[0] for row in cursor.fetchall()]
        finally:
            opened.close()

    def environment(self) -> dict[str, str]:
        """What the provider gives the script; Odoo is a program that does nothing."""
        role = self.cluster.odoo
        return {
            "PATH": self.cluster.environment()["PATH"],
            "LC_ALL": "C.UTF-8",
            "PGPORT": str(self.cluster.port),
            "ODOO_DB_HOST": self.cluster.host,
            "ODOO_DB_USER": role.name,
            "ODOO_DB_PASSWORD": role.password,
            "ODOO_DB_NAME": LANE,
            "ODOO_FILESTORE_PATH": str(self.folder / "filestore"),
            "ODOO_DATA_WORKFLOW_LOCK_FILE": str(self.folder / "workflow.lock"),
            "ODOO_UPSTREAM_HOST": self.cluster.host,
            "ODOO_UPSTREAM_DB_PORT": str(self.cluster.port),
            "ODOO_UPSTREAM_DB_USER": role.name,
            "ODOO_UPSTREAM_DB_PASSWORD": role.password,
            "ODOO_UPSTREAM_DB_NAME": UPSTREAM,
            "ODOO_UPSTREAM_FILESTORE_PATH": str(self.folder / "filestore"),
            "ODOO_COMMAND": '["true"]',
            "DEVKIT_TEMPLATE_DATABASE": LAYER,
            "DEVKIT_TEMPLATE_FILESTORE": str(self.files(LAYER)),
        }

    def run(self, *flags: str, **extra: str) -> tuple[int, str]:
        """Run the script bare; its exit code and all that it wrote."""
        code, log = run_child(
            (sys.executable, str(SCRIPT), *flags), self.environment() | extra, time_limit=60
        )
        return code, "\n".join(log)
