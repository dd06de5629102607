"""A PostgreSQL cluster of our own: made for one run, gone after it.

It has its own data directory (so its own system identifier), its own port and socket,
and passwords of its own. It follows no PG* variable, touches no server that it did not
start, and does not outlive the process that made it.
"""

import atexit
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tests.real import guardian
from tests.real.errors import RealPartMissing
from tests.real.processes import cleaned_environment, last_lines, run
from tests.real.scram import verifier
from tests.real.server_binaries import find_binaries
from tests.real.server_user import as_server_user, give_to_server_user, may_reach

if TYPE_CHECKING:
    from psycopg2.extensions import connection

HOST = "127.0.0.1"
# The kernel's limit for the path of a socket is 107 bytes; PostgreSQL appends its own name.
LONGEST_SOCKET_FOLDER = 88
START_PATIENCE = 60.0
PORT_ATTEMPTS = 5

# Made for speed on a small machine, where nothing needs to survive a power cut. Commits
# stay synchronous: what was committed must still be there after `crash`.
CHEAP_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "max_wal_size": "2GB",
    "max_prepared_transactions": "5",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
QUICKLY = "STRATEGY = file_copy"
"""How a small database is made with the least work, where nothing has to reach the disk."""
# What has to be different where a test stops the server in the middle of its work.
DURABLE_SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "full_page_writes": "on",
}

_environment_lock = threading.Lock()


@dataclass(frozen=True)
class Role:
    """A database user that can log in to the cluster."""

    name: str
    password: str


class PrivateCluster:
    """One private server; a context manager that starts it and leaves nothing behind.

    It has two roles from the start: `superuser`, and `odoo`, the owner of lanes, which
    has CREATEDB and is a superuser itself only with `superuser_odoo`.
    """

    def __init__(
        self,
        directory: Path | None = None,
        version: str | None = None,
        superuser_odoo: bool = False,
        settings: Mapping[str, str] | None = None,
        durable: bool = False,
    ) -> None:
        found = find_binaries(version)
        self.version: str = found.version
        self.binaries: Path = found.folder
        self.host: str = HOST
        self.port: int = 0
        self.superuser = Role("postgres", secrets.token_hex(12))
        self.odoo = Role("odoo", secrets.token_hex(12))
        self.system_identifier: str = ""
        self._superuser_odoo = superuser_odoo
        self._settings = {
            **CHEAP_SETTINGS,
            **(DURABLE_SETTINGS if durable else {}),
            **(settings or {}),
        }
        self._asked_directory = directory
        self._directory: Path | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._guardian: subprocess.Popen[bytes] | None = None
        self._session: connection | None = None
        self._session_of = 0

    # -- its life ------------------------------------------------------------------

    def __enter__(self) -> Self:
        try:
            self._create()
            self.start()
            self._make_roles()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    @property
    def directory(self) -> Path:
        """The folder that holds everything of this cluster."""
        if self._directory is None:
            raise RealPartMissing("This private cluster is not running: enter it with `with`.")
        return self._directory

    @property
    def data_directory(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.directory / "data"

    @property
    def socket_directory(self) -> Path:
        """The folder of the server's unix socket."""
        return self.directory / "socket"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.directory / "server.log"

    @property
    def running(self) -> bool:
        """Whether the server runs at this moment."""
        return self._server is not None and self._server.poll() is None

    def start(self) -> None:
        """Start the server, after `stop` or `crash` as well, and wait until it answers."""
        if self.running:
            return
        for _attempt in range(PORT_ATTEMPTS):
            # A port that was free a moment ago may be taken; the same one is kept if it can be.
            self.port = self.port or free_port()
            if self._try_to_start():
                return
            self.port = 0
        raise RealPartMissing(
            f"Five ports in a row were taken on {HOST} while a private PostgreSQL was started.\n"
            "Find out what opens so many ports here, and try again."
        )

    def stop(self) -> None:
        """Stop the server in good order; `start` brings it back."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Stop the server as a power cut would: nothing is written out, recovery follows."""
        self._end(signal.SIGQUIT)

    def remove(self) -> None:
        """Stop the server and remove the whole cluster."""
        atexit.unregister(self.remove)
        # What is about to be deleted needs no orderly shutdown.
        self._end(signal.SIGQUIT)
        if self._guardian is not None and self._guardian.stdin is not None:
            self._guardian.stdin.close()
            self._guardian.wait()
            self._guardian = None
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    # -- what tests use ------------------------------------------------------------

    def environment(self, user: Role | None = None, database: str = "postgres") -> dict[str, str]:
        """A child's environment in which every client program means this cluster."""
        role = user or self.odoo
        return cleaned_environment(
            {
                "PATH": os.pathsep.join([str(self.binaries), os.environ.get("PATH", os.defpath)]),
                "PGHOST": self.host,
                "PGPORT": str(self.port),
                "PGUSER": role.name,
                "PGPASSWORD": role.password,
                "PGDATABASE": database,
            }
        )

    def connect(
        self,
        database: str = "postgres",
        user: str | Role | None = None,
        password: str | None = None,
        autocommit: bool = False,
    ) -> "connection":
        """A psycopg2 connection, as the owner of lanes unless another role is asked for."""
        import psycopg2  # The set-up runs before there is any third-party package.

        role = self._role(user, password)
        with without_steering_variables():
            opened = psycopg2.connect(
                host=self.host,
                port=self.port,
                user=role.name,
                password=role.password,
                dbname=database,
                connect_timeout=10,
            )
        opened.autocommit = autocommit
        return opened

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as superuser, outside a transaction, and return its rows.

        In the database `postgres` it is one session for all of them, which is made anew where it
        was ended; nobody's work there is in its way.
        """
        if database == "postgres":
            return _rows(self._standing_session(), statement)
        opened = self.connect(database, self.superuser, autocommit=True)
        try:
            return _rows(opened, statement)
        finally:
            opened.close()

    def _standing_session(self) -> "connection":
        import psycopg2

        process = os.getpid()
        opened = self._session if self._session_of == process else None
        if opened is not None:
            try:
                _rows(opened, "SELECT 1")
            except psycopg2.Error:
                opened.close()
            else:
                return opened
        # A fork must not speak on its parent's connection.
        self._session_of = process
        self._session = self.connect("postgres", self.superuser, autocommit=True)
        return self._session

    def create_role(
        self, name: str, password: str, superuser: bool = False, createdb: bool = True
    ) -> Role:
        """Make another role that can log in."""
        options = [
            "LOGIN",
            "SUPERUSER" if superuser else "NOSUPERUSER",
            "CREATEDB" if createdb else "NOCREATEDB",
        ]
        identifier, kept = name.replace('"', '""'), verifier(password)
        self.execute(f"CREATE ROLE \"{identifier}\" {' '.join(options)} PASSWORD '{kept}'")
        return Role(name, password)

    # -- how it is done ------------------------------------------------------------

    def _role(self, user: str | Role | None, password: str | None) -> Role:
        if isinstance(user, Role):
            return user
        for known in (self.odoo, self.superuser):
            if user in (None, known.name) and password in (None, known.password):
                return known
        if user is None or password is None:
            raise ValueError("A role that this cluster did not make itself needs its password.")
        return Role(user, password)

    def _create(self) -> None:
        self._directory = self._make_directory()
        atexit.register(self.remove)
        self.socket_directory.mkdir()
        give_to_server_user(self.socket_directory)
        self.data_directory.mkdir(mode=0o700)
        give_to_server_user(self.data_directory)
        self.log.touch()
        give_to_server_user(self.log)
        self._guardian = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", guardian.__file__),
                *(str(self.directory), str(self.data_directory)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=cleaned_environment(),
            cwd="/",
            # Ctrl-C in the terminal is for the parent alone.
            start_new_session=True,
        )
        password_file = self.directory / "password"
        password_file.write_text(self.superuser.password + "\n")
        give_to_server_user(password_file)
        run(
            as_server_user(
                [
                    *(str(self.binaries / "initdb"), f"--pgdata={self.data_directory}"),
                    *(f"--username={self.superuser.name}", f"--pwfile={password_file}"),
                    *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
                    # Version 18 has checksums by default: all alike, so that pg_upgrade works.
                    *("--data-checksums", "--no-sync"),
                ]
            ),
            purpose=f"make a private PostgreSQL {self.version} cluster in {self.directory}",
            remedy="Check that there is space on that disk and that TMPDIR may be entered by all.",
            folder=Path("/"),
        )
        password_file.unlink()
        lines = [f"{name} = '{value}'" for name, value in self._settings.items()]
        with (self.data_directory / "postgresql.conf").open("a") as configuration:
            configuration.write("\n".join(["", "# What a private cluster sets.", *lines, ""]))

    def _make_directory(self) -> Path:
        if self._asked_directory is not None:
            directory = self._asked_directory.absolute()
            directory.mkdir(parents=True, exist_ok=True)
            if any(directory.iterdir()):
                raise RealPartMissing(
                    f"The folder {directory} is not empty, so no cluster is made in it.\n"
                    "Name a new folder: a private cluster removes its folder at the end."
                )
        else:
            directory = Path(tempfile.mkdtemp(prefix="lane-postgres-"))
            directory.chmod(0o755)
            if not may_reach(directory):
                directory.rmdir()
                directory = Path(tempfile.mkdtemp(prefix="lane-postgres-", dir="/tmp"))
        directory.chmod(0o755)
        directory = directory.resolve()
        if not may_reach(directory):
            raise RealPartMissing(
                f"The user that PostgreSQL runs as can't enter the folder {directory}.\n"
                "Name a folder whose every parent may be entered by all, or none at all."
            )
        if len(os.fsencode(directory / "socket")) > LONGEST_SOCKET_FOLDER:
            raise RealPartMissing(
                f"The folder {directory} has too long a name for a unix socket.\n"
                "Name a folder with a shorter path, or none at all."
            )
        return directory

    def _try_to_start(self) -> bool:
        before = self.log.stat().st_size
        with self.log.open("ab") as log:
            self._server = subprocess.Popen(
                as_server_user(
                    [
                        *(str(self.binaries / "postgres"), "-D", str(self.data_directory)),
                        *("-p", str(self.port), "-k", str(self.socket_directory)),
                        *("-c", f"listen_addresses={HOST}"),
                    ]
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=cleaned_environment(),
                cwd="/",
                start_new_session=True,
            )
        deadline = time.monotonic() + START_PATIENCE
        while self._server.poll() is None and time.monotonic() < deadline:
            if self._is_ready():
                self._read_system_identifier()
                return True
            time.sleep(0.02)
        written = self.log.read_bytes()[before:].decode(errors="replace")
        if self._server.poll() is not None and "Address already in use" in written:
            return False
        self._end(signal.SIGQUIT)
        raise RealPartMissing(
            f"A private PostgreSQL {self.version} did not start. Its log ends with:\n"
            + last_lines(written)
        )

    def _is_ready(self) -> bool:
        try:
            lines = (self.data_directory / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        # The server writes its process id, and in the eighth line what it is up to.
        return (
            len(lines) >= 8
            and self._server is not None
            and lines[0].strip() == str(self._server.pid)
            # A server that follows another one says `standby`.
            and lines[7].strip() in ("ready", "standby")
        )

    def _read_system_identifier(self) -> None:
        if self.system_identifier:
            return
        printed = run(
            as_server_user([str(self.binaries / "pg_controldata"), str(self.data_directory)]),
            purpose="read the system identifier of the private cluster",
            folder=Path("/"),
        )
        for line in printed.splitlines():
            label, _, value = line.partition(":")
            if label == "Database system identifier":
                self.system_identifier = value.strip()

    def _make_roles(self) -> None:
        kept = verifier(self.superuser.password)
        self.execute(f"ALTER ROLE {self.superuser.name} PASSWORD '{kept}'")
        self.create_role(self.odoo.name, self.odoo.password, superuser=self._superuser_odoo)

    def _end(self, how: signal.Signals) -> None:
        server = self._server
        if self._session is not None and self._session_of == os.getpid():
            self._session.close()
        self._session = None
        if server is None:
            return
        if server.poll() is None:
            server.send_signal(how)
            try:
                server.wait(timeout=START_PATIENCE)
            except subprocess.TimeoutExpired:
                guardian.end_server(self.data_directory, patience=0)
                server.wait()
        self._server = None


def _rows(opened: "connection", statement: str) -> list[tuple[Any, ...]]:
    with opened.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def free_port() -> int:
    """A port on this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def without_steering_variables() -> Iterator[None]:
    """Hide PG* variables from libpq, which reads them for whatever it is not told.

    An argument can't overrule all of them (PGSERVICE, PGOPTIONS), so they are taken out
    of the process for the moment of connecting.
    """
    with _environment_lock:
        hidden = {name: os.environ.pop(name) for name in list(os.environ) if name[:2] == "PG"}
        try:
            yield
        finally:
            os.environ.update(hidden)
