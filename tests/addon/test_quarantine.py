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
from tests.addon.mail_servers import (
    PUSH,
    TEXT_MESSAGES,
    MailFolder,
    MailSink,
    MailSource,
    WebSink,
    mail_folder,
    mail_sink,
    mail_source,
    web_sink,
)
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
import json
from odoo.addons.mail.tools.jwt import generate_vapid_keys
env.ref("base.user_admin").email = "admin@example.com"
env["res.partner"].create({"name": "reader", "email": "reader@example.com"})
env["ir.mail_server"].create(
    {"name": "sink", "smtp_host": "127.0.0.1", "smtp_port": %(sink)d, "smtp_encryption": "none"}
)
env["fetchmail.server"].create(
    [{"name": kind, "server": "127.0.0.1", "port": port, "server_type": kind,
      "user": "a", "password": "b", "state": "done",
      "object_id": env["ir.model"]._get_id("res.partner")}
     for kind, port in (("pop", %(source)d), ("imap", %(folder)d))]
)
env["mail.mail"].create(
    [{"email_from": "a@example.com", "email_to": "b@example.com", "subject": f"queued {n}",
      "body_html": "<p>hello</p>", "state": "outgoing"} for n in range(%(queued)d)]
)
env.cr.execute("UPDATE ir_cron SET active = false")
web = "http://127.0.0.1:%(web)d"
env["ir.config_parameter"].set_param("sms.endpoint", web)
env["ir.config_parameter"].set_param("iap.endpoint", web)
env["sms.sms"].create({"number": "+32470000000", "body": "hello"})
env["iap.account"].get("sms")
env["ir.actions.server"].create(
    {"name": "webhook", "state": "webhook", "webhook_url": web + "/webhook",
     "model_id": env["ir.model"]._get_id("res.partner")}
)
env["mail.push.device"].get_web_push_vapid_public_key()
_private, public = generate_vapid_keys()
env["mail.push.device"].create(
    {"partner_id": env["res.partner"].search([("name", "=", "reader")]).id,
     "endpoint": web + "/push",
     "keys": json.dumps({"p256dh": public, "auth": "AAAAAAAAAAAAAAAAAAAAAA"})}
)
ours = env["ir.cron"].create(
    {"name": "ours", "model_id": env["ir.model"]._get_id("res.partner"), "state": "code",
     "code": "env['res.partner'].create({'name': 'made by a scheduled action'})",
     "interval_number": 1, "interval_type": "days"}
)
for cron in (ours, env.ref("mail.ir_cron_mail_scheduler_action"),
             env.ref("mail.ir_cron_mail_gateway_action"),
             env.ref("sms.ir_cron_sms_scheduler_action")):
    env.cr.execute(
        "UPDATE ir_cron SET active = true, nextcall = '2020-01-01' WHERE id = %%s", (cron.id,)
    )
env.cr.commit()
print("made")
"""


def message(subject: str) -> bytes:
    """A message as it lies on a server."""
    return (
        f"From: c@example.com\r\nTo: d@example.com\r\nSubject: {subject}\r\n"
        f"Message-Id: <{subject}@example.com>\r\n\r\nhello\r\n"
    ).encode()


INCOMING = message("incoming")
BY_IMAP = ("fetched_1", "fetched_2")
BY_HAND = "written by hand"


@dataclass
class World:
    """A lane with mail to send and to fetch, and the servers that it would use."""

    lane: OdooLane
    sink: MailSink
    source: MailSource
    folder: MailFolder
    web: WebSink
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
        self.sink.connections = self.source.connections = self.folder.connections = 0
        self.sink.subjects.clear()
        self.web.paths.clear()
        self.source.box = [INCOMING]
        self.folder.messages = [message(subject) for subject in BY_IMAP]
        self.folder.fetched.clear()
        self.folder.seen.clear()

    def untouched(self) -> bool:
        """Whether nobody has come to any of the servers, and all mail lies where it lay."""
        connections = (self.sink.connections, self.source.connections, self.folder.connections)
        return (
            connections == (0, 0, 0)
            and not self.web.paths
            and self.source.box == [INCOMING]
            and not (self.folder.fetched or self.folder.seen)
        )


@pytest.fixture(scope="module")
def world(
    odoo_cluster: PrivateCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The original, stamped; nobody ever starts it."""
    folder = tmp_path_factory.mktemp("quarantine")
    with (
        mail_sink() as (sink, sink_port),
        mail_source() as (source, source_port),
        mail_folder() as (box, box_port),
        web_sink() as (web, web_port),
    ):
        lane = make_lane(odoo_cluster, folder, "original", WITH_MAIL)
        ports = {"sink": sink_port, "source": source_port, "folder": box_port, "web": web_port}
        made = lane.shell(SET_UP % {**ports, "queued": QUEUED})
        assert "made" in made, made
        control_plane = ControlPlane(folder / "keys.json")
        stamp(lane, control_plane, policy(CM))
        yield World(lane, sink, source, box, web, control_plane, folder / "keys.json")


def everything(lane: OdooLane) -> list[object]:
    """What mail and scheduled actions leave in a database."""
    return [
        lane.cluster.execute(statement, lane.database)
        for statement in (
            "SELECT id, state, failure_reason FROM mail_mail ORDER BY id",
            "SELECT id, nextcall, lastcall, failure_count, active FROM ir_cron ORDER BY id",
            "SELECT name FROM res_partner ORDER BY id",
            "SELECT state, date, error_date, error_message FROM fetchmail_server ORDER BY id",
            "SELECT count(*) FROM ir_cron_progress",
            "SELECT id, state, failure_type FROM sms_sms ORDER BY id",
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


def records(lane: OdooLane, model: str) -> list[int]:
    """Every record of a model, by its number."""
    table = model.replace(".", "_")
    found = lane.cluster.execute(f"SELECT id FROM {table} ORDER BY id LIMIT 2", lane.database)
    return [int(str(record)) for (record,) in found]


def outgoing(lane: OdooLane) -> int:
    ((count,),) = lane.cluster.execute(
        "SELECT count(*) FROM mail_mail WHERE state = 'outgoing'", lane.database
    )
    return int(str(count))


def still_missing(world: World, lane: OdooLane) -> dict[str, object]:
    """What has not gone out, run or come in yet."""
    wake(lane)
    names = ("made by a scheduled action", "incoming", *BY_IMAP)
    found: dict[str, object] = {
        "outgoing": outgoing(lane),
        "text messages": int(not world.web.paths[TEXT_MESSAGES]),
        "in the POP box": len(world.source.box),
        "unseen by IMAP": len(BY_IMAP) - len(world.folder.seen),
        **{name: int(not partners(lane, name)) for name in names},
    }
    return {what: left for what, left in found.items() if left}


def wait_until_all_went_out(world: World, lane: OdooLane) -> None:
    """What Odoo tried in vain on a busy machine it tries again by itself, minutes later."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := still_missing(world, lane):
        if time.monotonic() > deadline:
            print((lane.folder / "served.log").read_text()[-20_000:])
            raise AssertionError(f"still missing: {left}")
        time.sleep(0.1)


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

    def call(
        self, model: str, method: str, *arguments: Any, how: str = "call_kw", **keywords: Any
    ) -> Any:
        """Call a method as the web client does."""
        return self.ask(
            f"/web/dataset/{how}/{model}/{method}",
            {"model": model, "method": method, "args": list(arguments), "kwargs": keywords},
        )

    def press(self, model: str, method: str, record: int) -> str:
        """Press a button on a record; gives what the screen says then."""
        answer = self.call(model, method, [record], how="call_button")
        return str(answer.get("error", {}).get("data", {}).get("message", ""))

    def reach_other_systems(self, lane: OdooLane) -> None:
        """What people do that has other systems told of it: none of it fails."""
        ((webhook,),) = lane.cluster.execute(
            "SELECT id FROM ir_act_server WHERE state = 'webhook'", lane.database
        )
        ((reader,),) = lane.cluster.execute(READER, lane.database)
        context = {"active_id": reader, "active_ids": [reader], "active_model": "res.partner"}
        for answer in (
            self.call("ir.actions.server", "run", [webhook], context=context),
            self.call("sms.sms", "send", records(lane, "sms.sms")),
            self.call("iap.account", "get_credits", "sms"),
        ):
            assert "error" not in answer, answer

    def write_to(self, reader: int) -> str:
        """Write a message on somebody's page and send it; gives the error, if there is one."""
        values = {
            "model": "res.partner",
            "res_ids": f"[{reader}]",
            "composition_mode": "comment",
            "partner_ids": [[6, 0, [reader]]],
            "subject": BY_HAND,
            "body": "<p>hello</p>",
        }
        composer = self.call("mail.compose.message", "create", values)["result"]
        return self.press("mail.compose.message", "action_send_mail", composer)


READER = "SELECT id FROM res_partner WHERE name = 'reader'"
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
            for record in records(copy, model):
                said = person.press(model, method, record)
                assert "is in quarantine" in said, (model, method, said)
                assert f"a copy of the data of lane {CM}" in said
        person.reach_other_systems(copy)
        assert everything(copy) == before
        _somebody_who_writes_reads_why(person, copy)
        assert world.untouched()

        stamp(copy, world.control_plane, policy(CM), generation=2)
        wait_until_all_went_out(world, copy)
        # Whatever else was due has run by now, and nothing ran or was sent a second time.
        assert world.sink.subjects == {BY_HAND: 1, **{f"queued {n}": 1 for n in range(QUEUED)}}
        assert world.folder.fetched == {1: 1, 2: 1}
        assert world.web.paths == {TEXT_MESSAGES: 1}
        for name in ("made by a scheduled action", "incoming", *BY_IMAP):
            assert partners(copy, name) == 1

        assert events(copy) == ["quarantine", "quarantine_ended"]
        if mode[1] == "0":
            _another_copy_takes_the_name(world, copy)


def _somebody_who_writes_reads_why(person: Browser, copy: OdooLane) -> None:
    """The message is queued, and the browser of whoever wrote it is told so."""
    ((reader,),) = copy.cluster.execute(READER, copy.database)
    assert not person.write_to(int(str(reader)))
    states = "SELECT state, failure_reason FROM mail_mail m JOIN mail_message t"
    assert copy.cluster.execute(
        f"{states} ON t.id = m.mail_message_id WHERE t.subject = '{BY_HAND}'", copy.database
    ) == [("outgoing", None)]
    ((told,),) = copy.cluster.execute(
        "SELECT message FROM bus_bus WHERE message LIKE '%simple_notification%'", copy.database
    )
    assert "Your message is queued" in str(told)
    assert "is in quarantine" in str(told)


def test_where_the_addon_is_not_loaded_the_same_copy_acts(world: World) -> None:
    """So what the test above sees is the addon's doing."""
    world.begin()
    copy = world.copy("unguarded")
    with served(copy, world.environment(), "--max-cron-threads", "2") as address:
        wait_until_all_went_out(world, copy)
        person = Browser(address, copy.database)
        person.reach_other_systems(copy)
        ((reader,),) = copy.cluster.execute(READER, copy.database)
        assert not person.write_to(int(str(reader)))
    assert world.web.paths == {TEXT_MESSAGES: 1, PUSH: 1, "/webhook": 1, "/iap/1/balance": 1}


def _another_copy_takes_the_name(world: World, copy: OdooLane) -> None:
    """The server runs on, and a moment ago it was free to act."""
    world.begin()
    copy.cluster.execute(f"DROP DATABASE {copy.database} WITH (FORCE)")
    world.copy(copy.database)
    before = everything(copy)
    let_them_look(copy)
    assert everything(copy) == before
    assert world.untouched()
