"""`fingerprint`: of the lane's own database and what it keeps, and nothing is changed by it."""

import pytest

from launchplane_lane_contracts.fingerprint import ContentFingerprint
from launchplane_lane_contracts.marker import EVENT_TABLE, MARKER_TABLE
from tests.guard import child
from tests.guard.estate import Estate


def ask(lane: Estate, *arguments: str) -> child.Answer:
    """Run the command in the lane."""
    answer = child.start(["fingerprint", *arguments], b"", lane.environment()).wait()
    assert "Traceback" not in answer.words, answer.words
    return answer


def fingerprint(lane: Estate, *arguments: str) -> ContentFingerprint:
    """The answer of a command that must succeed."""
    answer = ask(lane, *arguments)
    assert answer.exit_code == 0, answer.words
    assert answer.receipt is not None
    found = ContentFingerprint.from_plain(answer.receipt.result)
    assert found.digest() in answer.receipt.message
    assert found.digest() in answer.words
    return found


def test_it_reads_and_changes_nothing(standing: Estate) -> None:
    before = standing.everything()
    found = fingerprint(standing)
    assert standing.everything() == before
    assert found.database == standing.database
    assert found.rows == 54
    assert found == fingerprint(standing, "--workers", "1").model_copy(
        update={"snapshot": found.snapshot}
    )


def test_stamping_changes_our_own_tables_alone(bare: Estate) -> None:
    before = fingerprint(bare)
    bare.enrol()
    after = fingerprint(bare)
    assert after.digest() == before.digest()
    assert before.own_tables == ()
    assert {table.name for table in after.own_tables} == {MARKER_TABLE, EVENT_TABLE}
    assert {sequence.name for sequence in after.own_sequences} == {f"{EVENT_TABLE}_id_seq"}
    bare.execute(f"UPDATE {MARKER_TABLE} SET claimed = true", bare.database)
    claimed = fingerprint(bare)
    assert claimed.own_tables != after.own_tables
    assert claimed.digest() == before.digest()


def test_kept_data_is_read_once_it_is_open(lane: Estate) -> None:
    before = fingerprint(lane)
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    everything = lane.everything()
    closed = ask(lane, "--database", permit.kept_name)
    assert (closed.exit_code, closed.codes) == (50, {"database_closed"})
    assert "lane-authority-guard open" in closed.words
    gone = ask(lane)
    assert (gone.exit_code, gone.codes) == (50, {"database_not_there"})
    assert lane.everything() == everything
    lane.cluster.execute(f'ALTER DATABASE "{permit.kept_name}" ALLOW_CONNECTIONS true')
    kept = fingerprint(lane, "--database", permit.kept_name)
    assert before.differences(kept) == ()
    assert kept.digest() == before.digest()


def test_another_lanes_kept_data_is_not_read(lane: Estate) -> None:
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.cluster.execute(f'ALTER DATABASE "{permit.kept_name}" ALLOW_CONNECTIONS true')
    lane.lane = lane.lane.model_copy(update={"instance": "another"})
    answer = ask(lane, "--database", permit.kept_name)
    assert (answer.exit_code, answer.codes) == (50, {"kept_unknown"})


@pytest.mark.parametrize("database", ["postgres", "template1", "neighbour", "no such", ""])
def test_nor_is_any_other_database(lane: Estate, database: str) -> None:
    lane.create_database("neighbour")
    before = lane.everything()
    answer = ask(lane, "--database", database)
    assert (answer.exit_code, answer.codes) == (50, {"kept_unknown"})
    assert lane.everything() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("--workers", "0"),
        ("--workers", "many"),
        ("--snapshot", "00000003-000001B3-1"),
        ("--snapshot", "'"),
        ("--database",),
    ],
)
def test_a_call_that_makes_no_sense(standing: Estate, arguments: tuple[str, ...]) -> None:
    answer = ask(standing, *arguments)
    assert answer.exit_code == 2
    assert answer.receipt is not None
    assert answer.receipt.message


def test_a_snapshot_from_outside(lane: Estate) -> None:
    before = fingerprint(lane)
    holder = lane.cluster.connect(lane.database)
    try:
        with holder.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT pg_export_snapshot()")
            ((snapshot,),) = cursor.fetchall()
            lane.execute("DELETE FROM res_partner", lane.database)
            found = fingerprint(lane, "--snapshot", snapshot)
            assert (found.digest(), found.snapshot) == (before.digest(), snapshot)
        now = fingerprint(lane)
        assert [str(each) for each in before.differences(now)] == [
            "table public.res_partner: 0 rows instead of 50"
        ]
    finally:
        holder.close()


def test_what_cannot_be_read_is_named(lane: Estate) -> None:
    lane.cluster.execute("ALTER TABLE extra.notes OWNER TO postgres", lane.database)
    answer = ask(lane)
    assert (answer.exit_code, answer.codes) == (51, set())
    assert "permission denied for table notes" in answer.words


def test_a_session_that_was_ended_is_no_fingerprint(lane: Estate) -> None:
    holder = lane.cluster.connect(lane.database)
    waiting = "FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    try:
        with holder.cursor() as cursor:
            cursor.execute("LOCK TABLE res_partner")
        running = child.start(["fingerprint"], b"", lane.environment())
        while not lane.cluster.execute(f"SELECT pid {waiting}"):
            pass
        lane.cluster.execute(f"SELECT pg_terminate_backend(pid) {waiting}")
        answer = running.wait()
    finally:
        holder.close()
    assert answer.exit_code == 51
    assert answer.receipt is not None
    assert answer.receipt.result is None
