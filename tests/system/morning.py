"""A real morning on a small estate of lanes, step by step, each proved by reading what is there."""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from launchplane_lane_contracts.lane import Lane
from launchplane_lane_driver import launchplane as lane_authority
from launchplane_lane_driver.host import DriverHost
from launchplane_lane_driver.host_directory import HostDirectory
from launchplane_lane_driver.lane_office import LaneOffice
from tests.standins import launchplane
from tests.standins.launchplane_requests import (
    OdooStableBootstrapRequest,
    OdooStableBootstrapResult,
)
from tests.standins.provider import run_child
from tests.system.estate import CM, NORD, PHRASE, SYO, Estate
from tests.system.facts import Facts, read_facts
from tests.system.narrator import Narrator

NINE = "Order of nine o'clock"
PROVISIONAL = """\
lane = "{lane}"
rollout_state = "provisional"
authoritative_data = false
bootstrap_empty_allowed = true
requires_backup_before_destroy = false
requires_restore_proof = false
provisional_until = {until}
"""
PRODUCTION = 'lane = "{lane}"\nrollout_state = "production"\n'


class NotAsPromised(Exception):
    """The product did not do what the demo shows."""


class Morning:
    """Each step returns the facts that it read, for whoever wants to check them again."""

    def __init__(self, estate: Estate, narrator: Narrator) -> None:
        self.estate, self.say = estate, narrator
        self.last_operation = ""

    # -- helpers ---------------------------------------------------------------------------

    def operate(self, *arguments: str, expect: int = 0, show: bool = True) -> Any:
        """One command of the operator; its JSON answer. The text form is what is shown."""
        started = time.monotonic()
        shown = self.estate.operate(*arguments)
        if show:
            words = shown.stdout + (shown.stderr if shown.returncode else "")
            self.say.command(f"lane-authority {shlex.join(arguments)}", words, shown.returncode)
        if shown.returncode != expect:
            raise NotAsPromised(
                f"`lane-authority {' '.join(arguments)}` answered {shown.returncode} instead of "
                f"{expect}:\n{shown.stdout}{shown.stderr}"
            )
        self.seconds = time.monotonic() - started
        return shown

    def require(self, holds: bool, text: str) -> None:
        """Say what was proved, or stop the demo."""
        if not holds:
            raise NotAsPromised(f"Not so: {text}")
        self.say.proved(text)

    def digest_in(self, output: str) -> str:
        """The digest that a command printed."""
        return next(line.split()[-1] for line in output.splitlines() if line.startswith("Digest:"))

    def sign(self, digest: str, *names: str) -> None:
        """People read what they sign, and sign it with their SSH keys."""
        for name in names:
            key = str(self.estate.people[name].key_file)
            self.operate("approve", digest, "--key", key, "--yes", show=False)
            self.say.tell(f"{name} read it and signed it with an SSH key")

    def facts(self, lane: Lane) -> Facts:
        """What really stands at the lane's place."""
        return self.estate.facts(lane)

    # -- before nine -----------------------------------------------------------------------

    def set_up(self) -> dict[str, Any]:
        """Policies are recorded, the two known lanes are enrolled, business begins."""
        self.say.heading("Before nine: what may be done to each lane is recorded and signed")
        until = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for lane, text in ((CM, PROVISIONAL), (SYO, PRODUCTION)):
            self.record_policy(lane, text.format(lane=lane, until=until))
        self.estate.write_order(CM, "0900", NINE)
        self.estate.write_order(SYO, "0900", "SYO's invoice 4711")
        for lane in (CM, SYO):
            self.estate.runtimes[lane].start()
            self.enrol(lane)
        self.estate.write_order(NORD, "0900", "NORD's delivery note")
        return {lane.context: self.facts(lane).plain() for lane in (CM, SYO, NORD)}

    def record_policy(self, lane: Lane, text: str) -> None:
        """Propose, have it signed, apply."""
        file = self.estate.folder / f"{lane.context}.toml"
        file.write_text(text)
        proposed = self.operate("policy", "propose", str(file), "--reason", "as agreed")
        digest = self.digest_in(proposed.stdout)
        self.sign(digest, "alice", "bob", "carol")
        self.operate("policy", "apply", digest)

    def enrol(self, lane: Lane) -> None:
        """What stands there becomes the lane's recorded data."""
        found = self.operate("enrol", str(lane))
        digest = self.digest_in(found.stdout)
        if "replaceable" in found.stdout:
            self.sign(digest, "alice", "bob")
        self.operate("enrol", str(lane), "--digest", digest)

    # -- 1 ---------------------------------------------------------------------------------

    def rebuild_cm(self) -> dict[str, Any]:
        """`cm` is rebuilt from empty by Launchplane and the devkit, which have not changed."""
        self.say.heading("1  cm/prod is provisional: it is rebuilt from empty")
        before = self.facts(CM)
        self.plan_and_authorize(CM, "bootstrap/empty")
        result = self.bootstrap(CM)
        if result.bootstrap_status != "pass":
            raise NotAsPromised(result.error_message)
        after = self.facts(CM)
        lane = self.lane_view(CM)
        kept = self.kept_facts(lane["kept"][0]["name"])
        self.require(after.oid != before.oid and not after.orders, "cm is a new, empty database")
        self.require(
            kept["oid"] == before.oid and kept["orders"] == list(before.orders),
            f"the old one is kept: oid {before.oid}, with {before.orders[0]!r} in it",
        )
        self.require(
            kept["files"] == before.files and kept["files_digest"] == before.files_digest,
            f"and so are its {before.files} files",
        )
        self.require(
            lane["marker"]["value"] == "bound" and lane["generation"]["value"] == 2,
            f"the new marker is {lane['marker']['value']}; the runtime {lane['runtime']['value']}",
        )
        return {"before": before.plain(), "after": after.plain(), "kept": kept, "lane": lane}

    def plan_and_authorize(self, lane: Lane, request: str, *more: str) -> str:
        """Plan, then claim the lane; the operation's id."""
        planned = self.operate("plan", str(lane), request, "--reason", "shown in the demo", *more)
        authorized = self.operate("authorize", self.digest_in(planned.stdout))
        self.last_operation = next(
            word for word in authorized.stdout.split() if word.startswith("op-")
        )
        return self.last_operation

    def bootstrap(self, lane: Lane, **devkit: str) -> OdooStableBootstrapResult:
        """Launchplane's own workflow, given our checkpoint; it knows nothing else of us."""
        provider = self.estate.provider
        target = provider.target(f"target-{lane.context}")
        for name, value in devkit.items():
            target.environment[name] = value  # type: ignore[index]
        host = DriverHost.from_entry_points()
        provider.echo = lambda line: (
            self.say.tell(line) if line.startswith("[devkit] ") and line[9] != " " else None
        )
        self.say.tell("Launchplane runs its stable bootstrap; the checkpoint asks the driver")
        try:
            run = lane_authority.guarded(
                launchplane.execute_odoo_stable_bootstrap,
                host=host,
                host_directory=str(self.estate.host_directory),
                lane=lane,
                succeeded=lambda result: result.bootstrap_status == "pass",
            )
            return run(
                control_plane_root=self.estate.folder,
                record_store=self.estate.store,
                request=OdooStableBootstrapRequest(
                    product=lane.product,
                    context=lane.context,
                    instance=lane.instance,
                    confirmation=PHRASE,
                    verify_runtime_identity=False,
                ),
                dokploy_request=provider,
            )
        finally:
            for name in devkit:
                del target.environment[name]  # type: ignore[attr-defined]

    def lane_view(self, lane: Lane) -> dict[str, Any]:
        """The driver's view of one lane."""
        done = self.estate.operate("lane", str(lane), "--json")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def kept_facts(self, name: str) -> dict[str, Any]:
        """What is in a kept database. It is closed, so it is read through a copy of it."""
        cluster, runtime = self.estate.cluster, self.estate.runtimes[CM]
        ((oid, open_, locked),) = cluster.execute(
            f"SELECT oid::bigint, datallowconn, datistemplate FROM pg_database "
            f"WHERE datname = '{name}'"
        )
        cluster.execute(f'CREATE DATABASE looking TEMPLATE "{name}"')
        try:
            seen = read_facts(cluster, "looking", runtime.keep / "filestores" / name)
        finally:
            cluster.execute("DROP DATABASE looking")
        found: dict[str, Any] = json.loads(json.dumps(seen.plain()))
        return found | {"oid": oid, "open": open_, "locked": locked, "name": name}

    # -- 2 ---------------------------------------------------------------------------------

    def change_of_mind(self) -> dict[str, Any]:
        """The record of nine o'clock is wanted back: by a restore, and by an undo."""
        self.say.heading("2  The operator changes his mind: nine o'clock comes back")
        kept = self.lane_view(CM)["kept"][0]["name"]
        operation = self.plan_and_authorize(CM, "restore/kept", "--kept", kept)
        runtime = self.estate.runtimes[CM]
        self.operate("start", operation)
        seconds = self.seconds
        runtime.stop()
        back = self.facts(CM)
        self.require(back.orders == (NINE,), f"{NINE!r} is back, {seconds:.1f} s after the command")
        runtime.start()
        self.operate("finish", operation)
        restored = self.lane_view(CM)
        self.say.tell("And once more: a rebuild that dies half-way, and is undone")
        self.plan_and_authorize(CM, "bootstrap/empty")
        result = self.bootstrap(CM, DEVKIT_FAIL_AFTER="create")
        if "Schedule bootstrap ended with code" not in result.error_message:
            raise NotAsPromised(f"the devkit should have died, not: {result.error_message}")
        self.say.tell(f"Launchplane's record of it: {result.error_message.splitlines()[0]}")
        died = self.facts(CM)
        self.require(not died.orders, "the devkit died and left an empty database under the name")
        runtime.stop()
        self.operate("undo", self.last_operation)
        undone_after = self.seconds
        after = self.facts(CM)
        runtime.start()
        lane = self.lane_view(CM)
        self.require(
            after.orders == (NINE,) and after.oid == back.oid,
            f"undone in {undone_after:.1f} s: the same database (oid {after.oid}), {NINE!r} in it",
        )
        self.require(after.files_digest == back.files_digest, f"with all its {after.files} files")
        marker = lane["marker"]
        self.require(
            marker["value"] == "bound", f"its marker is {marker['value']}: {marker['detail']}"
        )
        return {
            "seconds": seconds,
            "undo_seconds": undone_after,
            "back": back.plain(),
            "restored_lane": restored,
            "after": after.plain(),
            "lane": lane,
        }

    # -- 3 and 4 ---------------------------------------------------------------------------

    def refuse_syo(self) -> dict[str, Any]:
        """The same request on real production: refused, with every reason."""
        self.say.heading("3  syo/prod is real production: the same request is refused")
        before = self.facts(SYO)
        planned = self.operate("plan", str(SYO), "bootstrap/empty", expect=50)
        calls = len(self.estate.provider.runs)
        result = self.bootstrap(SYO)
        self.say.tell(f"Launchplane's record of it: {result.error_message.splitlines()[0]}")
        after = self.facts(SYO)
        self.require(
            result.bootstrap_status == "fail" and len(self.estate.provider.runs) == calls,
            "Launchplane stopped at the checkpoint; the devkit was never started",
        )
        self.same(before, after)
        return {
            "before": before.plain(),
            "after": after.plain(),
            "plan": planned.stdout,
            "error_message": result.error_message,
        }

    def same(self, before: Facts, after: Facts) -> None:
        """Prove that nothing moved."""
        if before != after:
            raise NotAsPromised(f"syo moved: {before} became {after}")
        self.require(
            before == after,
            f"syo is untouched: oid {after.oid}, {after.counts['res_partner']} partners, "
            f"{after.orders[0]!r}, {after.files} files",
        )

    def stale_job(self) -> dict[str, Any]:
        """The devkit's script is started bare against production."""
        self.say.heading("4  A stale job starts the devkit's script bare against syo")
        before = self.facts(SYO)
        runtime = self.estate.runtimes[SYO]
        code, log = run_child(
            (*self.estate.provider.target("target-syo").command, "--bootstrap"),
            self.estate.devkit_environment(runtime),
        )
        for line in log[-4:]:
            self.say.tell(line)
        after = self.facts(SYO)
        self.require(
            code != 0 and any("template database" in line for line in log),
            f"PostgreSQL itself refused the drop (the script answered {code})",
        )
        self.same(before, after)
        return {"before": before.plain(), "after": after.plain(), "code": code}

    # -- 5 and 6 ---------------------------------------------------------------------------

    def refuse_nord(self) -> dict[str, Any]:
        """A lane that nobody recorded."""
        self.say.heading("5  A lane that nobody recorded is refused")
        before = self.facts(NORD)
        planned = self.operate("plan", str(NORD), "bootstrap/empty", expect=50)
        result = self.bootstrap(NORD)
        after = self.facts(NORD)
        self.require(result.bootstrap_status == "fail", "Launchplane's workflow as well")
        self.require(before == after, f"nord is untouched: oid {after.oid}, {after.orders[0]!r}")
        return {"before": before.plain(), "after": after.plain(), "plan": planned.stdout}

    def misuse_permits(self) -> dict[str, Any]:
        """A permit used twice, and one pointed at another lane's database or files."""
        self.say.heading("6  Permits are good once, for one place")
        cm, syo = self.estate.runtimes[CM], self.estate.runtimes[SYO]
        before = {lane.context: self.facts(lane) for lane in (CM, SYO)}
        office = LaneOffice.open(HostDirectory.open(self.estate.host_directory))
        token = office.store.operation(self._an_ended_operation(office)).permit_token
        office.close()
        assert token is not None
        answers = {
            "twice": self.guard(cm.guard_environment(), token),
            "at_syo_database": self.guard(cm.guard_environment(ODOO_DB_NAME=syo.database), token),
            "at_syo_files": self.guard(
                cm.guard_environment(ODOO_FILESTORE_PATH=str(syo.filestore.parent)), token
            ),
            "in_syo_runtime": self.guard(syo.guard_environment(), token),
        }
        for answer, words in zip(
            answers.values(),
            (
                "a second begin",
                "cm's permit with syo's database",
                "cm's permit with syo's files",
                "cm's permit in syo's runtime",
            ),
            strict=True,
        ):
            codes = ", ".join(each["code"] for each in answer["reasons"])
            self.require(answer["exit_code"] == 50, f"{words}: refused ({codes})")
        after = {lane.context: self.facts(lane) for lane in (CM, SYO)}
        self.require(before == after, "cm and syo are untouched")
        return {
            "answers": answers,
            "before": {name: each.plain() for name, each in before.items()},
            "after": {name: each.plain() for name, each in after.items()},
        }

    def _an_ended_operation(self, office: LaneOffice) -> Any:
        return next(
            each.operation_id for each in office.store.operations(CM) if each.phase == "settled"
        )

    def guard(self, environment: dict[str, str], token: str) -> dict[str, Any]:
        """Hand a permit to the guard in some environment."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "launchplane_lane_guard", "begin", "--order", "-"],
            env=environment,
            input=token,
            capture_output=True,
            text=True,
            check=False,
        )
        receipt = json.loads(done.stdout)
        return {"exit_code": done.returncode, "reasons": receipt["reasons"]}

    # -- 7 ---------------------------------------------------------------------------------

    def careless_copy(self) -> dict[str, Any]:
        """Somebody copies syo's database over cm's name."""
        self.say.heading("7  A careless hand copies syo's database over cm's name")
        cluster = self.estate.cluster
        cm, syo = self.estate.runtimes[CM], self.estate.runtimes[SYO]
        cm.stop()
        syo.stop()
        cluster.execute("ALTER DATABASE cm RENAME TO cm_by_hand")
        cluster.execute("CREATE DATABASE cm OWNER odoo TEMPLATE syo")
        self.say.tell("ALTER DATABASE cm RENAME TO cm_by_hand; CREATE DATABASE cm TEMPLATE syo")
        copied = self.facts(CM)
        syo.start()
        cm.start()
        planned = self.operate("plan", str(CM), "bootstrap/empty", expect=50)
        after = self.facts(CM)
        self.require(
            "marker_foreign" in planned.stdout,
            "the plan for cm refuses, because the marker is another lane's",
        )
        self.require(after.oid == copied.oid, "and nothing was set aside or dropped")
        cm.stop()
        cluster.execute("ALTER DATABASE cm RENAME TO cm_copied_by_hand")
        cluster.execute("ALTER DATABASE cm_by_hand RENAME TO cm")
        cm.start()
        lane = self.lane_view(CM)
        self.require(
            lane["marker"]["value"] == "bound", "the names are put right by hand, and cm is bound"
        )
        return {"copied": copied.plain(), "plan": planned.stdout, "lane": lane}

    # -- the end ---------------------------------------------------------------------------

    def table(self) -> dict[str, Any]:
        """The operator's table, and the ledger."""
        self.say.heading("The lanes, as the operator sees them")
        self.operate("lanes")
        self.operate("audit", "verify")
        lanes = json.loads(self.estate.operate("lanes", "--json").stdout)
        return {"lanes": lanes}

    def steps(self) -> tuple[tuple[str, Callable[[], dict[str, Any]]], ...]:
        """All of it, in its order."""
        return (
            ("set_up", self.set_up),
            ("rebuild_cm", self.rebuild_cm),
            ("change_of_mind", self.change_of_mind),
            ("refuse_syo", self.refuse_syo),
            ("stale_job", self.stale_job),
            ("refuse_nord", self.refuse_nord),
            ("misuse_permits", self.misuse_permits),
            ("careless_copy", self.careless_copy),
            ("table", self.table),
        )
