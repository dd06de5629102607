"""Kills at random moments: the same command goes on, or undo does, and no row is ever lost.

A moment is drawn from the time that the command took when it last ran to its end here and, as that
may have been a quick run, a little more after every kill. So kills fall anywhere in a run, on a
quick machine and on a busy one. One that came too late does not count; another rebuild takes its
place.
"""

import random
import time
from dataclasses import dataclass, field

import pytest

from launchplane_lane_contracts.vocabulary import MarkerState
from launchplane_lane_driver.lane_view import lane_view
from tests.driver.fork_server import Done
from tests.driver.small_host import SmallHost, SmallLane
from tests.guard import fingerprint

SEED = 20260
BUSY, DONE, KILLED = 52, 0, -9
ATTEMPTS_FOR_A_KILL = 4
"""Rebuilds that one kill may take on the average until it comes before the end of its command."""
MORE_AFTER_A_KILL = 1.1


@dataclass
class Killing:
    """One lane that is rebuilt again and again by an operator whose machine fails."""

    host: SmallHost
    lane: SmallLane
    chance: random.Random
    seconds: float = 0.0
    """Within which a command is killed; nothing before one has run to its end."""
    killed: int = 0
    endings: list[str] = field(default_factory=list)

    def run(self, *command: str, kill: bool) -> Done:
        """Run a command, killed at some moment or not."""
        run = self.host.command(*command)
        if kill:
            time.sleep(self.chance.uniform(0, self.seconds))
            run.kill()
        done = run.wait()
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def again(self, *command: str) -> Done:
        """Run it to its end; a guard that outlived its caller may still be at it."""
        until = time.monotonic() + 20
        while (done := self.run(*command, kill=False)).code == BUSY and time.monotonic() < until:
            time.sleep(0.05)
        return done

    def one_round(self, command: str) -> None:
        """One rebuild in which `command` is killed once, where it does not end before that."""
        host, lane = self.host, self.lane
        before = lane.data()
        kept_before = {each.name for each in host.office.store.host_record(lane.lane).kept}
        operation = host.authorize(lane)
        if command != "start":
            assert self.again("start", operation.operation_id).code == DONE
            lane.materialise(f"round {self.killed}")
        began = time.monotonic()
        first = self.run(command, operation.operation_id, kill=self.seconds > 0)
        if first.code == KILLED:
            self.killed += 1
            self.seconds *= MORE_AFTER_A_KILL
        else:
            self.seconds = time.monotonic() - began
        # After a kill that came too late, the command is over and is not run again.
        done = first if first.code == DONE else self.again(command, operation.operation_id)
        if done.code != DONE and host.phase(operation) not in ("settled", "undone"):
            done = self.again("undo", operation.operation_id)
            assert done.code == DONE, done.stderr
        # A start that was killed after its last step was undone above, and is over.
        if command == "start" and host.phase(operation) == "begun":
            if self.chance.random() < 0.5:
                lane.materialise(f"round {self.killed}")
                assert self.again("finish", operation.operation_id).code == DONE
            else:
                assert self.again("undo", operation.operation_id).code == DONE
        self.endings.append(host.phase(operation))
        record = host.office.store.host_record(lane.lane)
        view = lane_view(host.office, lane.lane)
        assert view.unfinished is None
        assert view.marker.value is MarkerState.BOUND
        assert view.marker.detail == f"generation {record.generation}"
        if self.endings[-1] == "settled":
            (name,) = {each.name for each in record.kept} - kept_before
            assert lane.kept_data(name) == before
        else:
            assert lane.data() == before
        host.office.store.verify_ledger()
        self.forget_what_is_kept()

    def forget_what_is_kept(self) -> None:
        """Keep the server small; what was kept has been compared."""
        cluster = self.lane.cluster
        for name in set(fingerprint.databases(cluster)) - {self.lane.database}:
            cluster.execute(f'ALTER DATABASE "{name}" WITH IS_TEMPLATE false')
            cluster.execute(f'DROP DATABASE "{name}"')


def kill_often(host: SmallHost, lane: SmallLane, command: str, rounds: int) -> None:
    """Kill a command in so many rebuilds."""
    chance = random.Random(f"{SEED} {command}")  # noqa: S311 - for a run that can be repeated
    killing = Killing(host, lane, chance)
    for _ in range(rounds * ATTEMPTS_FOR_A_KILL):
        killing.one_round(command)
        if killing.killed == rounds:
            break
    assert killing.killed == rounds, "most of the kills came too late"


@pytest.mark.slow
@pytest.mark.parametrize(("command", "rounds"), [("start", 7), ("finish", 7), ("undo", 6)])
def test_twenty_kills(host: SmallHost, lane: SmallLane, command: str, rounds: int) -> None:
    kill_often(host, lane, command, rounds)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("command", "rounds"), [("start", 167), ("finish", 167), ("undo", 166)])
def test_five_hundred_kills(host: SmallHost, lane: SmallLane, command: str, rounds: int) -> None:
    kill_often(host, lane, command, rounds)
