"""A permit is good for one rebuild, however often and however fast it is used."""

import threading
import time

import psycopg2
import pytest

from launchplane_lane_contracts.vocabulary import DataSource
from launchplane_lane_guard import sessions
from tests.guard import fingerprint
from tests.guard.estate import Estate, refused

AT_ONCE = 32


def test_a_permit_is_not_begun_twice(lane: Estate) -> None:
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.materialise()
    before = lane.everything()
    refused(lane.run("begin", lane.sign(permit)), "permit_already_begun")
    # The same order signed anew is the same permit.
    again = permit.model_copy(update={"nonce": "another-nonce"})
    refused(lane.run("begin", lane.sign(again)), "permit_already_begun")
    assert lane.everything() == before
    lane.settle(permit)
    before = lane.everything()
    refused(lane.run("begin", lane.sign(permit)), "permit_already_begun")
    assert lane.everything() == before


def test_a_permit_for_nothing_is_not_begun_twice_either(bare: Estate) -> None:
    bare.drop_like_the_devkit()
    bare.filestore.rename(bare.folder / "away")
    permit = bare.permit()
    bare.done("begin", bare.sign(permit))
    bare.materialise()
    before = bare.everything()
    refused(bare.run("begin", bare.sign(permit)), "permit_already_begun")
    assert bare.everything() == before


def test_a_permit_is_worthless_with_another_keep(lane: Estate) -> None:
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.materialise()
    another = lane.folder / "another-keep"
    another.mkdir()
    before = lane.everything()
    answer = lane.run("begin", lane.sign(permit), LANE_AUTHORITY_KEEP=str(another))
    refused(answer, "readings_moved")
    found = lane.everything()
    assert (found.databases, found.rows) == (before.databases, before.rows)


def begin_at_once(lane: Estate, token: str) -> None:
    """Begin one permit in many processes: one does it, the others find it begun or being begun."""
    running = [lane.start("begin", token) for _ in range(AT_ONCE)]
    answers = [each.wait() for each in running]
    codes = sorted(each.exit_code for each in answers)
    assert codes.count(0) == 1, codes
    assert set(codes) <= {0, 50, 52}
    for each in answers:
        if each.exit_code == 50:
            refused(each, "permit_already_begun")


def test_of_many_at_once_exactly_one_begins(lane: Estate) -> None:
    before = lane.data()
    permit = lane.permit()
    begin_at_once(lane, lane.sign(permit))
    assert lane.kept_data(permit.kept_name) == before
    assert list(fingerprint.databases(lane.cluster)) == [permit.kept_name]


def test_of_many_at_once_exactly_one_begins_where_there_is_nothing(bare: Estate) -> None:
    """No rename tells the second one then: the note in the keep alone does."""
    bare.drop_like_the_devkit()
    bare.filestore.rename(bare.folder / "away")
    permit = bare.permit()
    begin_at_once(bare, bare.sign(permit))
    assert not fingerprint.databases(bare.cluster)
    bare.materialise()
    bare.settle(permit)


def test_begin_and_undo_at_once_end_in_one_of_both(lane: Estate) -> None:
    old = lane.data()
    permit = lane.permit()
    order = lane.undo_order(permit)
    running = [lane.start("begin", lane.sign(permit)), lane.start("undo", lane.sign(order))]
    assert {each.wait().exit_code for each in running} <= {0, 50, 52}
    lane.done("undo", lane.sign(order))
    assert lane.data() == old
    assert lane.takes_connections()


def test_sessions_that_come_back_do_not_stop_a_begin(lane: Estate) -> None:
    before = lane.data()
    permit = lane.permit()
    over = threading.Event()

    def come_back() -> None:
        while not over.is_set():
            try:
                opened = lane.cluster.connect(lane.database)
                opened.cursor().execute("SELECT count(*) FROM res_partner")
                time.sleep(0.001)
                opened.close()
            except psycopg2.Error:
                time.sleep(0.001)

    threads = [threading.Thread(target=come_back) for _ in range(3)]
    for each in threads:
        each.start()
    try:
        # A real process: threads and forks do not go together.
        lane.program("begin", lane.sign(permit))
    finally:
        over.set()
        for each in threads:
            each.join()
    assert lane.kept_data(permit.kept_name) == before


def test_another_roles_session_is_waited_for_and_named(
    lane: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "SECONDS_FOR_SESSIONS_TO_END", 0.5)
    before = lane.data()
    other = lane.cluster.create_role("monitor", "monitor-password")
    try:
        held = lane.cluster.connect(lane.database)
        held.cursor().execute("LOCK TABLE res_partner")
        permit = lane.permit()
        # Another role's session is seen by a plain one; it may not end it, and says whose it is.
        foreign = lane.cluster.connect(lane.database, other)
        answer = lane.run("begin", lane.sign(permit))
        refused(answer, "set_aside_impossible")
        assert "monitor" in answer.words
        assert lane.data() == before
        foreign.close()
        held = lane.cluster.connect(lane.database)
        lane.done("begin", lane.sign(permit))
        assert lane.kept_data(permit.kept_name) == before
        held.close()
    finally:
        lane.cluster.execute("DROP ROLE monitor")


def test_an_existing_permit_is_not_begun_twice(lane: Estate) -> None:
    permit = lane.permit(DataSource.EXISTING)
    lane.done("begin", lane.sign(permit))
    refused(lane.run("begin", lane.sign(permit)), "permit_already_begun")


def test_a_reopen_in_between_never_leaves_kept_data_open(lane: Estate) -> None:
    old = lane.data()
    for _ in range(4):
        permit = lane.permit()
        running = [lane.start("begin", lane.sign(permit))]
        running += [lane.start("reopen") for _ in range(3)]
        assert {each.wait().exit_code for each in running} <= {0, 50}
        found = fingerprint.databases(lane.cluster)
        if permit.kept_name in found:
            assert not found[permit.kept_name].takes_connections
        order = lane.undo_order(permit)
        lane.done("undo", lane.sign(order))
        assert lane.data() == old
        lane.stamp(
            lane.stamp_order(lane.show(), permit=permit, generation=order.generation, lock=False)
        )


def test_a_stamp_that_was_carried_out_writes_over_no_later_rebuild(lane: Estate) -> None:
    first = lane.permit(DataSource.EXISTING)
    lane.done("begin", lane.sign(first))
    reading = lane.done("finish", lane.sign(first)).reading
    assert reading is not None
    order = lane.stamp_order(reading, permit=first, generation=first.generation)
    lane.stamp(order)
    second = lane.permit(DataSource.EXISTING)
    lane.done("begin", lane.sign(second))
    lane.done("finish", lane.sign(second))
    before = lane.everything()
    refused(lane.run("stamp", lane.sign(order)), "marker_pending")
    assert lane.everything() == before
    lane.settle(second)
