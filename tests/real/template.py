"""A freshly initialised Odoo database, made once and copied ever after.

Making one takes a minute and more; restoring its dump takes seconds, and copying it
inside a cluster takes about one. The dump and its filestore stay in the cache, keyed by
everything that they depend on.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.real.cache import build_once, cache_folder
from tests.real.odoo import OdooInstallation, find_odoo
from tests.real.postgres import PrivateCluster
from tests.real.processes import run
from tests.real.progress import step

DATABASE = "odoo_template"
MODULES = ("base", "web", "base_setup")
WITH_MAIL = (*MODULES, "mail")
# Raised when the way of making a template changes, so that old ones are not taken for new.
RECIPE = 2
GENERATE_ASSETS = "env['ir.qweb']._pregenerate_assets_bundles()\nenv.cr.commit()\n"


@dataclass(frozen=True)
class OdooTemplate:
    """An initialised database in the cache: a dump in PostgreSQL's format and the files."""

    folder: Path
    modules: tuple[str, ...]

    @property
    def dump(self) -> Path:
        """The dump, in pg_dump's directory format."""
        return self.folder / "dump"

    @property
    def filestore(self) -> Path:
        """The files that the database names."""
        return self.folder / "filestore"

    def restore(self, cluster: PrivateCluster, database: str = DATABASE) -> None:
        """Bring it into a cluster as a database of the role `odoo`."""
        create_empty(cluster, database)
        run(
            [
                *(str(cluster.binaries / "pg_restore"), "--dbname", database, "--jobs", "2"),
                *("--no-owner", "--no-privileges", "--exit-on-error", str(self.dump)),
            ],
            purpose=f"restore the Odoo template into the cluster on port {cluster.port}",
            remedy=f"If it stays so, remove {self.folder}: it is made anew.",
            environment=cluster.environment(cluster.odoo),
        )

    def create_lane(
        self,
        cluster: PrivateCluster,
        database: str,
        data_directory: Path,
        restored: str = DATABASE,
    ) -> Path:
        """Copy the restored template to a new database, and its files beside it.

        `data_directory` is what Odoo calls data_dir. Returns the lane's filestore folder.
        """
        copy_database(cluster, restored, database)
        filestore = data_directory / "filestore" / database
        filestore.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(self.filestore, filestore)
        return filestore


def create_empty(cluster: PrivateCluster, database: str) -> None:
    """An empty database as Odoo makes it: from template0, in UTF-8, with C's order."""
    cluster.execute(
        f'CREATE DATABASE "{database}" OWNER odoo TEMPLATE template0 '
        "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
    )


def copy_database(cluster: PrivateCluster, source: str, target: str) -> None:
    """Copy a database inside its cluster; nobody may be connected to the source."""
    cluster.execute(f'CREATE DATABASE "{target}" OWNER odoo TEMPLATE "{source}" STRATEGY file_copy')


def odoo_template(
    odoo: OdooInstallation | None = None,
    modules: Sequence[str] = MODULES,
    addons_paths: Sequence[Path] = (),
    version: str | None = None,
) -> OdooTemplate:
    """The template with these modules, from the cache or made now.

    `addons_paths` are folders of further addons; a template depends on what is in them.
    `version` is the PostgreSQL that it is to be restored into: a dump can't go back to an
    older one.
    """
    installation = odoo or find_odoo()
    names = tuple(dict.fromkeys(modules))
    folder = build_once(
        cache_folder() / "templates" / template_key(installation, names, addons_paths, version),
        "initialising the Odoo template",
        lambda target: make_template(target, installation, names, addons_paths, version),
    )
    return OdooTemplate(folder, names)


def template_key(
    odoo: OdooInstallation,
    modules: Sequence[str],
    addons_paths: Sequence[Path],
    version: str | None,
) -> str:
    """A folder name that changes with anything that the template depends on."""
    digest = hashlib.sha256()
    for part in (str(RECIPE), odoo.version, str(odoo.python_path), *modules, version or "default"):
        digest.update(part.encode() + b"\0")
    for folder in addons_paths:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(str(path.relative_to(folder)).encode() + b"\0")
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"odoo-{odoo.version}-{digest.hexdigest()[:16]}"


def make_template(
    target: Path,
    odoo: OdooInstallation,
    modules: Sequence[str],
    addons_paths: Sequence[Path],
    version: str | None,
) -> None:
    """Initialise a database in a cluster of its own, and keep its dump and files."""
    with (
        PrivateCluster(version=version) as cluster,
        tempfile.TemporaryDirectory(prefix="lane-template-") as scratch,
    ):
        data_directory = Path(scratch) / "data"
        configuration = Path(scratch) / "odoo.conf"
        configuration.write_text(configuration_text(cluster, data_directory, addons_paths))
        configuration.chmod(0o600)
        create_empty(cluster, DATABASE)
        common = ("--config", str(configuration), "--database", DATABASE)
        with step(f"Odoo {odoo.version}: initialising a database with {', '.join(modules)}"):
            run(
                odoo.command(
                    *("server", *common, "--init", ",".join(modules)),
                    *("--without-demo", "--stop-after-init", "--no-http"),
                ),
                purpose="initialise an Odoo database",
                environment=odoo.environment(),
                folder=Path(scratch),
            )
        with step("Odoo: generating the web client's assets"):
            run(
                odoo.command("shell", *common, "--no-http"),
                purpose="generate the web client's assets",
                environment=odoo.environment(),
                folder=Path(scratch),
                text_input=GENERATE_ASSETS,
            )
        with step("Odoo: keeping the database and its files in the cache"):
            keep(cluster, data_directory, target)


def configuration_text(
    cluster: PrivateCluster, data_directory: Path, addons_paths: Sequence[Path]
) -> str:
    """Odoo's configuration for this one run."""
    lines = [
        "[options]",
        f"db_host = {cluster.host}",
        f"db_port = {cluster.port}",
        f"db_user = {cluster.odoo.name}",
        f"db_password = {cluster.odoo.password}",
        f"data_dir = {data_directory}",
        "list_db = False",
        "log_level = warn",
    ]
    if addons_paths:
        lines.append(f"addons_path = {','.join(str(folder) for folder in addons_paths)}")
    return "\n".join([*lines, ""])


def keep(cluster: PrivateCluster, data_directory: Path, target: Path) -> None:
    """Dump the database and copy its filestore."""
    run(
        [
            *(str(cluster.binaries / "pg_dump"), "--format", "directory", "--jobs", "2"),
            *("--compress", "1", "--no-owner", "--no-privileges"),
            *("--file", str(target / "dump"), DATABASE),
        ],
        purpose="dump the initialised Odoo database",
        environment=cluster.environment(cluster.odoo),
    )
    shutil.copytree(data_directory / "filestore" / DATABASE, target / "filestore")
