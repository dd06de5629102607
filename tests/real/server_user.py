"""Which operating system user a private PostgreSQL server runs as.

PostgreSQL refuses to run as root. As root we therefore run it as the user `postgres`,
or as `nobody` where there is none; an ordinary user runs it as himself.
"""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from tests.real.errors import RealPartMissing

CANDIDATES = ("postgres", "nobody")


def server_user() -> pwd.struct_passwd | None:
    """The user to change to, or None when this process already is an ordinary user."""
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RealPartMissing(
        "PostgreSQL does not run as root, and neither the user postgres nor the user nobody "
        "exists here.\nCreate one of them, or run this as an ordinary user."
    )


def as_server_user(command: list[str]) -> list[str]:
    """The same command, run as the user of the server."""
    user = server_user()
    if user is None:
        return command
    if shutil.which("setpriv") is None:
        raise RealPartMissing(
            "The program setpriv is missing; it is needed to run PostgreSQL as the user "
            f"{user.pw_name}.\nInstall it with: apt-get install util-linux"
        )
    return [
        "setpriv",
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        "--",
        *command,
    ]


def may_reach(folder: Path) -> bool:
    """Whether the server's user can enter this folder; root's own home is closed to it."""
    completed = subprocess.run(
        as_server_user(["test", "-x", str(folder), "-a", "-r", str(folder)]),
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    return completed.returncode == 0


def give_to_server_user(path: Path) -> None:
    """Make the server's user the owner, where it is another one than ours."""
    user = server_user()
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)
