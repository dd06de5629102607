"""Odoo's own doors, and others', on a protected database: what they do to it, by effect.

`docs/odoo-doors.md` lists them all; a test below holds that list against the tests.
"""

import json
import re
import subprocess
import xmlrpc.client
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.addon.control_plane import ControlPlane
from tests.addon.odoo_lane import CHECKOUT, OdooLane, identity_json, make_lane
from tests.addon.served_odoo import served
from tests.addon.stamping import policy, stamp
from tests.addon.test_quarantine import CM, SERVER_WIDE
from tests.real import PrivateCluster
from tests.real.environment import provide_extra
from tests.real.postgres import Role
from tests.real.template import copy_database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MASTER = "the-master-password"
OTHER = "other"
NOT_DELETED = "is not deleted: "
WAY_ON = "lane-authority plan"


@pytest.fixture(scope="module")
def precious(odoo_cluster: PrivateCluster, tmp_path_factory: pytest.TempPathFactory) -> OdooLane:
    """A protected lane, and another database beside it; Odoo's database manager is on."""
    folder = tmp_path_factory.mktemp("doors")
    lane = make_lane(odoo_cluster, folder, "precious")
    copy_database(odoo_cluster, lane.database, OTHER)
    text = lane.configuration.read_text().replace("list_db = False", "list_db = True")
    lane.configuration.write_text(text + f"admin_passwd = {MASTER}\n")
    with zipfile.ZipFile(folder / "dump.zip", "w") as dump:
        dump.writestr("dump.sql", "CREATE TABLE IF NOT EXISTS came_instead (one int);")
    stamp(lane, ControlPlane(folder / "keys.json"), policy(CM))
    return lane


@pytest.fixture
def locked(precious: OdooLane) -> Iterator[OdooLane]:
    """The same, locked, as it is from its stamp on."""
    precious.cluster.execute(f"ALTER DATABASE {precious.database} IS_TEMPLATE true")
    yield precious
    precious.cluster.execute(f"ALTER DATABASE {precious.database} IS_TEMPLATE false")


def environment(lane: OdooLane) -> dict[str, str]:
    return {
        "LAUNCHPLANE_RUNTIME_IDENTITY_JSON": identity_json(CM.product, CM.context, CM.instance),
        "LANE_AUTHORITY_PUBLIC_KEYS": str(lane.folder / "keys.json"),
    }


def everything(lane: OdooLane) -> list[Any]:
    """The database by name and oid, what is in it, and every file."""
    files = lane.folder / "filestore" / lane.database
    return [
        lane.cluster.execute(f"SELECT oid FROM pg_database WHERE datname = '{lane.database}'"),
        *(
            lane.cluster.execute(statement, lane.database)
            for statement in (
                "SELECT md5(string_agg(p::text, '')) FROM res_partner p",
                "SELECT md5(string_agg(a::text, '')) FROM ir_attachment a",
                "SELECT to_regclass('came_instead')",
                "SELECT token FROM launchplane_lane_marker",
            )
        ),
        sorted(path for path in files.rglob("*") if path.is_file()),
    ]


def manager(address: str, action: str, **fields: str) -> str:
    """Fill in a form of the database manager; gives the page that comes back."""
    dump = fields.pop("dump", "")
    answer = requests.post(
        f"{address}/web/database/{action}",
        data={"master_pwd": MASTER, **fields},
        files={"backup_file": Path(dump).read_bytes()} if dump else None,
        timeout=120,
    )
    return answer.text


def json_rpc(address: str, method: str, *arguments: Any) -> str:
    """Odoo's database service over JSON-RPC; gives the error's message."""
    answer = requests.post(
        f"{address}/jsonrpc",
        json={
            "jsonrpc": "2.0",
            "method": "call",
            "params": {"service": "db", "method": method, "args": [MASTER, *arguments]},
        },
        timeout=120,
    ).json()
    return str(answer.get("error", {}).get("data", {}).get("message", ""))


def rename(lane: OdooLane, old: str, new: str) -> None:
    """By SQL, whoever is connected."""
    lane.cluster.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{old}'"
    )
    lane.cluster.execute(f"ALTER DATABASE {old} RENAME TO {new}")


def test_the_server_refuses_although_nothing_is_locked(precious: OdooLane) -> None:
    """The database manager and both kinds of RPC; the addon is not installed in the database."""
    name, before = precious.database, everything(precious)
    copy_database(precious.cluster, OTHER, "expendable")
    with served(precious, environment(precious), *SERVER_WIDE, pinned=False) as address:
        page = manager(address, "drop", name=name)
        assert NOT_DELETED in page
        assert WAY_ON in page
        said = json_rpc(address, "drop", name)
        assert NOT_DELETED in said
        assert f"data of lane {CM}" in said
        assert WAY_ON in said
        with pytest.raises(xmlrpc.client.Fault, match=NOT_DELETED):
            xmlrpc.client.ServerProxy(f"{address}/xmlrpc/db").drop(MASTER, name)
        said = json_rpc(address, "rename", name, "renamed")
        assert "is not renamed: " in said
        assert WAY_ON in said
        # Odoo itself does nothing over a name that is taken.
        assert "already exists" in manager(
            address, "restore", name=name, dump=str(precious.folder / "dump.zip")
        )
        assert "already exists" in manager(
            address, "create", name=name, login="a", password="b", lang="en_US", phone=""
        )
        assert "already exists" in manager(address, "duplicate", name=OTHER, new_name=name)
        # What nobody protected goes as ever.
        manager(address, "drop", name="expendable")
        longest = name.ljust(63, "x")
        rename(precious, name, longest)
        # PostgreSQL cuts a longer name off, and means this database.
        assert "is not renamed: " in json_rpc(address, "rename", longest + "y", "renamed")
        rename(precious, longest, name)
    assert everything(precious) == before
    assert not precious.cluster.execute("SELECT 1 FROM pg_database WHERE datname = 'expendable'")


def test_where_the_addon_is_not_loaded_the_manager_drops_it(precious: OdooLane) -> None:
    """So the refusal above is the addon's doing."""
    copy_database(precious.cluster, precious.database, "unguarded")
    with served(precious, environment(precious), pinned=False) as address:
        manager(address, "drop", name="unguarded")
    assert not precious.cluster.execute("SELECT 1 FROM pg_database WHERE datname = 'unguarded'")


COMMANDS = """
import json, sys
from odoo.cli.db import Db
for arguments in json.loads(sys.argv[1]):
    try:
        Db().run(arguments)
    except SystemExit as end:
        print("ENDED", end.code)
    except Exception as problem:
        print("FAILED", problem)
    else:
        print("DONE")
"""


def odoo_db(lane: OdooLane, *commands: tuple[str, ...], pinned: bool) -> list[str]:
    """Run `odoo db COMMAND`, one after the other; gives the last word of each."""
    configuration = lane.folder / "db.conf"
    pin = f"db_name = {lane.database}\n" if pinned else ""
    configuration.write_text(lane.configuration.read_text() + pin)
    arguments = [["-c", str(configuration), *command] for command in commands]
    run = lane.child([str(lane.odoo.python), "-P", "-c", COMMANDS, json.dumps(arguments)])
    words = re.findall(r"^(?:ENDED|FAILED|DONE).*$", run.stdout, re.MULTILINE)
    assert len(words) == len(commands), run.stdout
    return words


@pytest.mark.parametrize("pinned", [True, False], ids=["pinned", "not pinned"])
def test_odoo_db_fails_at_the_lock(locked: OdooLane, pinned: bool) -> None:
    """No addon is loaded there: PostgreSQL's lock alone stops it."""
    name, before = locked.database, everything(locked)
    said = odoo_db(
        locked,
        ("drop", name),
        ("init", "--force", name),
        ("load", "--force", name, str(locked.folder / "dump.zip")),
        ("duplicate", "--force", OTHER, name),
        ("rename", "--force", OTHER, name),
        pinned=pinned,
    )
    assert not any("DONE" in word for word in said), said
    if pinned:
        assert all("cannot drop a template database" in word for word in said), said
    assert everything(locked) == before
    assert locked.cluster.execute(f"SELECT 1 FROM pg_database WHERE datname = '{OTHER}'")


def test_odoo_db_rename_is_not_stopped(locked: OdooLane) -> None:
    """What is then seen of it: `tests/guard/clones/test_renames.py`, and Odoo's quarantine."""
    ((oid,),) = everything(locked)[0]
    before = everything(locked)
    assert odoo_db(locked, ("rename", locked.database, "renamed"), pinned=False) == ["DONE"]
    try:
        assert locked.cluster.execute("SELECT oid FROM pg_database WHERE datname = 'renamed'") == [
            (oid,)
        ]
    finally:
        odoo_db(locked, ("rename", "renamed", locked.database), pinned=False)
    assert everything(locked) == before


@pytest.mark.parametrize("role", ["owner", "superuser"])
def test_dropdb_fails_at_the_lock(locked: OdooLane, role: str) -> None:
    before = everything(locked)
    user = locked.cluster.odoo if role == "owner" else locked.cluster.superuser
    for options in ((), ("--force",), ("--if-exists", "--force")):
        run = dropdb(locked, user, *options)
        assert run.returncode != 0
        assert "cannot drop a template database" in run.stderr
    assert everything(locked) == before


def dropdb(lane: OdooLane, role: Role, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(lane.cluster.binaries / "dropdb"), *options, lane.database],
        env=lane.cluster.environment(role),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("program", ["dropdb", "restoredb"])
def test_click_odoo_contrib_fails_at_the_lock(locked: OdooLane, program: str) -> None:
    before = everything(locked)
    arguments = {
        "dropdb": [locked.database],
        "restoredb": ["--force", locked.database, str(locked.folder / "dump.zip")],
    }[program]
    configuration = locked.folder / "click.conf"
    configuration.write_text(f"{locked.configuration.read_text()}db_name = {locked.database}\n")
    code = (
        f"import sys; sys.path.append({str(provide_extra('doors'))!r});"
        f"from click_odoo_contrib.{program} import main; main()"
    )
    run = locked.child(
        [str(locked.odoo.python), "-P", "-c", code, "-c", str(configuration), *arguments]
    )
    assert run.returncode != 0
    assert "cannot drop a template database" in run.stdout, run.stdout
    assert everything(locked) == before


def test_the_list_in_the_docs_names_tests_that_are_there() -> None:
    text = (CHECKOUT / "docs" / "odoo-doors.md").read_text()
    named = re.findall(r"`(tests/\S+\.py)::(\w+)`", text)
    assert len(named) >= 8
    for path, test in named:
        assert f"def {test}(" in (CHECKOUT / path).read_text(), (path, test)
