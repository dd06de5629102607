"""32 processes, released by a barrier, want one lane and one approval: one has each, every time."""

import multiprocessing

import pytest

from tests.driver.contender import contend, digest_of
from tests.driver.places import Place
from tests.driver.sample import CM, record_open_policy

PROCESSES = 32


def hold(place: Place, rounds: int) -> None:
    """That many rounds, and what the store says afterwards."""
    store = place.open()
    record_open_policy(store)
    context = multiprocessing.get_context("forkserver")
    # Imported once, so that the processes are forks of one that is ready.
    context.set_forkserver_preload(["tests.driver.contender"])
    barrier, outcomes = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(
            target=contend, args=(place, number, rounds, barrier, outcomes), daemon=True
        )
        for number in range(PROCESSES)
    ]
    try:
        for each in processes:
            each.start()
        found = [outcomes.get(timeout=3600) for _process in processes]
    finally:
        for each in processes:
            each.kill()
    for turn in range(rounds):
        assert sum(each[turn][0] for each in found) == 1, f"round {turn}: the lane"
        assert sum(each[turn][1] for each in found) == 1, f"round {turn}: the approval"
        (approval,) = store.approvals(digest_of(turn))
        assert approval.used_by == digest_of(turn)
    assert [each.phase for each in store.operations(CM)] == ["aborted"] * rounds
    assert sum(len(store.history(lane)) for lane in store.policies() if lane != CM) == rounds
    store.verify_ledger()
    store.close()


@pytest.mark.slow
def test_one_has_the_lane_and_one_the_approval(place: Place) -> None:
    hold(place, 10)


@pytest.mark.full
def test_one_has_them_in_a_thousand_rounds(place: Place) -> None:
    hold(place, 1000)
