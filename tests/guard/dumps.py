"""Dumps and restores, by PostgreSQL's own programs and as one of the cluster's roles."""

import subprocess

from tests.guard import fingerprint
from tests.guard.estate import Estate
from tests.real.postgres import Role

DUMP = "dump"
"""The file of the lane's folder that a dump lies in."""


def dump(lane: Estate, database: str) -> None:
    """Dump a database into that file."""
    program(lane, "pg_dump", "-Fc", "-f", str(lane.folder / DUMP), database)


def restore(lane: Estate, database: str, *options: str, must_succeed: bool = True) -> None:
    """Restore that file into a database, which is made where it is not there."""
    if database not in fingerprint.databases(lane.cluster):
        lane.execute(f'CREATE DATABASE "{database}"')
    command = ("pg_restore", *options, "-d", database, str(lane.folder / DUMP))
    program(lane, *command, must_succeed=must_succeed)


def program(
    lane: Estate, *command: str, role: Role | None = None, must_succeed: bool = True
) -> int:
    """Run one of PostgreSQL's programs, by default as the lane's role; its exit code."""
    done = subprocess.run(
        command,
        env=lane.cluster.environment(role or lane.role),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 or not must_succeed, done.stderr
    return done.returncode
