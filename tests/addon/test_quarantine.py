"""A copy acts as nothing: no mail moves, no scheduled action runs, until it is stamped.

By effect, on databases in which the addon is not installed: real mail servers, real cron threads.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from launchplane_lane_contracts.lane import Lane
from tests.addon.control_plane import ControlPlane
from tests.addon.mail_servers import MailSink, MailSource, mail_sink, mail_source
from tests.addon.odoo_lane import OdooLane, identity_json, make_lane
from tests.addon.served_odoo import served
from tests.addon.stamping import policy, stamp
from tests.real import PrivateCluster
from tests.real.template import WITH_MAIL, copy_database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

CM = Lane(product="odoo-tenant-cm", context="cm", instance="prod")
QUEUED = 5
PATIENCE_SECONDS = 60
SERVER_WIDE = ("--load", "base,rpc,web,launchplane_lane_authority")
LOG = "odoo.addons.launchplane_lane_authority:DEBUG"
LOOKED = "runs no scheduled action"
"""What is said in the log each time a cron thread has looked at the database and left it alone."""

SET_UP = """
env.ref("base.user_admin").email = "admin@example.com"
env["ir.mail_server"].create(
    {"name": "sink", "smtp_host": "127.0.0.1", "smtp_port": %(sink)d, "smtp_encryption": "none"}
)
env["fetchmail.server"].create(
    {"name": "source", "server": "127.0.0.1", "port": %(source)d, "server_type": "pop",
     "user": "a", "password": "b", "state": "done",
     "object_id": env["ir.model"]._get_id("res.partner")}
)
env["mail.mail"].create(
    [{"email_from": "a@example.com", "email_to": "b@example.com", "subject": f"queued {n}",
      "body_html": "<p>hello</p>", "state": "outgoing"} for n in range(%(queued)d)]
)
env.cr.execute("UPDATE ir_cron SET active = false")
ours = env["ir.cron"].create(
    {"name": "ours", "model_id": env["ir.model"]._get_id("res.partner"), "state": "code",
     "code": "env['res.partner'].create({'name': 'made by a scheduled action'})",
     "interval_number": 1, "interval_type": "days"}
)
for cron in (ours, env.ref("mail.ir_cron_mail_scheduler_action"),
             env.ref("mail.ir_cron_mail_gateway_action")):
    env.cr.execute(
        "UPDATE ir_cron SET active = true, nextcall = '2020-01-01' WHERE id = %%s", (cron.id,)
    )
env.cr.commit()
print("made")
"""
INCOMING = (
    b"From: c@example.com\r\nTo: d@example.com\r\nSubject: incoming\r\n"
    b"Message-Id: <1@example.com>\r\n\r\nhello\r\n"
)


@dataclass
class World:
    """A lane with mail to send and to fetch, and the servers that it would use."""

    lane: OdooLane
    sink: MailSink
    source: MailSource
    control_plane: ControlPlane
    keys: Path

    def copy(self, database: str) -> OdooLane:
        """The lane's data under another name, as a restore or a TEMPLATE copy makes it."""
        copy_database(self.lane.cluster, self.lane.database, database)
        return OdooLane(self.lane.cluster, self.lane.odoo, self.lane.folder, database)

    def environment(self) -> Mapping[str, str]:
        """What the lane's container has."""
        return {
            "LAUNCHPLANE_RUNTIME_IDENTITY_JSON": identity_json(CM.product, CM.context, CM.instance),
            "LANE_AUTHORITY_PUBLIC_KEYS": str(self.keys),
        }

    def begin(self) -> None:
        """Forget what the servers have seen, and put a message into the box."""
        self.sink.connections = self.source.connections = 0
        self.sink.subjects.clear()
        self.source.box = [INCOMING]


@pytest.fixture(scope="module")
def world(
    odoo_cluster: PrivateCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The original, stamped; nobody ever starts it."""
    folder = tmp_path_factory.mktemp("quarantine")
    with mail_sink() as (sink, sink_port), mail_source() as (source, source_port):
        lane = make_lane(odoo_cluster, folder, "original", WITH_MAIL)
        made = lane.shell(SET_UP % {"sink": sink_port, "source": source_port, "queued": QUEUED})
        assert "made" in made, made
        control_plane = ControlPlane(folder / "keys.json")
        stamp(lane, control_plane, policy(CM))
        yield World(lane, sink, source, control_plane, folder / "keys.json")


def everything(lane: OdooLane) -> list[object]:
    """What mail and scheduled actions leave in a database."""
    return [
        lane.cluster.execute(statement, lane.database)
        for statement in (
            "SELECT id, state, failure_reason FROM mail_mail ORDER BY id",
            "SELECT id, nextcall, lastcall, failure_count, active FROM ir_cron ORDER BY id",
            "SELECT name FROM res_partner ORDER BY id",
            "SELECT state, date, error_date, error_message FROM fetchmail_server",
            "SELECT count(*) FROM ir_cron_progress",
        )
    ]


def events(lane: OdooLane) -> list[object]:
    """The history, in order."""
    return [
        kind
        for (kind,) in lane.cluster.execute(
            "SELECT kind FROM launchplane_lane_event ORDER BY id", lane.database
        )
    ]


def wait_for(what: str, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


def wake(lane: OdooLane) -> None:
    """Tell the cron threads that there is something to do, as Odoo does."""
    lane.cluster.execute(f"SELECT pg_notify('cron_trigger', '{lane.database}')")


def looked(lane: OdooLane) -> int:
    return (lane.folder / "served.log").read_text().count(LOOKED)


def let_them_look(lane: OdooLane, times: int = 4) -> None:
    """Until the cron threads have looked at the database so many times more."""
    until = looked(lane) + times

    def enough() -> bool:
        wake(lane)
        return looked(lane) >= until

    wait_for("the cron threads", enough)


def partners(lane: OdooLane, name: str) -> int:
    ((count,),) = lane.cluster.execute(
        f"SELECT count(*) FROM res_partner WHERE name = '{name}'", lane.database
    )
    return int(count)


def all_went_out(world: World, lane: OdooLane) -> bool:
    wake(lane)
    return (
        sum(world.sink.subjects.values()) >= QUEUED
        and not world.source.box
        and partners(lane, "made by a scheduled action") >= 1
        and partners(lane, "incoming") >= 1
    )


class Browser:
    """Somebody who has logged in."""

    def __init__(self, address: str, database: str) -> None:
        self.address, self.session = address, requests.Session()
        user = self.ask(
            "/web/session/authenticate",
            {"db": database, "login": "admin", "password": "admin"},
        )["result"]
        assert user["uid"]

    def ask(self, route: str, parameters: dict[str, Any]) -> dict[str, Any]:
        answer = self.session.post(
            self.address + route, json={"jsonrpc": "2.0", "params": parameters}, timeout=60
        )
        found: dict[str, Any] = answer.json()
        return found

    def press(self, model: str, method: str, lane: OdooLane) -> str:
        """Press a button on the first record; gives what the screen says then."""
        table = model.replace(".", "_")
        ((record,),) = lane.cluster.execute(f"SELECT min(id) FROM {table}", lane.database)
        answer = self.ask(
            f"/web/dataset/call_button/{model}/{method}",
            {"model": model, "method": method, "args": [[record]], "kwargs": {}},
        )
        return str(answer.get("error", {}).get("data", {}).get("message", ""))


BUTTONS = (
    ("mail.mail", "send"),
    ("ir.mail_server", "test_smtp_connection"),
    ("fetchmail.server", "fetch_mail"),
    ("fetchmail.server", "button_confirm_login"),
    ("ir.cron", "method_direct_trigger"),
)


@pytest.mark.parametrize(
    "mode", [("--workers", "0"), ("--workers", "2")], ids=["threaded", "workers"]
)
def test_a_copy_acts_only_once_it_is_stamped(world: World, mode: tuple[str, str]) -> None:
    world.begin()
    copy = world.copy(f"copy{mode[1]}")
    before = everything(copy)
    options = (*SERVER_WIDE, *mode, "--max-cron-threads", "2", "--log-handler", LOG)
    with served(copy, world.environment(), *options) as address:
        let_them_look(copy)
        person = Browser(address, copy.database)
        for model, method in BUTTONS:
            said = person.press(model, method, copy)
            assert "is in quarantine" in said, (model, method, said)
            assert f"a copy of the data of lane {CM}" in said
        assert everything(copy) == before
        assert (world.sink.connections, world.source.connections) == (0, 0)
        assert world.source.box == [INCOMING]

        stamp(copy, world.control_plane, policy(CM), generation=2)
        wait_for("mail and scheduled actions", lambda: all_went_out(world, copy))
        # Whatever else was due has run by now, and nothing ran or was sent a second time.
        assert world.sink.subjects == {f"queued {n}": 1 for n in range(QUEUED)}
        assert partners(copy, "made by a scheduled action") == 1
        assert partners(copy, "incoming") == 1

        assert events(copy) == ["quarantine", "quarantine_ended"]
        if mode[1] == "0":
            _another_copy_takes_the_name(world, copy)


def test_where_the_addon_is_not_loaded_the_same_copy_acts(world: World) -> None:
    """So what the test above sees is the addon's doing."""
    world.begin()
    copy = world.copy("unguarded")
    with served(copy, world.environment(), "--max-cron-threads", "2"):
        wait_for("mail and scheduled actions", lambda: all_went_out(world, copy))


def _another_copy_takes_the_name(world: World, copy: OdooLane) -> None:
    """The server runs on, and a moment ago it was free to act."""
    world.begin()
    copy.cluster.execute(f"DROP DATABASE {copy.database} WITH (FORCE)")
    world.copy(copy.database)
    before = everything(copy)
    let_them_look(copy)
    assert everything(copy) == before
    assert (world.sink.connections, world.source.connections) == (0, 0)
