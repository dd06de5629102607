"""Killed at any moment, the guard leaves the old data in place or kept, and a way on.

The moments are random over the whole run of each command; the seed is fixed for the order of the
draws, not for where in the code they land. Every round ends with the lane as it was.
"""

import random
import time

import pytest

from launchplane_lane_contracts.vocabulary import DataSource
from tests.guard.estate import Estate, refused
from tests.guard.rounds import ROUNDS, Round

FEW_KILLS = 30
MANY_KILLS = 3000
LONGEST_SECONDS = 0.3


def seconds_of(lane: Estate, kind: type[Round]) -> float:
    """How long one run takes here, so that the kills fall all over it."""
    whole = kind(lane)
    began = time.monotonic()
    assert whole.again().exit_code == 0
    took = time.monotonic() - began
    whole.back()
    whole.clear()
    return min(took * 1.1, LONGEST_SECONDS)


def kill(lane: Estate, kind: type[Round], kills: int, seed: int) -> None:
    """Kill one command many times, and each time carry it on or go back."""
    moments = random.Random(seed)  # noqa: S311
    longest = seconds_of(lane, kind)
    for _ in range(kills):
        killed = kind(lane)
        running = lane.start(kind.command, killed.token)
        time.sleep(moments.uniform(0, longest))
        running.kill()
        running.wait()
        killed.is_nothing_lost()
        if moments.random() < 0.5:
            killed.again_to_the_end()
        killed.back()
        killed.clear()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ROUNDS, ids=lambda kind: kind.command)
def test_killed_at_random_moments(lane: Estate, kind: type[Round]) -> None:
    kill(lane, kind, -(-FEW_KILLS // len(ROUNDS)), seed=1)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ROUNDS, ids=lambda kind: kind.command)
def test_killed_very_often(lane: Estate, kind: type[Round]) -> None:
    kill(lane, kind, MANY_KILLS // len(ROUNDS), seed=2)


@pytest.mark.slow
def test_a_killed_begin_of_a_restore_from_kept_data(lane: Estate) -> None:
    moments = random.Random(3)  # noqa: S311
    for _ in range(4):
        first = lane.data()
        _permit, kept = lane.rebuild("second")
        second = lane.data()
        permit = lane.permit(DataSource.KEPT, kept=kept)
        token = lane.sign(permit)
        running = lane.start("begin", token)
        time.sleep(moments.uniform(0, 0.15))
        running.kill()
        running.wait()
        answer = lane.run("begin", token)
        if answer.exit_code != 0:
            refused(answer, "permit_already_begun")
        assert lane.data() == first
        assert lane.kept_data(permit.kept_name) == second
        lane.settle(permit)
        assert lane.data() == first


def test_a_begin_that_was_killed_while_it_was_closed_can_be_reopened(lane: Estate) -> None:
    old = lane.data()
    permit = lane.permit()
    # What a kill between the closing and the rename leaves.
    lane.execute(f"ALTER DATABASE {lane.database} WITH ALLOW_CONNECTIONS false")
    lane.done("reopen")
    assert lane.data() == old
    assert lane.takes_connections()
    lane.done("begin", lane.sign(permit))
    assert lane.kept_data(permit.kept_name) == old


def test_the_half_written_file_of_a_killed_guard_is_in_nobodys_way(lane: Estate) -> None:
    for folder in (lane.keep, lane.filestore, lane.keep / "begun"):
        folder.mkdir(exist_ok=True)
        for name in ("lane", ".launchplane-lane-authority.json", "begun.json"):
            for process in (1, 2, 77):
                (folder / f".{name}.{process}.new").write_text("{")
    old = lane.data()
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.materialise()
    lane.settle(permit)
    assert lane.kept_data(permit.kept_name) == old
