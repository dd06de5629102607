"""Broken off before any single step, by a kill or by a crash of the server, nothing is lost.

Each time the same command carries on to its end, and the way back leads to the old data, identical.
"""

import pytest

from tests.guard.estate import Estate
from tests.guard.rounds import ROUNDS, ReleaseRound, Round
from tests.guard.steps import held_before, steps_of

WORDS_OF_A_GUARD_THAT_LOST_ITS_SERVER = (0, 50, 51)
EACH = 10
"""In the normal run every tenth step; the full run takes them all."""

kinds = pytest.mark.parametrize("kind", ROUNDS, ids=lambda kind: kind.command)


def count_of_steps(lane: Estate, kind: type[Round]) -> int:
    """How many steps one run of the command has."""
    broken = kind(lane)
    steps = steps_of(lane, kind.command, broken.token)
    broken.back()
    broken.clear()
    return len(steps)


def break_off(lane: Estate, kind: type[Round], number: int, *, crash: bool) -> None:
    """One round that is broken off before a step and carried on in both ways."""
    broken = kind(lane)
    held = held_before(lane, kind.command, broken.token, number)
    if not held.step:
        # Other data has other files, so a release of it has fewer steps.
        assert kind is ReleaseRound
        assert held.go_on().exit_code == 0
    elif crash:
        lane.cluster.crash()
        answer = held.go_on()
        assert "Traceback" not in answer.words, answer.words
        assert answer.exit_code in WORDS_OF_A_GUARD_THAT_LOST_ITS_SERVER, answer.words
        lane.cluster.start()
    else:
        held.kill()
    broken.is_nothing_lost()
    if number % 2:
        broken.again_to_the_end()
        broken.is_nothing_lost()
    broken.back()
    broken.clear()


def break_off_at(lane: Estate, kind: type[Round], numbers: range, *, crash: bool) -> None:
    for number in numbers:
        break_off(lane, kind, number, crash=crash)


@kinds
@pytest.mark.slow
def test_a_guard_killed_at_some_steps(lane: Estate, kind: type[Round]) -> None:
    break_off_at(lane, kind, range(2, count_of_steps(lane, kind), EACH), crash=False)


@kinds
@pytest.mark.slow
def test_a_server_that_crashes_at_some_steps(lane: Estate, kind: type[Round]) -> None:
    break_off_at(lane, kind, range(14, count_of_steps(lane, kind), 2 * EACH), crash=True)


@kinds
@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("crash", [False, True], ids=["kill", "crash"])
def test_every_single_step(lane: Estate, kind: type[Round], crash: bool) -> None:
    break_off_at(lane, kind, range(count_of_steps(lane, kind)), crash=crash)
