"""Damaged backups: a copy of a good one that something was done to."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launchplane_lane_contracts.backup import BackupManifest
from launchplane_lane_guard.backups_folder import Backup, read_backup
from launchplane_lane_guard.capture import dump_files
from tests.guard.dumping import MADE_LIKE_ODOO
from tests.real.postgres import PrivateCluster

FORGE = "forge"


def copy_of(backup: Backup, backups: Path) -> Backup:
    """The same backup in another folder of backups."""
    folder = backups / backup.folder.name
    shutil.copytree(backup.folder, folder)
    return Backup(folder, backup.manifest)


def signed_again(backup: Backup, **changed: object) -> Backup:
    """With a manifest that fits what the folder holds now, as somebody would forge it."""
    manifest = BackupManifest.from_plain(
        backup.manifest.model_copy(
            update={
                "dump": backup.manifest.dump.model_copy(
                    update={"files": dump_files(backup.database)}
                ),
                **changed,
            }
        ).to_plain()
    )
    (backup.folder / "manifest.json").write_bytes(manifest.canonical())
    return read_backup(backup.folder.rename(backup.folder.parent / manifest.backup_id))


@contextmanager
def restored(cluster: PrivateCluster, backup: Backup) -> Iterator[str]:
    """The backup's data in a database, as what others are made from."""
    cluster.execute(f"CREATE DATABASE {FORGE} OWNER odoo {MADE_LIKE_ODOO}")
    try:
        subprocess.run(
            [cluster.binaries / "pg_restore", "--no-owner", "-d", FORGE, backup.database],
            check=True,
            env=cluster.environment(cluster.odoo),
        )
        yield FORGE
    finally:
        cluster.execute(f"DROP DATABASE {FORGE}")


def dumped_with(cluster: PrivateCluster, origin: str, backup: Backup, statement: str) -> Backup:
    """The backup with the dump of a database in which something was changed."""
    cluster.execute(f"CREATE DATABASE changed OWNER odoo TEMPLATE {origin}")
    try:
        cluster.execute(statement, "changed")
        shutil.rmtree(backup.database)
        subprocess.run(
            [cluster.binaries / "pg_dump", "-Fd", "-f", backup.database, "changed"],
            check=True,
            env=cluster.environment(cluster.superuser),
        )
    finally:
        cluster.execute("DROP DATABASE changed WITH (FORCE)")
    return signed_again(backup)


def flip(path: Path, place: int = -1) -> None:
    """Change one byte."""
    content = bytearray(path.read_bytes())
    content[place if place >= 0 else len(content) // 2] ^= 1
    path.write_bytes(content)
