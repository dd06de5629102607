"""Killed before any step, a restore leaves the lane's data in place or kept, and nothing else.

The next run finds what a killed one left beside the lane, and drops it.
"""

import random
import time

import pytest

from tests.guard.child import Answer
from tests.guard.estate import refused
from tests.guard.rounds import BeginRound, Round
from tests.guard.steps import held_before
from tests.guard.test_every_step import count_of_steps

from .old_host import FROM_UPSTREAM, OldHostEstate

EACH = 60
"""In the normal run every sixtieth step; the full run takes them all."""
LONGEST_SECONDS = 1.5


class MaterialiseRound(Round):
    """`materialise` restores beside the lane, and touches nothing of it."""

    command = "materialise"
    lane: OldHostEstate

    def _prepare(self) -> str:
        self.lane.side = None
        return self.lane.sign(self.lane.materialise_order())

    def again_to_the_end(self) -> None:
        """The same command once more comes to its end, and leaves one side alone."""
        super().again_to_the_end()
        assert len(self.lane.beside()) == 1
        assert len(self.lane.show().keep.sides) == 1

    def is_nothing_lost(self) -> None:
        """The lane stands where it stood."""
        assert self.lane.data() == self.old
        assert self.lane.takes_connections()

    def back(self) -> None:
        """The next run, for whatever it is, leaves nothing of this one."""
        refused(self.lane.bring(ODOO_ADDONS_PATH=None), "not_neutralised")
        assert self.lane.beside() == []
        self.is_nothing_lost()


class BeginWithSideRound(BeginRound):
    """`begin` sets the old data aside, and what waited takes its place."""

    lane: OldHostEstate

    def _prepare(self) -> str:
        side = self.lane.brought()
        self.came = self.lane.data(side.name, self.lane.keep / "sides" / side.name / "filestore")
        self.permit = self.lane.permit(FROM_UPSTREAM)
        return self.lane.sign(self.permit)

    def again_to_the_end(self) -> None:
        """The same command once more comes to its end."""
        super().again_to_the_end()
        assert self.lane.data() == self.came

    def back(self) -> None:
        """The way back; what came is kept, whole, or was never in the lane's place."""
        remains = self._put_back(self.permit)
        names = {each.name for each in self.lane.show().database.neighbours}
        if remains in names:
            assert self.lane.kept_data(remains) == self.came
        assert self.lane.beside() == []


ROUNDS: tuple[type[Round], ...] = (MaterialiseRound, BeginWithSideRound)
kinds = pytest.mark.parametrize("kind", ROUNDS, ids=lambda kind: kind.__name__)


def break_off(lane: OldHostEstate, kind: type[Round], number: int) -> None:
    """One round that is killed before a step, and carried on in both ways."""
    broken = kind(lane)
    held = held_before(lane, kind.command, broken.token, number)
    killed = held.kill() if held.step else held.go_on()
    assert isinstance(killed, Answer)
    broken.is_nothing_lost()
    if number % 2:
        broken.again_to_the_end()
        broken.is_nothing_lost()
    broken.back()
    broken.clear()
    assert lane.sessions() == 0


@kinds
@pytest.mark.slow
def test_killed_at_some_steps(estate: OldHostEstate, kind: type[Round]) -> None:
    for number in range(3, count_of_steps(estate, kind), EACH):
        break_off(estate, kind, number)


@kinds
@pytest.mark.full
@pytest.mark.timeout(3600)
def test_killed_at_every_step(estate: OldHostEstate, kind: type[Round]) -> None:
    for number in range(count_of_steps(estate, kind)):
        break_off(estate, kind, number)


def kill_at_random(lane: OldHostEstate, kills: int, seed: int) -> None:
    """Kill whole runs, with the programs that they started, at any moment."""
    moments = random.Random(seed)  # noqa: S311
    for _ in range(kills):
        killed = MaterialiseRound(lane)
        running = lane.start(killed.command, killed.token)
        time.sleep(moments.uniform(0, LONGEST_SECONDS))
        running.kill()
        running.wait()
        killed.is_nothing_lost()
        if moments.random() < 0.5:
            killed.again_to_the_end()
        killed.back()
        killed.clear()


@pytest.mark.slow
def test_killed_at_random_moments(estate: OldHostEstate) -> None:
    kill_at_random(estate, 1, seed=1)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_killed_very_often(estate: OldHostEstate) -> None:
    kill_at_random(estate, 300, seed=2)
