"""Databases by dump and restore, as an operator does it."""

import subprocess
import tempfile
from pathlib import Path

from tests.real.postgres import PrivateCluster

MADE_LIKE_ODOO = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"


def restore_into(
    source: PrivateCluster,
    target: PrivateCluster,
    database: str,
    restored: str,
    *,
    made: str = MADE_LIKE_ODOO,
    snapshot: str | None = None,
) -> None:
    """Dump a database with the target's own programs, and restore it under another name."""
    seen = [f"--snapshot={snapshot}"] if snapshot else []
    with tempfile.TemporaryDirectory(prefix="lane-dump-") as folder:
        dump = str(Path(folder) / "dump")
        subprocess.run(
            [str(target.binaries / "pg_dump"), "-Fc", "-Z1", *seen, "-f", dump, database],
            check=True,
            env=source.environment(source.odoo),
        )
        target.execute(f'CREATE DATABASE "{restored}" OWNER odoo {made}')
        subprocess.run(
            [
                *(str(target.binaries / "pg_restore"), "--no-owner", "--exit-on-error"),
                *("--jobs", "2", "-d", restored, dump),
            ],
            check=True,
            env=target.environment(target.odoo),
        )
