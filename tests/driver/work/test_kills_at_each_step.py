"""Killed before each durable step of plan, authorize, start and finish, on both kinds of store.

Each time the lane says what is under way and how it goes on, that way is gone to its end, no row is
lost, and a permit is begun once. `make test` kills before every other step on SQLite and before the
others on PostgreSQL; the full run before each of them on both.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from launchplane_lane_contracts.contract import OperationId
from launchplane_lane_contracts.errors import ExitCode
from launchplane_lane_contracts.vocabulary import MarkerState
from launchplane_lane_driver import operations
from launchplane_lane_driver.lane_view import lane_view
from tests.driver import dying
from tests.driver.fork_server import Done
from tests.driver.places import new_database_for_a_store
from tests.driver.small_host import SmallHost, SmallLane
from tests.driver.work.conftest import Around, clean, new_host
from tests.guard.fingerprint import Data

KILLED = -9
MOST_STEPS = 40


@dataclass
class Killed:
    """One lane whose operator's machine fails at one step after the other."""

    host: SmallHost
    lane: SmallLane
    record: Path
    """Where the steps of one run are written down."""

    def at_steps(self, numbers: range, command: Callable[[int], tuple[str, ...]]) -> Iterator[Done]:
        """Kill the command before its step of each number, until it has no more steps.

        Each time the command is made anew, and what is to be seen afterwards is the caller's to
        see, but for the ledger.
        """
        for number in numbers:
            made = command(number)
            self.record.unlink(missing_ok=True)
            arguments = (str(number), str(self.record), *made)
            run = self.host.forks.start("dying", arguments, self.host.environment())
            done = run.wait(and_orphans=True)
            assert "Traceback" not in done.stderr, done.stderr
            self.host.office.store.verify_ledger()
            steps = self.record.read_text().splitlines()
            if done.code != KILLED:
                assert len(steps) < number
                assert steps[-1] == dying.LAST
                break
            assert len(steps) == number
            yield done
        else:
            raise AssertionError("it never came to its end")
        whole = self.host.operate("audit", "verify")
        assert whole.code == ExitCode.DONE, whole.stderr

    def way_on(self) -> tuple[str, ...]:
        """The first command that the lane's view names; nothing when nothing is under way."""
        view = lane_view(self.host.office, self.lane.lane)
        if view.unfinished is None:
            return ()
        first = view.unfinished.ways_on[0]
        assert first.possible
        return tuple(first.command.split()[1:])

    def is_whole(self, data: Data) -> None:
        """The lane is in order, and this is what stands there."""
        view = lane_view(self.host.office, self.lane.lane)
        assert (view.unfinished, view.marker.value) == (None, MarkerState.BOUND)
        assert self.lane.data() == data

    def begun(self) -> set[str]:
        """The permits that were begun in the lane."""
        folder = self.lane.keep / "begun"
        return {each.name for each in folder.iterdir()} if folder.exists() else set()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def killed(
    request: pytest.FixtureRequest, around: Around, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Killed]:
    """A host with either kind of store, and an enrolled lane that may be rebuilt from nothing."""
    url, folder = None, tmp_path_factory.mktemp("killed")
    if request.param == "postgresql":
        url = new_database_for_a_store(request.getfixturevalue("store_cluster"))
    host = new_host(around, folder, url)
    yield Killed(host, host.enrolled(host.add_lane()), folder / "steps")
    host.close()
    clean(around.cluster)


@pytest.fixture(
    params=["some", pytest.param("each", marks=[pytest.mark.full, pytest.mark.timeout(3600)])]
)
def numbers(request: pytest.FixtureRequest, killed: Killed) -> range:
    """The numbers of the steps before which it dies; on both stores together those are all."""
    if request.param == "each":
        return range(1, MOST_STEPS)
    return range(2 if killed.host.store_url else 1, MOST_STEPS, 2)


pytestmark = pytest.mark.slow


def test_plan(killed: Killed, numbers: range) -> None:
    host, name, before = killed.host, str(killed.lane.lane), killed.lane.everything()
    operations_before = host.office.store.operations()

    def plan(number: int) -> tuple[str, ...]:
        return ("plan", name, "bootstrap/empty", "--reason", f"try {number}", "--json")

    for number, _done in zip(numbers, killed.at_steps(numbers, plan), strict=False):
        again = host.operate(*plan(number))
        assert again.code == ExitCode.DONE, again.stderr
        assert host.office.store.proposal(json.loads(again.stdout)["digest"]).kind == "plan"
    assert killed.lane.everything() == before
    assert host.office.store.operations() == operations_before


def test_authorize(killed: Killed, numbers: range) -> None:
    host, before, digests = killed.host, killed.lane.everything(), [""]
    operations_before = len(host.office.store.operations())

    def authorize(number: int) -> tuple[str, ...]:
        digests.append(host.plan(killed.lane, reason=f"try {number}").plan_digest)
        return ("authorize", digests[-1])

    for _done in killed.at_steps(numbers, authorize):
        was_claimed = killed.way_on() != ()
        again = host.operate("authorize", digests[-1])
        # The claim was there already, or was made by the second run; never both.
        assert again.code == (ExitCode.REFUSED if was_claimed else ExitCode.DONE), again
        assert ("lane_busy" in again.stderr) == was_claimed
        operation = host.office.store.live_operation(killed.lane.lane)
        assert operation is not None
        assert (operation.plan_digest, operation.phase) == (digests[-1], "authorized")
        assert killed.way_on() == ("start", operation.operation_id)
        operations.undo(host.office, operation.operation_id)
    operation = host.office.store.live_operation(killed.lane.lane)
    assert operation is not None
    operations.undo(host.office, operation.operation_id)
    assert len(host.office.store.operations()) == operations_before + len(digests) - 1
    assert killed.lane.everything() == before


def test_a_refused_plan_stays_refused(killed: Killed, numbers: range) -> None:
    host = killed.host
    production = host.lanes.get("syo") or host.add_production()
    made = host.plan(production)
    assert not made.decision.allowed
    before = production.everything()
    for _done in killed.at_steps(numbers, lambda _number: ("authorize", made.plan_digest)):
        again = host.operate("authorize", made.plan_digest)
        assert (again.code, "source_not_allowed" in again.stderr) == (ExitCode.REFUSED, True)
    assert host.office.store.operations(production.lane) == ()
    assert production.everything() == before


def test_start(killed: Killed, numbers: range) -> None:
    host, lane, before = killed.host, killed.lane, killed.lane.data()
    held: list[OperationId] = []
    begun_before = killed.begun()

    def start(_number: int) -> tuple[str, ...]:
        held.append(host.authorize(lane).operation_id)
        return ("start", held[-1])

    for _done in killed.at_steps(numbers, start):
        operation, permits = host.office.store.operation(held[-1]), killed.begun()
        if operation.phase != "begun":
            assert killed.way_on() == ("start", held[-1])
            again = host.operate("start", held[-1])
            assert again.code == ExitCode.DONE, again.stderr
        begun = host.office.store.operation(held[-1])
        assert begun.phase == "begun"
        assert operation.permit_id in (None, begun.permit_id)
        assert permits <= killed.begun()
        assert lane.kept_data(str(begun.kept_name)) == before
        operations.abort(host.office, held[-1])
        killed.is_whole(before)
    operations.abort(host.office, held[-1])
    permits = {str(host.office.store.operation(each).permit_id) for each in held}
    assert killed.begun() - begun_before == permits
    assert len(permits) == len(held)
    killed.is_whole(before)


def test_finish(killed: Killed, numbers: range) -> None:
    host, lane = killed.host, killed.lane
    held: list[tuple[OperationId, str, Data, Data]] = []

    def finish(number: int) -> tuple[str, ...]:
        before, begun = lane.data(), host.begin(lane)
        lane.materialise(f"try {number}")
        held.append((begun.operation_id, str(begun.kept_name), before, lane.data()))
        return ("finish", begun.operation_id)

    for _done in killed.at_steps(numbers, finish):
        operation_id, kept, before, came = held[-1]
        if host.office.store.operation(operation_id).phase != "settled":
            assert killed.way_on() == ("finish", operation_id)
            again = host.operate("finish", operation_id)
            assert again.code == ExitCode.DONE, again.stderr
        assert host.office.store.operation(operation_id).phase == "settled"
        killed.is_whole(came)
        assert lane.kept_data(kept) == before
    ended = {each.parent.name for each in (lane.keep / "begun").glob("*/ended")}
    assert killed.begun() == ended
