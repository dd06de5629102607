"""Killed at any moment, the guard leaves the old data in place or kept, and a way on.

The moments are random over the whole run of the command; the seed is fixed for the order of the
draws, not for where in the code they land. Every round ends with the lane as it was.
"""

import random
import time

import pytest

from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.vocabulary import DataSource
from tests.guard import fingerprint
from tests.guard.child import Answer
from tests.guard.estate import Estate, refused

ROUNDS = 15
MANY_ROUNDS = 300
CRASHES = 4
LONGEST_SECONDS = 0.3


def oids(lane: Estate) -> set[int]:
    return {each.oid for each in fingerprint.databases(lane.cluster).values()}


def seconds_of(lane: Estate) -> float:
    """How long one begin takes here, so that the kills fall all over it."""
    old = lane.data()
    permit = lane.permit()
    began = time.monotonic()
    lane.done("begin", lane.sign(permit))
    took = time.monotonic() - began
    put_back(lane, permit, old)
    return min(took * 1.1, LONGEST_SECONDS)


def put_back(lane: Estate, permit: Permit, old: fingerprint.Data) -> None:
    """Undo and settle; the old data stands there as it did."""
    order = lane.undo_order(permit)
    lane.done("undo", lane.sign(order))
    assert lane.data() == old
    assert lane.takes_connections()
    lane.stamp(
        lane.stamp_order(lane.show(), permit=permit, generation=order.generation, lock=False)
    )


def stands_somewhere(lane: Estate, permit: Permit, old: fingerprint.Data) -> None:
    """In place or kept, with the very same rows; and so are the files."""
    there = {each.oid: name for name, each in fingerprint.databases(lane.cluster).items()}
    name = there[old.oid]
    assert name in (lane.database, permit.kept_name)
    assert fingerprint.rows_of(lane.cluster, name, with_marker=False) == old.rows
    away = lane.keep / "filestores" / permit.kept_name
    folder = away if away.exists() else lane.filestore
    assert fingerprint.files_of(folder, with_tag=False) == old.files


def begun_after_all(answer: Answer) -> None:
    if answer.exit_code != 0:
        refused(answer, "permit_already_begun")


def kill_begins(lane: Estate, rounds: int) -> None:
    moments = random.Random(rounds)  # noqa: S311
    old, longest = lane.data(), seconds_of(lane)
    for _ in range(rounds):
        permit = lane.permit()
        token = lane.sign(permit)
        before = oids(lane)
        running = lane.start("begin", token)
        time.sleep(moments.uniform(0, longest))
        running.kill()
        running.wait()
        assert oids(lane) == before
        stands_somewhere(lane, permit, old)
        if moments.random() < 0.7:
            begun_after_all(lane.run("begin", token))
            assert lane.kept_data(permit.kept_name) == old
        assert oids(lane) == before
        put_back(lane, permit, old)


def kill_undos(lane: Estate, rounds: int) -> None:
    moments = random.Random(rounds)  # noqa: S311
    old, longest = lane.data(), seconds_of(lane)
    for number in range(rounds):
        permit = lane.permit()
        lane.done("begin", lane.sign(permit))
        lane.materialise(f"new {number}")
        new = lane.data()
        before = oids(lane)
        order = lane.undo_order(permit)
        running = lane.start("undo", lane.sign(order))
        time.sleep(moments.uniform(0, longest))
        running.kill()
        running.wait()
        assert oids(lane) == before
        stands_somewhere(lane, permit, old)
        put_back(lane, permit, old)
        assert lane.kept_data(order.remains_name) == new
        assert oids(lane) == before


@pytest.mark.slow
def test_a_killed_begin(lane: Estate) -> None:
    kill_begins(lane, ROUNDS)


@pytest.mark.slow
def test_a_killed_undo(lane: Estate) -> None:
    kill_undos(lane, ROUNDS)


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
        begun_after_all(lane.run("begin", token))
        assert lane.data() == first
        assert lane.kept_data(permit.kept_name) == second
        lane.settle(permit)
        assert lane.data() == first


@pytest.mark.slow
def test_a_server_that_crashes_during_a_begin(lane: Estate) -> None:
    moments = random.Random(4)  # noqa: S311
    old, longest = lane.data(), seconds_of(lane)
    for _ in range(CRASHES):
        permit = lane.permit()
        token = lane.sign(permit)
        running = lane.start("begin", token)
        time.sleep(moments.uniform(0, longest))
        lane.cluster.crash()
        answer = running.wait()
        assert "Traceback" not in answer.words, answer.words
        assert answer.exit_code in (0, 50, 51), answer.words
        lane.cluster.start()
        stands_somewhere(lane, permit, old)
        begun_after_all(lane.run("begin", token))
        assert lane.kept_data(permit.kept_name) == old
        put_back(lane, permit, old)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_many_killed_begins(lane: Estate) -> None:
    kill_begins(lane, MANY_ROUNDS)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_many_killed_undos(lane: Estate) -> None:
    kill_undos(lane, MANY_ROUNDS)


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
