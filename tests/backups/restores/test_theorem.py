"""Every row that authoritative data held at a begin is live, kept, in a proven backup, or given up.

Random histories on a real production lane, with real backups and proofs, of writing, capturing,
proving, restoring, killing, undoing, finishing, releasing, giving up and pruning. A model follows
along: it knows which rows stood there at each begin, and which went into which backup. A lane lives
through several of them, one after another, since making one takes longer than most.
"""

import os
import random
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from launchplane_lane_contracts.contract import BackupId, DatabaseName, OperationId
from launchplane_lane_contracts.errors import LaneAuthorityError
from launchplane_lane_contracts.evidence import KeptData, LoadProof
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.lives import Release
from launchplane_lane_contracts.naming import is_side_name
from launchplane_lane_contracts.vocabulary import UNFINISHED_PHASES, DataSource, Operation, Weight
from launchplane_lane_driver import operations, planning
from launchplane_lane_driver.backups import capture, prove, prune
from launchplane_lane_driver.lane_office import utc_now
from launchplane_lane_driver.lives import Asked
from launchplane_lane_driver.lives.release import ReleaseKept
from launchplane_lane_driver.recording_evidence import record_evidence
from launchplane_lane_driver.store.ledger import EntryKind
from launchplane_lane_driver.store.store import Store
from launchplane_lane_guard.settings import SCRATCH_PREFIX
from tests.backups.places import folder_in_memory
from tests.driver.small_host import RITA, SmallHost, write_program
from tests.driver.work.conftest import Around, laid_out
from tests.guard import fingerprint
from tests.guard.conftest import clean

from .guard_at_home import AT_HOME, guards_at_home

FEW, MANY = 4, 10_000
FIXED = 3
STEPS = 12
HISTORIES_OF_A_LANE = 10
"""After so many it is made anew: what it keeps grows, and every step reads all of it."""
SECONDS_FOR_MANY = 1500.0
"""The whole part may take an hour, and has other proofs; how many histories it was is printed."""
LONGEST_SECONDS = 0.5
SECONDS_TO_END = 30.0
GUARDS_SESSIONS = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'lane-authority-guard'"
BEFORE_IT_WAITS = 'answers = b""\n'
THEN_KILL = """
while answers.count(b"\\n") < 1 and (more := line.recv(4096)):
    answers += more
import time
time.sleep({seconds})
try:
    posix.kill(int(answers.split(b":")[1].split(b"}}")[0]), 9)
except ProcessLookupError:
    pass
"""
"""What the lane's guard command does besides: it kills the guard after a while."""
Rows = frozenset[str]
Found = TypeVar("Found")


class History(RuleBasedStateMachine):
    """One lane, as it was enrolled or as the history before left it.

    `around` and `backups` are given by the test.
    """

    around: Around
    backups: Path
    told: int
    happened: Counter[str]
    steps: int
    left: dict[str, Any] | None
    """The lane that the history before left, and all that the model knows of it."""

    @initialize()
    def a_production_lane_with_a_proven_backup(self) -> None:
        """What every history begins with."""
        type(self).told += 1
        if self.left is not None:
            vars(self).update(self.left)
            type(self).left = None
            return
        around = self.around
        self.host = laid_out(around)
        self.lane = around.snapshots.lane("production", self.host, SmallHost.add_production)
        environment = self.lane.environment()
        AT_HOME[self.lane.guard] = (self.lane.forks.guard_program(environment), environment)
        self.store = self.host.office.store
        self.lane_backups = self.backups / secrets.token_hex(4)
        self.lane_backups.mkdir()
        self.host.configure(backups=f'"{self.lane_backups}"')
        self.must: set[str] = set()
        """Rows that stood there at some begin."""
        self.captured: dict[BackupId, Rows] = {}
        self.kept_rows: dict[int, Rows] = {}
        """By oid, as they were when they were last seen: what is given up is looked up here."""
        self.oids: dict[str, int] = {}
        self.written = self.histories = 0
        self.add_a_row()
        self.capture_live()
        self.prove_newest()
        self.add_a_row()
        # One whole restore, so that every history has kept data that was authoritative.
        self.restore_a_backup(number=0, killed=False)
        self.finish(killed=False)
        assert self.kept()

    # -- what may happen -----------------------------------------------------------
    #
    # Each may always happen, and what is not possible gives way to what is: which lane a history
    # finds is not its own choice, and Hypothesis takes choices that differ for a fault of the test.

    # The first in the order of names, which the simplest history does and nothing else.
    @rule()
    def add_a_row(self) -> None:
        """Somebody works in the lane."""
        self.written += 1
        with suppress(Exception):
            self.lane.execute(
                f"INSERT INTO res_partner (name) VALUES ('row {self.written}')", self.lane.database
            )

    @rule()
    def capture_live(self) -> None:
        """A backup of the lane as it is."""
        rows = self.rows_of(self.lane.database)
        made = self.tried(lambda: capture.capture_live(self.host.office, self.lane.lane, workers=1))
        if made is not None:
            self.captured[made.gate.backup_id] = rows

    @rule(number=some.integers(0, 99))
    def capture_kept(self, number: int) -> None:
        """A backup of kept data."""
        if not self.kept():
            self.capture_live()
            return
        kept = self.chosen(number)
        rows = self.rows_of(kept.name)
        made = self.tried(
            lambda: capture.capture_kept(
                self.host.office, self.lane.lane, DatabaseName(kept.name), workers=1
            )
        )
        if made is not None:
            self.captured[made.gate.backup_id] = rows

    @rule()
    def prove_newest(self) -> None:
        """The newest backup is proven, and Odoo is said to load on it."""
        evidence = self.store.evidence(self.lane.lane)
        gate = evidence.gates[0]
        if gate.backup_id in {each.backup_id for each in evidence.data_proofs}:
            # A second proof of it says the same, and takes longer than most steps.
            return
        found = self.tried(
            lambda: prove.prove(self.host.office, gate.backup_id, workers=1, load=False)
        )
        if found is not None:
            loads = LoadProof(
                backup_id=gate.backup_id,
                manifest_digest=gate.manifest_digest,
                proven_at=utc_now(),
            )
            record_evidence(self.host.office, loads)

    @rule(number=some.integers(0, 99), killed=some.booleans())
    def restore_a_backup(self, number: int, killed: bool) -> None:
        """Plan, sign, authorize, materialise, start; the guard may be killed in between."""
        if self.operation() is not None:
            self.start_again(killed)
            return
        proofs = self.store.evidence(self.lane.lane).load_proofs
        self.begin(
            DataSource.BACKUP_RESTORE, killed, backup_id=proofs[number % len(proofs)].backup_id
        )

    @rule(number=some.integers(0, 99), killed=some.booleans())
    def restore_what_is_kept(self, number: int, killed: bool) -> None:
        """The same of kept data."""
        if self.operation() is not None or not self.kept():
            self.restore_a_backup(number, killed)
            return
        self.begin(DataSource.KEPT, killed, kept_database=self.chosen(number).name)

    @rule(killed=some.booleans())
    def start_again(self, killed: bool) -> None:
        """The operator runs the same step once more."""
        if self.operation() is None:
            self.restore_a_backup(0, killed)
            return
        self.must |= self.rows_of(self.lane.database)
        with self.killing(killed):
            self.tried(lambda: operations.start(self.host.office, self.operation_id()))

    @rule(killed=some.booleans())
    def finish(self, killed: bool) -> None:
        """What came is settled, if it came."""
        if self.operation() is None:
            self.restore_a_backup(1, killed)
            return
        with self.killing(killed):
            self.tried(
                lambda: operations.finish(self.host.office, self.operation_id(), succeeded=True)
            )

    @rule(killed=some.booleans())
    def undo(self, killed: bool) -> None:
        """The old data goes back."""
        if self.operation() is None:
            self.restore_what_is_kept(1, killed)
            return
        with self.killing(killed):
            self.tried(lambda: operations.undo(self.host.office, self.operation_id()))

    @rule(number=some.integers(0, 99), give_up=some.booleans(), killed=some.booleans())
    def release(self, number: int, give_up: bool, killed: bool) -> None:
        """Kept data goes, on a proof, or given up by two people."""
        if not self.kept():
            self.restore_a_backup(number, killed)
            return
        kept = self.chosen(number)
        # Where a guard that was killed had dropped it already, it is as it was seen last.
        self.kept_rows[kept.database_oid] = self.rows_of(kept.name) or self.kept_rows.get(
            kept.database_oid, frozenset()
        )
        if not give_up and number % 2:
            self.capture_kept(number)
            self.prove_newest()
        asked = Asked(
            self.lane.lane, RITA, "no room", kept=DatabaseName(kept.name), give_up=give_up
        )
        with self.killing(killed):
            self.tried(lambda: self.host.live(ReleaseKept(), self.lane, asked))

    @rule()
    def prune(self) -> None:
        """Backups go that nothing leans on, as if all of them were old."""
        office, lane = self.host.office, self.lane.lane
        there = [each.gate for each in prune.in_the_folder(office, lane).backups]
        stays = prune._leaned_on(office, lane, there)
        going = tuple(each.backup_id for each in there if each.backup_id not in stays)
        if going:
            self.tried(lambda: prune._remove(office, lane, going))

    # -- how it is done ------------------------------------------------------------

    def begin(self, source: DataSource, killed: bool, **more: object) -> None:
        """From the plan to the start, as far as it goes."""
        office, record = self.host.office, self.store.host_record(self.lane.lane)
        proven = {each.backup_id for each in self.store.evidence(self.lane.lane).data_proofs}
        gates = self.store.evidence(self.lane.lane).gates
        if not any(
            each.generation == record.generation and each.backup_id in proven for each in gates
        ):
            # What a rebuild asks for; without it each of them would be refused.
            self.capture_live()
            self.prove_newest()
        request = self.host.request(
            self.lane, Operation.RESTORE, source, attest_runtime=True, **more
        )
        plan = self.tried(lambda: planning.plan(office, request))
        if plan is None:
            return
        # The same plan may have been signed before.
        self.tried(lambda: self.host.sign(plan.plan_digest, "rita", "ann"))
        claimed = self.tried(lambda: planning.authorize(office, plan.plan_digest))
        if claimed is None:
            return
        with self.killing(killed):
            if source is DataSource.BACKUP_RESTORE and not self.tried(
                lambda: operations.materialise(office, claimed.operation_id)
            ):
                return
            # The begin may come to its end whatever we hear of it.
            self.must |= self.rows_of(self.lane.database)
            self.tried(lambda: operations.start(office, claimed.operation_id))

    def killing(self, killed: bool) -> "Killing":
        """While it is entered, the guard is killed at some moment of each of its runs."""
        return Killing(self, killed)

    def tried(self, what: Callable[[], Found]) -> Found | None:
        """What it came to; a refusal is lawful, and must cost nothing."""
        try:
            return what()
        except LaneAuthorityError:
            return None

    def operation(self) -> str | None:
        """The operation that is unfinished."""
        live = self.store.live_operation(self.lane.lane)
        return live.operation_id if live is not None else None

    def operation_id(self) -> OperationId:
        """The same, where there is one."""
        found = self.operation()
        assert found is not None
        return OperationId(found)

    def kept(self) -> tuple[KeptData, ...]:
        """What the host lists as kept."""
        return self.store.host_record(self.lane.lane).kept

    def chosen(self, number: int) -> KeptData:
        """One of it."""
        kept = self.kept()
        return kept[number % len(kept)]

    def rows_of(self, database: str) -> Rows:
        """The rows of a database, whether it takes connections or not; none where it is gone."""
        cluster, there = self.lane.cluster, fingerprint.databases(self.lane.cluster)
        if database not in there:
            return frozenset()
        closed = not there[database].takes_connections
        if closed:
            cluster.execute(f'ALTER DATABASE "{database}" WITH ALLOW_CONNECTIONS true')
        try:
            found = cluster.execute("SELECT name FROM res_partner", database)
            return frozenset(str(name) for (name,) in found)
        except Exception:
            return frozenset()
        finally:
            if closed:
                cluster.execute(f'ALTER DATABASE "{database}" WITH ALLOW_CONNECTIONS false')

    # -- what must be so -----------------------------------------------------------

    @invariant()
    def no_row_is_lost(self) -> None:
        """The promise."""
        if not hasattr(self, "must"):
            return
        type(self).steps += 1
        there = fingerprint.databases(self.lane.cluster)
        found: set[str] = set()
        for name in there:
            # What is beside the lane is nobody's data yet, and may be dropped at any time.
            if not is_side_name(name) and not name.startswith(SCRATCH_PREFIX):
                found |= self.rows_of(name)
        proofs = {each.backup_id for each in self.store.evidence(self.lane.lane).data_proofs}
        for backup, rows in self.captured.items():
            if backup in proofs and (self.lane_backups / backup / "manifest.json").is_file():
                found |= rows
        found |= self.given_up()
        assert self.must <= found, sorted(self.must - found)

    def given_up(self) -> set[str]:
        """The rows of what the ledger says that people gave up."""
        found: set[str] = set()
        for entry in self.store.walk_ledger(self.lane.lane):
            particulars = entry.document.get("particulars", {})
            if particulars.get("basis", {}).get("kind") == "given_up":
                assert len(particulars["basis"]["by"]) >= 2
                found |= self.kept_rows[self.oids[entry.document["name"]]]
            elif entry.kind == EntryKind.LIFE_BEGUN and entry.document["what"] == "release":
                # The guard may have been killed after the drop; who signed stands there already.
                signed = Release.from_json(self.store.proposal(entry.document["digest"]).document)
                if signed.weight is Weight.GRAVE:
                    assert len(entry.document["approvals"]) >= 3
                    found |= self.kept_rows[self.oids[signed.kept.name]]
        return found

    @invariant()
    def names_are_remembered(self) -> None:
        """For the ledger, which names what was given up."""
        if not hasattr(self, "must"):
            return
        self.oids |= {each.name: each.database_oid for each in self.kept()}

    def teardown(self) -> None:
        """It can be brought to an end, and then the lane is in order."""
        if not hasattr(self, "must"):
            return
        try:
            live = self.store.live_operation(self.lane.lane)
            if live is not None and live.phase in UNFINISHED_PHASES:
                ended = self.tried(lambda: operations.undo(self.host.office, live.operation_id))
                ended = ended or self.tried(
                    lambda: operations.finish(self.host.office, live.operation_id, succeeded=True)
                )
                assert ended, live.phase
            self.no_row_is_lost()
            self.store.verify_ledger()
        except BaseException:
            self.close()
            raise
        self.histories += 1
        if self.histories < HISTORIES_OF_A_LANE:
            type(self).left = {name: vars(self)[name] for name in CARRIED_ON}
        else:
            self.close()

    def close(self) -> None:
        """Nothing of the lane is left, but the count of what happened to it."""
        try:
            self.happened.update(what_happened(self.store, self.lane.lane))
        finally:
            self.host.close()
            shutil.rmtree(self.around.folder)
            clean(self.around.cluster)


CARRIED_ON = (
    *("host", "lane", "store", "lane_backups", "histories"),
    *("must", "captured", "kept_rows", "oids", "written"),
)
"""What a history leaves to the next one."""


def what_happened(store: Store, lane: Lane) -> Iterator[str]:
    """The kinds of the ledger's entries, and on what each release leaned."""
    for entry in store.walk_ledger(lane):
        yield str(entry.kind)
        if "to" in entry.document:
            yield f"operation {entry.document['to']}"
        if entry.kind == EntryKind.KEPT_RELEASED:
            yield f"released: {entry.document['particulars']['basis']['kind']}"


class Killing:
    """The lane's guard is killed some time after each of its starts."""

    def __init__(self, history: History, killed: bool) -> None:
        self.history, self.killed = history, killed

    def __enter__(self) -> None:
        lane = self.history.lane
        if not self.killed:
            return
        moment = random.Random(self.history.written * 31 + len(self.history.must))  # noqa: S311
        text = lane.forks.guard_program(lane.environment())
        assert BEFORE_IT_WAITS in text
        kill = THEN_KILL.format(seconds=moment.uniform(0.05, LONGEST_SECONDS))
        write_program(lane.guard, text.replace(BEFORE_IT_WAITS, BEFORE_IT_WAITS + kill, 1))

    def __exit__(self, *_: object) -> None:
        if not self.killed:
            return
        self.history.lane.put_guard_back()
        # The server carries on with what the guard had asked for, such as a drop.
        limit = time.monotonic() + SECONDS_TO_END
        while self.history.lane.cluster.execute(GUARDS_SESSIONS):
            assert time.monotonic() < limit
            time.sleep(0.02)


@pytest.fixture
def history(around: Around) -> Iterator[type[History]]:
    """The machine, with the server, the people and a place of this run."""
    with folder_in_memory() as folder, guards_at_home():
        made = type(
            "OneHistory",
            (History,),
            {
                "around": around,
                "backups": folder,
                "told": 0,
                "steps": 0,
                "happened": Counter(),
                "left": None,
            },
        )
        yield made
        close_what_is_left(made)


def close_what_is_left(history: type[History]) -> None:
    """The lane of the last history, where it is not gone yet."""
    if history.left is not None:
        last = history()
        vars(last).update(history.left)
        history.left = None
        last.close()


def live_through(history: type[History], count: int, *, seconds: float | None = None) -> None:
    """So many histories, or as many as fit into the time; how many is printed.

    Without a limit of time they are the same each time.
    """
    if seconds is None:
        seed(FIXED)(history)
    until = None if seconds is None else time.monotonic() + seconds
    at_once = count if until is None else 25
    while history.told < count and (until is None or time.monotonic() < until):
        run_state_machine_as_test(
            history,
            settings=settings(
                max_examples=min(at_once, count - history.told),
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            ),
        )
    close_what_is_left(history)
    happened = dict(sorted(history.happened.items()))
    print(f"{history.told} histories, {history.steps} steps: {happened}")


@pytest.mark.slow
def test_no_history_loses_a_row(history: type[History]) -> None:
    live_through(history, FEW)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_many_histories_lose_no_row(history: type[History]) -> None:
    many = int(os.environ.get("LANE_AUTHORITY_HISTORIES", MANY))
    seconds = float(os.environ.get("LANE_AUTHORITY_HISTORIES_SECONDS", SECONDS_FOR_MANY))
    live_through(history, many, seconds=seconds)
