"""An operator whose machine fails: whatever command is under way is killed, again and again.

One lane is rebuilt in every way. The next command is any that the operation's phase lets an
operator think of, wise or not. A kill ends the command at a random moment; half of the kills are
power cuts that end the guard at the same moment, else the guard goes on by itself. Beside it stands
what must be true: which data must be where, and what must be refused.
"""

import random
import shlex
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from launchplane_lane_contracts.errors import Busy, CouldNotTell, ExitCode, Refused
from launchplane_lane_contracts.vocabulary import (
    DataSource,
    MarkerState,
    Operation,
    OperationPhase,
)
from launchplane_lane_driver.guard_client import carry_out
from launchplane_lane_driver.lane_view import lane_view
from launchplane_lane_driver.store.records import OperationRecord
from tests.driver.fork_server import Done, Run
from tests.driver.small_host import SmallHost, SmallLane
from tests.guard import fingerprint
from tests.guard.fingerprint import Data

KILLED = -9
KILL_CHANCE = 0.8
OPERATION_MAY_TAKE = 40
"""Commands until an operation must have come to its end."""
KILLED_AT_MOST = 20
"""Commands of one operation after which the machine holds; without that it need never end."""
SECONDS_FOR_A_GUARD = 60.0

Command = tuple[str, ...]


@dataclass
class FailingMachine:
    """The machine, its lane, and all that is known of what was done to it."""

    host: SmallHost
    lane: SmallLane
    production: SmallLane
    """A lane that refuses every rebuild."""
    chance: random.Random
    every_way_leads_on: bool = True
    """Whether each way on that the lane's view offers has to be taken; else only one of them."""
    killed: Counter[str] = field(default_factory=Counter)
    """How often each command was killed."""
    endings: Counter[str] = field(default_factory=Counter)
    """How the operations ended."""
    told: list[str] = field(default_factory=list)
    """What was done, for the one who reads a failure."""
    _seconds: dict[str, float] = field(default_factory=dict)
    _left_running: list[Run] = field(default_factory=list)
    _known: dict[int, Data] = field(default_factory=dict)
    """All data that must still be somewhere, by its oid."""
    _taken: Counter[str] = field(default_factory=Counter)
    """Commands of each operation."""
    _ended: set[str] = field(default_factory=set)
    """The operations that were looked at after their end."""
    _permits: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The permits of each operation, as they were seen."""

    def __post_init__(self) -> None:
        """Look at what stands there."""
        self._live = self._remember(self.lane.data())
        self._production_before = self._production_now()

    def run_until(self, kills: int) -> None:
        """Go on until so many commands were killed, and nothing is under way any more."""
        try:
            while self.killed.total() < kills:
                self._step(kill=True)
            while self._under_way() is not None:
                self._step(kill=False)
            self._at_rest()
            done = self.host.operate("audit", "verify")
            assert done.code == ExitCode.DONE, done.stderr
        except BaseException:
            print("\n".join(self.told[-60:]))
            raise

    # -- one step ------------------------------------------------------------------

    def _step(self, *, kill: bool) -> None:
        operation = self._under_way()
        if operation is None:
            self._at_rest()
            self._ask_for_one(kill)
        else:
            self._take_further(operation, kill)

    def _under_way(self) -> OperationRecord | None:
        operation = self.host.office.store.live_operation(self.lane.lane)
        if operation is not None and operation.permit_id is not None:
            self._permits[operation.operation_id].add(operation.permit_id)
        return operation

    def _ask_for_one(self, kill: bool) -> None:
        """Plan and authorize a rebuild, or try one that is refused."""
        # What comes after is where more can go wrong.
        kill = kill and self.chance.random() < 0.3
        if kill and self.chance.random() < 0.2:
            self._ask_for_a_refused_one()
            return
        words: Command = ("bootstrap/empty",)
        kept = self._kept_on_the_server()
        draw = self.chance.random()
        if draw < 0.3:
            words = ("recreate/existing",)
        elif kept and draw < 0.5:
            words = ("restore/kept", "--kept", self.chance.choice(kept))
        done = self._run("plan", str(self.lane.lane), *words, kill=kill)
        if done.code == KILLED:
            return
        assert done.code == ExitCode.DONE, done
        digest = done.stdout.split()[-1]
        done = self._run("authorize", digest, kill=kill)
        assert done.code in (KILLED, ExitCode.DONE), done

    def _ask_for_a_refused_one(self) -> None:
        """Production refuses, killed or not."""
        name = str(self.production.lane)
        done = self._run("plan", name, "recreate/empty", kill=True)
        made = self.host.plan(self.production, Operation.RECREATE, DataSource.EMPTY)
        assert done.code in (KILLED, ExitCode.REFUSED), done
        done = self._run("authorize", made.plan_digest, kill=True)
        assert done.code in (KILLED, ExitCode.REFUSED), done
        assert self.host.office.store.operations(self.production.lane) == ()
        assert self._production_now() == self._production_before

    def _production_now(self) -> tuple[Data, fingerprint.DatabaseRow]:
        lane = self.production
        return lane.data(), fingerprint.databases(lane.cluster)[lane.database]

    def _take_further(self, operation: OperationRecord, kill: bool) -> None:
        """One more command on an operation; whatever it answers, nothing is lost."""
        self._taken[operation.operation_id] += 1
        taken = self._taken[operation.operation_id]
        assert taken < OPERATION_MAY_TAKE, "no way leads on"
        kill = kill and taken < KILLED_AT_MOST
        standing = self._standing() if not self._left_running else None
        wise = not kill or self.chance.random() < 0.2
        command = self._way_on(operation) if wise else self._any(operation)
        if self._comes_from(operation) is DataSource.EMPTY and command[0] == "finish":
            self._let_them_end()
            nothing_came = self._standing() is None and self._is_begun(operation)
            if nothing_came and self.chance.random() < 0.8:
                self._materialise()
            standing = self._standing()
        refused = not self._left_running and self._must_be_refused(operation, command, standing)
        done = self._run(*command, kill=kill)
        # What the view offers is no dead end; only what came may be missing yet.
        offered = wise and not self._left_running and command[0] != "finish"
        if offered and self.every_way_leads_on:
            assert done.code in (KILLED, ExitCode.DONE), done
        assert not refused or done.code in (KILLED, ExitCode.REFUSED), done
        after = self.host.office.store.operation(operation.operation_id)
        if refused:
            # A begin that the host had not heard of may have been noted on the way.
            if (operation.phase, after.phase) != (OperationPhase.STARTED, OperationPhase.BEGUN):
                assert after.phase is operation.phase
            assert after.permit_id == operation.permit_id
        if done.code in (ExitCode.REFUSED, ExitCode.COULD_NOT_TELL):
            # A refusal names its reason and a way on.
            assert done.stderr.count("\n") >= 2, done.stderr
        if not self._left_running:
            self._nothing_is_lost()

    def _any(self, operation: OperationRecord) -> Command:
        """One of the commands that somebody may think of; most likely one that was killed least."""
        names = {
            OperationPhase.AUTHORIZED: ("start", "start", "undo", "abort"),
            OperationPhase.STARTED: ("start", "retry", "undo", "abort", "settle"),
        }.get(operation.phase, ("finish", "finish", "retry", "undo", "abort", "settle"))
        weights = [1 / (1 + self.killed[each]) for each in names]
        (name,) = self.chance.choices(names, weights)
        if name == "settle":
            return ("settle", operation.operation_id, "--as-it-stands")
        return (name, operation.operation_id)

    def _way_on(self, operation: OperationRecord) -> Command:
        """One of the commands that the lane's own view says can be given."""
        view = lane_view(self.host.office, self.lane.lane)
        assert view.unfinished is not None
        assert view.unfinished.operation_id == operation.operation_id
        ways = [each.command for each in view.unfinished.ways_on if each.possible]
        return tuple(shlex.split(self.chance.choice(ways))[1:])

    def _must_be_refused(
        self, operation: OperationRecord, command: Command, standing: int | None
    ) -> bool:
        """What no kill may turn into a yes."""
        name, source = command[0], self._comes_from(operation)
        began = operation.begun_at is not None
        return (
            (name == "undo" and began and source is DataSource.EXISTING)
            or (name == "settle" and began and standing != self._live.oid)
            or (name == "finish" and began and source is DataSource.EMPTY and standing is None)
        )

    # -- running and killing ---------------------------------------------------------

    def _run(self, *command: str, kill: bool) -> Done:
        """Run a command, and kill it at some moment or not. Waits while another one is at it."""
        until = time.monotonic() + SECONDS_FOR_A_GUARD
        while True:
            done = self._run_once(*command, kill=kill)
            if done.code != ExitCode.BUSY or time.monotonic() > until:
                break
            # A guard that outlived its caller is still at it.
            self._let_them_end()
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def _run_once(self, *command: str, kill: bool) -> Done:
        name = command[0]
        began = time.monotonic()
        run = self.host.command(*command)
        longest = self._seconds.get(name) or max(self._seconds.values(), default=0.0)
        if kill and longest and self.chance.random() < KILL_CHANCE:
            power_cut, waits = self.chance.random() < 0.5, self.chance.random() < 0.7
            time.sleep(self.chance.uniform(0, longest))
            if power_cut:
                run.cut_off()
            else:
                run.kill()
            done = run.wait(and_orphans=waits)
            if not waits:
                self._left_running.append(run)
        else:
            done = run.wait(and_orphans=True)
            self._seconds[name] = time.monotonic() - began
        if done.code == KILLED:
            self.killed[name] += 1
        self.told.append(f"{' '.join(command)}: {done.code}")
        return done

    def _let_them_end(self) -> None:
        """Wait for the guards that outlived their callers."""
        while self._left_running:
            self._left_running.pop().wait_for_orphans()

    def _materialise(self) -> None:
        self.told.append("materialise")
        self.lane.materialise(f"after {self.killed.total()} kills")
        self._remember(self.lane.data())

    # -- what must be true -----------------------------------------------------------

    def _remember(self, data: Data) -> Data:
        self._known[data.oid] = data
        return data

    def _standing(self) -> int | None:
        """The oid of what stands under the lane's name."""
        found = fingerprint.databases(self.lane.cluster).get(self.lane.database)
        return found.oid if found is not None else None

    @staticmethod
    def _comes_from(operation: OperationRecord) -> DataSource:
        return operation.plan.target.request.data_source

    @staticmethod
    def _is_begun(operation: OperationRecord) -> bool:
        return operation.phase in (OperationPhase.BEGUN, OperationPhase.MATERIALISED)

    def _kept_on_the_server(self) -> list[str]:
        there = fingerprint.databases(self.lane.cluster)
        record = self.host.office.store.host_record(self.lane.lane)
        return [each.name for each in record.kept if each.name in there]

    def _nothing_is_lost(self) -> None:
        """Each row and each file of all that is known is there, whole, under one name."""
        lane = self.lane
        there = {each.oid: name for name, each in fingerprint.databases(lane.cluster).items()}
        folders = [lane.filestore, *(lane.keep / "filestores").glob("*")]
        files = [fingerprint.files_of(folder, with_tag=False) for folder in folders]
        for oid, data in self._known.items():
            assert oid in there, f"database {oid} is gone"
            rows = fingerprint.rows_of(lane.cluster, there[oid], with_marker=False)
            assert rows == data.rows, there[oid]
            assert data.files in files, there[oid]

    def _at_rest(self) -> None:
        """No operation holds the lane: it is whole, and every permit is worth nothing now."""
        self._let_them_end()
        host, lane, store = self.host, self.lane, self.host.office.store
        self._nothing_is_lost()
        for operation in store.operations(lane.lane):
            if operation.operation_id not in self._ended:
                self._has_ended(operation)
        view = lane_view(host.office, lane.lane)
        assert view.unfinished is None
        assert view.marker.value is MarkerState.BOUND, view.marker
        assert lane.data() == self._live
        listed = {each.name for each in store.host_record(lane.lane).kept}
        there = set(fingerprint.databases(lane.cluster))
        assert there - {lane.database, self.production.database} <= listed
        begun = {each.name for each in (lane.keep / "begun").glob("*")}
        assert begun == {each.parent.name for each in (lane.keep / "begun").glob("*/ended")}
        store.verify_ledger()
        self._forget_most()

    def _has_ended(self, operation: OperationRecord) -> None:
        self._ended.add(operation.operation_id)
        self.endings[operation.phase.value] += 1
        permits = {*operation.earlier_permit_ids, operation.permit_id}
        assert self._permits.pop(operation.operation_id, set()) <= permits
        if operation.phase is OperationPhase.SETTLED:
            standing = self._standing()
            assert standing is not None
            self._live = self._known[standing]
        tokens = [each.permit_token for each in operation.earlier_permits]
        for token in (*tokens, operation.permit_token):
            if token is not None:
                self._is_worth_nothing(token)

    def _is_worth_nothing(self, token: str) -> None:
        """Somebody who has the permit in hand can begin nothing by it."""
        before = fingerprint.databases(self.lane.cluster)
        order = self.host.office.keys.verify_marker(token).order
        assert order is not None
        configuration = self.host.office.configuration(self.lane.lane)
        try:
            carry_out(configuration, "begin", token, order.nonce)
        except (Refused, CouldNotTell, Busy):
            assert fingerprint.databases(self.lane.cluster) == before
        else:
            raise AssertionError("a permit was used twice")

    def _forget_most(self) -> None:
        """Keep the server small. All of it was compared; what is kept last may come back."""
        cluster, names = self.lane.cluster, self._kept_on_the_server()
        for name in names[:-1]:
            oid = fingerprint.databases(cluster)[name].oid
            cluster.execute(f'ALTER DATABASE "{name}" WITH IS_TEMPLATE false')
            cluster.execute(f'DROP DATABASE "{name}"')
            self._known.pop(oid, None)
