"""Making data that is not the lane's own harmless, before anything can be served from it.

By the command that the lane's environment names, else by the SQL that each of its installed addons
brings for that, as Odoo's own `neutralize` does. What counts is that the database says so then.
"""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.errors import BadInput, Refused
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .child import end_with_parent
from .client_programs import server_environment
from .database import connected, query_through
from .program_chain import words_of
from .settings import GuardSettings

COMMAND_VARIABLE = "LANE_AUTHORITY_NEUTRALISE"
"""A command that neutralises the database which ODOO_DB_NAME names in its environment."""
ADDONS_PATH_VARIABLE = "ODOO_ADDONS_PATH"
FIRST = "base"


def neutralise(
    settings: GuardSettings, name: DatabaseName, environment: Mapping[str, str] = os.environ
) -> bool:
    """Neutralise a database; whether there was an Odoo in it to neutralise.

    Raises Refused when it could not be done, BadInput, psycopg2.Error.
    """
    with connected(settings, name) as connection:
        query = query_through(connection)
        if not _is_odoo(connection):
            return False
        modules = [
            str(module)
            for (module,) in query(
                "SELECT name FROM public.ir_module_module "
                "WHERE state IN ('installed', 'to upgrade', 'to remove') ORDER BY name",
                (),
            )
        ]
        command = environment.get(COMMAND_VARIABLE, "")
        if command:
            _run(command, settings, name, environment)
        else:
            _by_sql(connection, modules, environment)
        if not _says_so(connection):
            raise Refused.because(_failed("the database does not say that it is neutralised"))
    return True


def _is_odoo(connection: Connection) -> bool:
    ((table,),) = query_through(connection)(
        "SELECT pg_catalog.to_regclass('public.ir_module_module')::text", ()
    )
    return table is not None


def _by_sql(connection: Connection, modules: list[str], environment: Mapping[str, str]) -> None:
    folders = [
        Path(each.strip())
        for each in environment.get(ADDONS_PATH_VARIABLE, "").split(",")
        if each.strip()
    ]
    scripts = dict(_scripts(folders, modules))
    if FIRST not in scripts:
        raise Refused.because(
            _failed(
                f"Odoo's own addon `{FIRST}` is not below {ADDONS_PATH_VARIABLE}, so what "
                "neutralises is not known"
            )
        )
    connection.autocommit = False
    with connection.cursor() as cursor:
        # In the addons' own words tables have no schema.
        cursor.execute("SET LOCAL search_path TO public")
        cursor.execute("SET LOCAL statement_timeout TO 0")
        for script in scripts.values():
            cursor.execute(script)
    connection.commit()
    connection.autocommit = True


def _scripts(folders: list[Path], modules: list[str]) -> Iterator[tuple[str, str]]:
    for module in sorted(modules, key=lambda name: (name != FIRST, name)):
        for folder in folders:
            script = folder / module / "data" / "neutralize.sql"
            if script.is_file():
                yield module, script.read_text(encoding="utf-8")
                break


def _run(
    command: str, settings: GuardSettings, name: DatabaseName, environment: Mapping[str, str]
) -> None:
    try:
        words = shlex.split(command)
    except ValueError as problem:
        raise BadInput(f"{COMMAND_VARIABLE} is no command ({problem}).") from None
    with tempfile.TemporaryFile() as said:
        try:
            code = subprocess.run(
                words,
                env={**environment, **server_environment(settings, name), "ODOO_DB_NAME": name},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                check=False,
                preexec_fn=partial(end_with_parent, os.getpid()),
            ).returncode
        except OSError as problem:
            raise Refused.because(_failed(f"{words[0]} could not be started: {problem}")) from None
        if code:
            raise Refused.because(_failed(f"{words[0]} ended with code {code}: {words_of(said)}"))


def _says_so(connection: Connection) -> bool:
    rows = query_through(connection)(
        "SELECT value FROM public.ir_config_parameter WHERE key = 'database.is_neutralized'", ()
    )
    return [str(value).lower() for (value,) in rows] in (["true"], ["1"])


def _failed(detail: str) -> Reason:
    return reason(
        ReasonCode.NOT_NEUTRALISED,
        f"What came is not this lane's own data and could not be neutralised: {detail}. Nothing "
        "of the lane was changed.",
        f"Let {ADDONS_PATH_VARIABLE} name Odoo's addons as well, or {COMMAND_VARIABLE} a command "
        "that neutralises (Odoo's own is `odoo neutralize`), then do the same again.",
        detail=detail,
    )
