"""A stand-in for the devkit's one script, which makes a lane's data; it knows nothing of us.

It destroys for real, in the same order as the real one, and nothing in it looks at markers,
tags, permits or policies. It is run by its path, imports the standard library alone and talks
to PostgreSQL through its client programs, which must be on PATH.

    python devkit.py [--bootstrap | --update-only | --post-deploy-maintenance] [--order older|newer]

No flag restores from upstream. Exit codes: 0 done; 10 the restore of the data failed; 20 the
bootstrap failed, or the lock is held; 30 bad arguments or settings; 40 the data is there but
what follows (sanitising, modules, settings) failed.

The environment beyond the real script's own: ODOO_UPSTREAM_DB_PORT and
ODOO_UPSTREAM_DB_PASSWORD (the real one goes over ssh), ODOO_COMMAND (a JSON list that runs
`odoo`), DEVKIT_TEMPLATE_DATABASE and DEVKIT_TEMPLATE_FILESTORE (an image layer with an
initialised database in it, so that a bootstrap takes seconds), DEVKIT_ORDER (the same as
--order, for callers whose flags are checked), and DEVKIT_FAIL_AFTER
(drop | create | restore | install: die there, as a killed container would, cleaning up nothing
but the lock).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import NoReturn

STEPS = ("drop", "create", "restore", "install")
BASE_MODULES = ("base", "web")

CLEAR_CREDENTIALS = (
    ("ir_mail_server", "UPDATE ir_mail_server SET smtp_user = NULL, smtp_pass = NULL"),
    ("fetchmail_server", 'UPDATE fetchmail_server SET "user" = NULL, password = NULL'),
    (
        "ir_config_parameter",
        "UPDATE ir_config_parameter SET value = '' "
        "WHERE key ~ '(api_key|secret|token)' AND key NOT LIKE 'database.%'",
    ),
)
SANITISE = (
    ("ir_mail_server", "UPDATE ir_mail_server SET active = false"),
    ("fetchmail_server", "UPDATE fetchmail_server SET active = false"),
    ("ir_cron", "UPDATE ir_cron SET active = false"),
)
APPLY_SETTINGS = """\
import os
for key in ("PLATFORM_CONTEXT", "PLATFORM_INSTANCE"):
    if os.environ.get(key):
        env["ir.config_parameter"].sudo().set_param(key.lower().replace("_", "."), os.environ[key])
env.cr.commit()
"""


class Answer(IntEnum):
    """The exit codes of the script."""

    DONE = 0
    RESTORE_FAILED = 10
    BOOTSTRAP_FAILED = 20
    BAD_ARGUMENTS = 30
    AFTER_RESTORE_FAILED = 40


class Failed(Exception):
    """A step did not work; `answer` is what the script then exits with."""

    def __init__(self, answer: Answer, message: str) -> None:
        super().__init__(message)
        self.answer = answer


class ClientFailed(Exception):
    """A client program ended with an error; its output is in the log already."""


@dataclass(frozen=True)
class Server:
    """Where a PostgreSQL is and who we are there."""

    host: str
    port: str
    user: str
    password: str

    def environment(self) -> dict[str, str]:
        """A child's environment in which libpq, and Odoo as well, mean this server.

        Passwords go this way alone, never on a command line, where others could read them.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return kept | {
            "PGHOST": self.host,
            "PGPORT": self.port,
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
        }


@dataclass(frozen=True)
class Upstream:
    """What a restore reads."""

    server: Server
    database: str
    filestore: Path


@dataclass(frozen=True)
class Settings:
    """What the environment says."""

    server: Server
    database: str
    filestore: Path
    lock_file: Path
    odoo: tuple[str, ...]
    modules: tuple[str, ...]
    addons_path: str
    template_database: str
    template_filestore: Path | None
    fail_after: str
    newer: bool


# -- what is said -----------------------------------------------------------------------


def log(line: str) -> None:
    """One plain line, without any password that the environment holds."""
    for name in ("ODOO_DB_PASSWORD", "ODOO_UPSTREAM_DB_PASSWORD"):
        secret = os.environ.get(name)
        if secret:
            line = line.replace(secret, "***")
    print(f"[devkit] {line}", flush=True)


def follow(
    command: Sequence[str], environment: Mapping[str, str], text_input: str | None = None
) -> None:
    """Run a program and pass its lines on. Raises ClientFailed when it ends with an error."""
    try:
        with tempfile.TemporaryFile("w+") as given:
            given.write(text_input or "")
            given.seek(0)
            child = subprocess.Popen(
                list(command),
                env=dict(environment),
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
    except OSError as error:
        raise ClientFailed(f"{command[0]} could not be started: {error}") from error
    with child:
        for line in child.stdout or ():
            log(f"  {line.rstrip()}")
    if child.returncode != 0:
        raise ClientFailed(f"{Path(command[0]).name} ended with code {child.returncode}")


# -- SQL through psql -------------------------------------------------------------------


def ask(server: Server, database: str, statement: str, **variables: str) -> list[str]:
    """Run one statement with psql and return its lines; `:'name'` stands for a variable."""
    command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database]
    for name, value in variables.items():
        command += ["-v", f"{name}={value}"]
    completed = subprocess.run(
        command,
        env=server.environment(),
        input=statement,
        capture_output=True,
        text=True,
        check=False,
    )
    if completed.returncode != 0:
        for line in completed.stderr.splitlines():
            log(f"  {line}")
        raise ClientFailed(f"psql ended with code {completed.returncode}")
    return completed.stdout.splitlines()


def database_exists(settings: Settings) -> bool:
    """Whether the lane's database is there. Raises ClientFailed when that can't be told."""
    found = ask(
        settings.server,
        "postgres",
        "SELECT 1 FROM pg_database WHERE datname = :'name'",
        name=settings.database,
    )
    return found == ["1"]


def allow_connections(settings: Settings, allowed: bool) -> None:
    """Let sessions in, or keep them out."""
    ask(
        settings.server,
        "postgres",
        f'ALTER DATABASE :"name" ALLOW_CONNECTIONS {str(allowed).lower()}',
        name=settings.database,
    )


def terminate_sessions(settings: Settings) -> None:
    """End the others' sessions, as far as we may."""
    ask(
        settings.server,
        "postgres",
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = :'name' AND pid <> pg_backend_pid()",
        name=settings.database,
    )


def table_exists(settings: Settings, table: str) -> bool:
    """Whether the lane's database has this table."""
    found = ask(
        settings.server,
        settings.database,
        "SELECT to_regclass(:'name') IS NOT NULL",
        name=f"public.{table}",
    )
    return found == ["t"]


# -- the steps --------------------------------------------------------------------------


def step_done(settings: Settings, step: str, answer: Answer) -> None:
    """Die here when a test asked for it."""
    if settings.fail_after == step:
        log(f"dying after the step {step}, as DEVKIT_FAIL_AFTER asks")
        sys.stdout.flush()
        settings.lock_file.unlink(missing_ok=True)
        os._exit(answer)


def copy_upstream_files(settings: Settings, upstream: Upstream) -> None:
    """Make the lane's filestore what the upstream one is; what is only here is deleted."""
    log(f"rsync of {upstream.filestore} into {settings.filestore}, with delete")
    settings.filestore.mkdir(parents=True, exist_ok=True)
    follow(
        ["rsync", "-a", "--delete", f"{upstream.filestore}/", f"{settings.filestore}/"],
        settings.server.environment(),
    )


def dump_upstream(upstream: Upstream, dump: Path) -> None:
    """Fetch the upstream database."""
    log(f"dump of {upstream.database} on {upstream.server.host}")
    follow(["pg_dump", "-Fc", "-f", str(dump), upstream.database], upstream.server.environment())


def drop(settings: Settings, force: bool) -> None:
    """Drop the lane's database, if it is there."""
    log(f"drop of {settings.database}{', forced' if force else ''}")
    forced = ["--force"] if force else []
    follow(
        ["dropdb", "--if-exists", *forced, "--maintenance-db=postgres", settings.database],
        settings.server.environment(),
    )


def create(settings: Settings) -> None:
    """Make an empty database under the lane's name."""
    log(f"create {settings.database}")
    follow(
        [
            *("createdb", "--maintenance-db=postgres", "--template=template0"),
            *("--encoding=UTF8", "--locale=C", settings.database),
        ],
        settings.server.environment(),
    )


def create_from_template(settings: Settings) -> None:
    """Make the lane's database from the image layer that holds an initialised one."""
    log(f"create {settings.database} from {settings.template_database}")
    follow(
        [
            *("createdb", "--maintenance-db=postgres", "--strategy=file_copy"),
            *("-T", settings.template_database, settings.database),
        ],
        settings.server.environment(),
    )
    if settings.template_filestore is not None:
        log(f"copy {settings.template_filestore} into {settings.filestore}")
        shutil.copytree(settings.template_filestore, settings.filestore, dirs_exist_ok=True)


def clean_filestore(settings: Settings) -> None:
    """Remove every file of the lane; the folder stays."""
    log(f"clean {settings.filestore}")
    settings.filestore.mkdir(parents=True, exist_ok=True)
    for entry in settings.filestore.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def load(settings: Settings, dump: Path) -> None:
    """Load the dump into the lane's new database."""
    log(f"restore into {settings.database}")
    follow(
        ["pg_restore", "--no-owner", "-d", settings.database, str(dump)],
        settings.server.environment(),
    )


def run_statements(settings: Settings, what: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Run each statement whose table is there."""
    log(what)
    for table, statement in pairs:
        if table_exists(settings, table):
            ask(settings.server, settings.database, statement)


def installed_modules(settings: Settings) -> set[str] | None:
    """What Odoo has installed in the lane's database; None where there is no Odoo in it."""
    if not database_exists(settings) or not table_exists(settings, "ir_module_module"):
        return None
    return set(
        ask(
            settings.server,
            settings.database,
            "SELECT name FROM ir_module_module WHERE state = 'installed'",
        )
    )


def odoo_arguments(settings: Settings) -> list[str]:
    """What every call of Odoo gets; the server and its password come by the environment."""
    arguments = ["--database", settings.database, "--no-http"]
    if settings.addons_path:
        arguments += ["--addons-path", settings.addons_path]
    # Odoo writes to data_dir/filestore/<database>: where that is the lane's folder, say so.
    if settings.filestore.parts[-2:] == ("filestore", settings.database):
        arguments += ["--data-dir", str(settings.filestore.parent.parent)]
    return arguments


def odoo_environment(settings: Settings) -> dict[str, str]:
    """Odoo reads PG* variables itself, and takes an empty addons path for a wrong one."""
    environment = settings.server.environment()
    if not settings.addons_path:
        environment.pop("ODOO_ADDONS_PATH", None)
    return environment


def install(settings: Settings) -> None:
    """Install what is missing and update what is there, with real Odoo."""
    installed = installed_modules(settings)
    wanted = dict.fromkeys(settings.modules)
    if installed is None and not settings.template_database:
        wanted = dict.fromkeys((*BASE_MODULES, *settings.modules))
    present = installed or set()
    new = [name for name in wanted if name not in present]
    old = [name for name in wanted if name in present]
    if not new and not old:
        log("no modules to install or update")
        return
    log(f"install {', '.join(new) or 'nothing'}; update {', '.join(old) or 'nothing'}")
    arguments = ["--without-demo", "--stop-after-init"]
    if new:
        arguments += ["--init", ",".join(new)]
    if old:
        arguments += ["--update", ",".join(old)]
    follow(
        [*settings.odoo, "server", *odoo_arguments(settings), *arguments],
        odoo_environment(settings),
    )
    # Odoo ignores the name of a module that it can't find, and ends without an error.
    now = installed_modules(settings)
    missing = [name for name in wanted if now is not None and name not in now]
    if missing:
        raise ClientFailed(f"Odoo did not install {', '.join(missing)}")


def apply_settings(settings: Settings) -> None:
    """Write the platform's settings through Odoo's shell."""
    log("apply settings")
    follow(
        [*settings.odoo, "shell", *odoo_arguments(settings)],
        odoo_environment(settings),
        APPLY_SETTINGS,
    )


# -- the modes --------------------------------------------------------------------------


def drop_for_restore(settings: Settings) -> None:
    """Drop what is there; when that fails, let people in again."""
    there = database_exists(settings)
    try:
        if there:
            allow_connections(settings, False)
            terminate_sessions(settings)
        drop(settings, force=settings.newer)
    except ClientFailed:
        if there:
            allow_connections(settings, True)
        raise


def restore(settings: Settings, upstream: Upstream) -> None:
    """Bring the upstream's data: files first, then the database."""
    answer = Answer.RESTORE_FAILED
    dropped = False
    try:
        copy_upstream_files(settings, upstream)
        with tempfile.TemporaryDirectory(prefix="devkit-") as scratch:
            dump = Path(scratch) / "upstream.dump"
            dump_upstream(upstream, dump)
            drop_for_restore(settings)
            dropped = True
            step_done(settings, "drop", answer)
            create(settings)
            step_done(settings, "create", answer)
            load(settings, dump)
        step_done(settings, "restore", answer)
        answer = Answer.AFTER_RESTORE_FAILED
        if settings.newer:
            run_statements(settings, "clear credentials", CLEAR_CREDENTIALS)
        run_statements(settings, "sanitise", SANITISE)
        install(settings)
        step_done(settings, "install", answer)
        apply_settings(settings)
    except (ClientFailed, OSError) as error:
        if dropped:
            drop_quietly(settings)
        raise Failed(answer, f"the restore failed: {error}") from error


def drop_quietly(settings: Settings) -> None:
    """Take away a half-restored database."""
    try:
        drop(settings, force=True)
    except ClientFailed as error:
        log(f"the half-restored database could not be dropped: {error}")


def drop_for_bootstrap(settings: Settings) -> None:
    """Drop what is there; forced where it can't be told whether anything is."""
    try:
        there = database_exists(settings)
    except ClientFailed:
        log("it can't be told whether the database exists")
        drop(settings, force=True)
        return
    if there:
        terminate_sessions(settings)
        drop(settings, force=settings.newer)


def bootstrap(settings: Settings) -> None:
    """Begin from nothing, or from the image layer."""
    answer = Answer.BOOTSTRAP_FAILED
    try:
        drop_for_bootstrap(settings)
        step_done(settings, "drop", answer)
        clean_filestore(settings)
        if settings.template_database:
            create_from_template(settings)
        else:
            create(settings)
        step_done(settings, "create", answer)
        install(settings)
        step_done(settings, "install", answer)
    except (ClientFailed, OSError) as error:
        raise Failed(answer, f"the bootstrap failed: {error}") from error


def update_only(settings: Settings) -> None:
    """Install and update modules on the data that is there."""
    try:
        install(settings)
        step_done(settings, "install", Answer.AFTER_RESTORE_FAILED)
    except ClientFailed as error:
        raise Failed(Answer.AFTER_RESTORE_FAILED, f"the update failed: {error}") from error


def post_deploy_maintenance(settings: Settings) -> None:
    """Apply settings to the data that is there."""
    try:
        apply_settings(settings)
    except ClientFailed as error:
        raise Failed(Answer.AFTER_RESTORE_FAILED, f"the maintenance failed: {error}") from error


# -- reading the environment ------------------------------------------------------------


def required(name: str) -> str:
    """A variable that must be there."""
    value = os.environ.get(name, "")
    if not value:
        raise Failed(Answer.BAD_ARGUMENTS, f"the environment variable {name} is missing")
    return value


def filestore_folder(path: str, database: str) -> Path:
    """The folder of one database's files."""
    base = Path(path)
    return base if base.name == database else base / database


def read_command(text: str) -> tuple[str, ...]:
    """The command line of Odoo."""
    try:
        command = json.loads(text)
    except ValueError:
        command = None
    if (
        not isinstance(command, list)
        or not command
        or not all(isinstance(part, str) for part in command)
    ):
        raise Failed(Answer.BAD_ARGUMENTS, "ODOO_COMMAND is not a JSON list of strings")
    return tuple(command)


def read_settings(order: str) -> Settings:
    """Everything but the upstream."""
    database = required("ODOO_DB_NAME")
    template_filestore = os.environ.get("DEVKIT_TEMPLATE_FILESTORE")
    fail_after = os.environ.get("DEVKIT_FAIL_AFTER", "")
    if fail_after and fail_after not in STEPS:
        raise Failed(
            Answer.BAD_ARGUMENTS, f"DEVKIT_FAIL_AFTER is {fail_after!r}, not one of {STEPS}"
        )
    names = (name.strip() for name in os.environ.get("ODOO_INSTALL_MODULES", "").split(","))
    return Settings(
        server=Server(
            host=required("ODOO_DB_HOST"),
            port=os.environ.get("ODOO_DB_PORT") or os.environ.get("PGPORT") or "5432",
            user=required("ODOO_DB_USER"),
            password=required("ODOO_DB_PASSWORD"),
        ),
        database=database,
        filestore=filestore_folder(required("ODOO_FILESTORE_PATH"), database),
        lock_file=Path(required("ODOO_DATA_WORKFLOW_LOCK_FILE")),
        odoo=read_command(os.environ.get("ODOO_COMMAND") or '["odoo"]'),
        modules=tuple(dict.fromkeys(name for name in names if name)),
        addons_path=os.environ.get("ODOO_ADDONS_PATH", ""),
        template_database=os.environ.get("DEVKIT_TEMPLATE_DATABASE", ""),
        template_filestore=Path(template_filestore) if template_filestore else None,
        fail_after=fail_after,
        newer=order == "newer",
    )


def read_upstream() -> Upstream:
    """Where a restore reads from; ODOO_UPSTREAM_USER is ssh's and has no use here."""
    database = required("ODOO_UPSTREAM_DB_NAME")
    return Upstream(
        server=Server(
            host=required("ODOO_UPSTREAM_HOST"),
            port=os.environ.get("ODOO_UPSTREAM_DB_PORT") or "5432",
            user=required("ODOO_UPSTREAM_DB_USER"),
            password=os.environ.get("ODOO_UPSTREAM_DB_PASSWORD", ""),
        ),
        database=database,
        filestore=filestore_folder(required("ODOO_UPSTREAM_FILESTORE_PATH"), database),
    )


class Parser(argparse.ArgumentParser):
    """A parser whose complaints have the script's own exit code."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and end."""
        log(f"bad arguments: {message}")
        sys.exit(Answer.BAD_ARGUMENTS)


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Which mode is asked for."""
    parser = Parser(prog="devkit", allow_abbrev=False)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--bootstrap", action="store_true")
    mode.add_argument("--update-only", action="store_true")
    mode.add_argument("--post-deploy-maintenance", action="store_true")
    parser.add_argument(
        "--order",
        choices=("older", "newer"),
        default=os.environ.get("DEVKIT_ORDER") or "newer",
    )
    return parser.parse_args(arguments)


@contextmanager
def workflow_lock(path: Path) -> Iterator[None]:
    """Hold the lock file, which no two runs can have made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError as error:
        raise Failed(Answer.BOOTSTRAP_FAILED, f"the lock {path} is held by another run") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def work(wanted: argparse.Namespace) -> None:
    """Do what is asked, under the lock."""
    settings = read_settings(wanted.order)
    restoring = not (wanted.bootstrap or wanted.update_only or wanted.post_deploy_maintenance)
    upstream = read_upstream() if restoring else None
    where = f"{os.environ.get('PLATFORM_CONTEXT', '')}/{os.environ.get('PLATFORM_INSTANCE', '')}"
    log(f"lane {where}, database {settings.database}")
    with workflow_lock(settings.lock_file):
        if upstream is not None:
            restore(settings, upstream)
        elif wanted.bootstrap:
            bootstrap(settings)
        elif wanted.update_only:
            update_only(settings)
        else:
            post_deploy_maintenance(settings)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run once; the result is the exit code."""
    try:
        work(read_arguments(arguments))
    except Failed as failure:
        log(str(failure))
        return failure.answer
    log("done")
    return Answer.DONE


if __name__ == "__main__":
    sys.exit(main())
