"""What is really there: read from the server and the disk, not from anything that we keep."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

from launchplane_lane_contracts.marker import FILESTORE_TAG_NAME
from tests.real.postgres import PrivateCluster

ODOO_CLEAN_UP_LIST = "checklist"
COUNTED = ("res_partner", "res_users", "ir_model", "ir_attachment")


@dataclass(frozen=True)
class Facts:
    """One database and one folder at one moment."""

    oid: int | None
    locked: bool | None
    counts: dict[str, int]
    orders: tuple[str, ...]
    """The business records that the demo's people wrote."""
    files: int
    files_digest: str

    def plain(self) -> dict[str, object]:
        """The same for a report."""
        return asdict(self)


def read_facts(cluster: PrivateCluster, database: str, filestore: Path) -> Facts:
    """Look."""
    rows = cluster.execute(
        f"SELECT oid::bigint, datistemplate, datallowconn FROM pg_database "
        f"WHERE datname = '{database}'"
    )
    oid, locked, open_ = rows[0] if rows else (None, None, False)
    counts: dict[str, int] = {}
    orders: tuple[str, ...] = ()
    if open_:
        for table in COUNTED:
            found = cluster.execute(f"SELECT to_regclass('public.{table}')::text", database)
            if found[0][0] is not None:
                counts[table] = cluster.execute(f"SELECT count(*) FROM {table}", database)[0][0]
        if "res_partner" in counts:
            orders = tuple(
                name
                for (name,) in cluster.execute(
                    "SELECT name FROM res_partner WHERE ref LIKE 'order-%' ORDER BY ref", database
                )
            )
    files, digest = read_tree(filestore)
    return Facts(oid, locked, counts, orders, files, digest)


def read_tree(folder: Path) -> tuple[int, str]:
    """How many files there are, and a digest over their names and contents.

    Our tag is not counted, nor is the list of files that Odoo's own clean-up goes through.
    """
    digest = hashlib.sha256()
    count = 0
    if folder.is_dir():
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if (
                path.is_file()
                and path.name != FILESTORE_TAG_NAME
                and inside.parts[0] != ODOO_CLEAN_UP_LIST
            ):
                count += 1
                digest.update(str(inside).encode() + b"\0")
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return count, digest.hexdigest()
