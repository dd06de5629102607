"""A rebuild that died is done once more: what it left is kept too, and undo finds the old data."""

from functools import partial
from pathlib import Path

import pytest

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.marker import MARKER_TABLE
from launchplane_lane_contracts.read_model import WayOn
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    DataSource,
    MarkerState,
    Operation,
)
from launchplane_lane_driver import operations
from launchplane_lane_driver.lane_view import lane_view
from launchplane_lane_driver.store.records import OperationRecord
from launchplane_lane_guard.keep import GOING_BACK
from tests.driver.small_host import (
    SmallHost,
    SmallLane,
    lane_begin,
    refused,
    resettable_policy,
    untouched,
)
from tests.driver.work.test_interrupted import AFTER, BEFORE, killed_at
from tests.guard import fingerprint
from tests.guard.estate import Estate

EXISTING = (Operation.RECREATE, DataSource.EXISTING)


def whole(host: SmallHost, lane: SmallLane) -> bool:
    """Whether the lane is in order: marker, record, ledger, and every begin has its end."""
    view = lane_view(host.office, lane.lane)
    host.office.store.verify_ledger()
    begun = sorted(each.name for each in (lane.keep / "begun").iterdir())
    ended = sorted(each.parent.name for each in (lane.keep / "begun").glob("*/ended"))
    assert begun == ended
    return view.marker.value is MarkerState.BOUND and view.unfinished is None


def all_is_listed(host: SmallHost, lane: SmallLane) -> bool:
    """Whether the host lists every database that is kept on the server, and no other."""
    listed = {each.name for each in host.office.store.host_record(lane.lane).kept}
    return listed == set(fingerprint.databases(lane.cluster)) - {lane.database}


def ways_on(host: SmallHost, lane: SmallLane) -> dict[str, WayOn]:
    """What the lane's view says of each command that could end the operation."""
    unfinished = lane_view(host.office, lane.lane).unfinished
    assert unfinished is not None
    return {each.command.split()[1]: each for each in unfinished.ways_on}


def half_made(host: SmallHost, lane: SmallLane, whose: str = "half") -> OperationRecord:
    """A rebuild whose materialiser died after it had made some data."""
    begun = host.begin(lane)
    lane.materialise(whose)
    return begun


def test_a_retry_keeps_what_the_first_run_left(host: SmallHost, lane: SmallLane) -> None:
    before = lane.data()
    operation = half_made(host, lane)
    left = lane.data()
    again = operations.retry(host.office, operation.operation_id)
    assert again.phase == "begun"
    assert again.generation > operation.generation
    assert again.permit_id != operation.permit_id
    lane.materialise("second")
    came = lane.data()
    settled = operations.finish(host.office, operation.operation_id, succeeded=True)
    assert settled.phase == "settled"
    assert lane.data() == came
    old, remains = host.office.store.host_record(lane.lane).kept
    assert lane.kept_data(old.name) == before
    assert lane.kept_data(remains.name) == left
    assert old.name == settled.kept_name
    assert remains.kept_until is not None
    assert whole(host, lane)
    assert all_is_listed(host, lane)


@pytest.mark.parametrize("times", [pytest.param(1, marks=pytest.mark.full), 2])
def test_undo_after_retries_finds_the_old_data(
    host: SmallHost, lane: SmallLane, times: int
) -> None:
    before = lane.data()
    operation = half_made(host, lane)
    left = [lane.data()]
    for number in range(times):
        operations.retry(host.office, operation.operation_id)
        lane.materialise(f"run {number}")
        left.append(lane.data())
    with untouched(lane), pytest.raises(Refused, match="begun once before") as caught:
        operations.abort(host.office, operation.operation_id)
    assert [each.code for each in caught.value.reasons] == [ReasonCode.UNDO_IMPOSSIBLE]
    operations.undo(host.office, operation.operation_id)
    assert lane.data() == before
    assert whole(host, lane)
    assert all_is_listed(host, lane)
    kept = host.office.store.host_record(lane.lane).kept
    assert sorted(lane.kept_data(each.name).oid for each in kept) == sorted(
        each.oid for each in left
    )
    assert all(lane.kept_data(each.name) in left for each in kept)
    # What is kept can be brought back: its tag and the host's record agree.
    plan = host.plan(lane, Operation.RESTORE, DataSource.KEPT, kept_database=kept[0].name)
    assert plan.decision.allowed, plan.decision.reasons


@pytest.mark.parametrize(
    ("script", "way"),
    [
        (AFTER, "retry"),
        (AFTER, "undo"),
        *(
            pytest.param(*each, marks=pytest.mark.full)
            for each in (
                (BEFORE, "retry"),
                (BEFORE, "start"),
                (BEFORE, "undo"),
                (AFTER, "start"),
            )
        ),
    ],
)
def test_a_retry_that_is_killed_goes_on(
    host: SmallHost, lane: SmallLane, script: str, way: str
) -> None:
    before = lane.data()
    operation = half_made(host, lane).operation_id
    left = lane.data()
    killed_at(host, lane, script, "begin", "retry", operation)
    assert host.office.store.operation(operation).phase == "started"
    done = host.operate(way, operation)
    assert done.code == 0, done.stderr
    if way != "undo":
        lane.materialise("second")
        done = host.operate("finish", operation)
        assert done.code == 0, done.stderr
        old, remains = host.office.store.host_record(lane.lane).kept
        assert lane.kept_data(old.name) == before
    else:
        assert lane.data() == before
        (remains,) = host.office.store.host_record(lane.lane).kept
    assert fingerprint.data_of(lane.cluster, remains.name, lane.filestore).oid == left.oid
    assert whole(host, lane)
    assert all_is_listed(host, lane)


@pytest.mark.parametrize(
    ("step", "script"),
    [
        ("stamp", BEFORE),
        *(pytest.param(each, AFTER, marks=pytest.mark.full) for each in ("undo", "stamp")),
    ],
)
def test_an_undo_after_a_retry_goes_on(
    host: SmallHost, lane: SmallLane, step: str, script: str
) -> None:
    before = lane.data()
    operation = half_made(host, lane).operation_id
    operations.retry(host.office, operation)
    lane.materialise("second")
    killed_at(host, lane, script, step, "undo", operation)
    done = host.operate("undo", operation)
    assert done.code == 0, done.stderr
    assert lane.data() == before
    assert whole(host, lane)
    assert all_is_listed(host, lane)


def test_a_permit_that_was_replaced_is_worth_nothing(host: SmallHost, lane: SmallLane) -> None:
    operation = host.authorize(lane).operation_id
    killed_at(host, lane, BEFORE, "begin", "start", operation)
    first = host.office.store.operation(operation).permit_token
    assert first is not None
    # Within its time the same permit goes on; it is begun once.
    assert operations.retry(host.office, operation).permit_token == first
    operations.retry(host.office, operation)
    with untouched(lane), refused(ReasonCode.PERMIT_ALREADY_BEGUN):
        lane_begin(host, lane, first)


def test_what_is_the_lanes_own_is_never_remains(host: SmallHost, lane: SmallLane) -> None:
    operation = half_made(host, lane)
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO away')
    assert operation.kept_name is not None
    lane.cluster.execute(f'ALTER DATABASE "{operation.kept_name}" WITH ALLOW_CONNECTIONS true')
    lane.cluster.execute(f'ALTER DATABASE "{operation.kept_name}" RENAME TO "{lane.database}"')
    with untouched(lane), pytest.raises(Refused):
        operations.retry(host.office, operation.operation_id)


def test_another_lanes_own_is_never_remains_though_it_lost_its_tag(
    host: SmallHost, lane: SmallLane
) -> None:
    other = host.add_lane("opw")
    host.record_policy(resettable_policy(other.lane))
    host.enrol(other)
    theirs, before = other.data(), lane.data()
    operation = host.begin(lane)
    lane.execute(f'ALTER DATABASE "{other.database}" RENAME TO "{lane.database}"')
    lane.execute(f'COMMENT ON DATABASE "{lane.database}" IS NULL')
    with untouched(lane), untouched(other), refused(ReasonCode.MARKER_FOREIGN):
        operations.retry(host.office, operation.operation_id)
    # The host has it on record, so not even without its marker is it taken for what came.
    lane.execute(f"ALTER TABLE {MARKER_TABLE} RENAME TO taken_away", lane.database)
    with untouched(lane), untouched(other):
        for step in (operations.retry, operations.undo, partial(operations.finish, succeeded=True)):
            with refused(ReasonCode.MARKER_FOREIGN):
                step(host.office, operation.operation_id)
    lane.execute(f"ALTER TABLE taken_away RENAME TO {MARKER_TABLE}", lane.database)
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO "{other.database}"')
    operations.undo(host.office, operation.operation_id)
    assert (lane.data(), other.data()) == (before, theirs)
    assert whole(host, lane)


def test_a_database_whose_drop_was_broken_off_is_undone_and_not_done_once_more(
    host: SmallHost, lane: SmallLane
) -> None:
    before = lane.data()
    operation = half_made(host, lane).operation_id
    # What PostgreSQL leaves of a DROP that was broken off.
    limit = "UPDATE pg_database SET datconnlimit = {} WHERE oid = {}"
    oid = fingerprint.databases(lane.cluster)[lane.database].oid
    lane.cluster.execute(limit.format(-2, oid))
    with pytest.raises(Refused, match=f"invalid database .{lane.database}") as caught:
        operations.retry(host.office, operation)
    (unread,) = (
        each for each in caught.value.reasons if each.code is ReasonCode.DATABASE_UNREADABLE
    )
    assert f"lane-authority undo {operation}" in unread.remedy
    ways = ways_on(host, lane)
    assert ways["undo"].possible
    assert not ways["retry"].possible
    assert "invalid database" in ways["retry"].words
    assert host.operate("undo", operation).code == 0
    lane.cluster.execute(limit.format(-1, oid))
    assert lane.data() == before
    assert whole(host, lane)
    assert all_is_listed(host, lane)


def test_kept_data_that_lost_its_tag_is_kept_all_the_same(host: SmallHost, lane: SmallLane) -> None:
    before = lane.data()
    begun = host.begin(lane)
    lane.execute(f'COMMENT ON DATABASE "{begun.kept_name}" IS NULL')
    # Nothing stands under the name, and the lane's data has not been renamed by anybody.
    assert lane_view(host.office, lane.lane).database.value is DatabaseState.ABSENT
    assert all(ways_on(host, lane)[name].possible for name in ("retry", "undo", "abort"))
    operations.retry(host.office, begun.operation_id)
    operations.undo(host.office, begun.operation_id)
    assert lane.data() == before
    assert whole(host, lane)
    assert all_is_listed(host, lane)


def test_nothing_is_begun_once_more_over_what_is_going_back(
    host: SmallHost, lane: SmallLane
) -> None:
    """The permit of a retry was signed before the undo began; the guard itself refuses it."""
    before = lane.data()
    operation = half_made(host, lane)
    killed_at(host, lane, BEFORE, "begin", "retry", operation.operation_id)
    token = host.office.store.operation(operation.operation_id).permit_token
    assert token is not None
    (lane.keep / "begun" / str(operation.permit_id) / GOING_BACK).touch()
    with untouched(lane), pytest.raises(Refused, match="is being undone here") as caught:
        lane_begin(host, lane, token)
    assert [each.code for each in caught.value.reasons] == [ReasonCode.READINGS_MOVED]
    operations.undo(host.office, operation.operation_id)
    assert lane.data() == before
    assert whole(host, lane)


def test_what_a_strangers_marker_claims_is_never_remains(
    host: SmallHost, lane: SmallLane, tmp_path: Path
) -> None:
    """Another installation's lane, which lost its tag: nobody here knows the key of its marker."""
    operation = half_made(host, lane).operation_id
    other = lane.lane.model_copy(update={"context": "theirs"})
    theirs = Estate(host.cluster, tmp_path, "theirs", host.cluster.odoo, lane=other).make().enrol()
    there = theirs.data()
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO half')
    lane.execute(f'ALTER DATABASE theirs RENAME TO "{lane.database}"')
    lane.execute(f'COMMENT ON DATABASE "{lane.database}" IS NULL')
    with untouched(lane), refused(ReasonCode.MARKER_UNVERIFIABLE):
        operations.retry(host.office, operation)
    # It was the guard that refused: the host had signed a permit.
    assert host.office.store.operation(operation).phase == "started"
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO theirs')
    assert theirs.data() == there


def test_settled_and_kept_that_came_are_not_done_once_more(
    host: SmallHost, lane: SmallLane
) -> None:
    settled = host.rebuild(lane)
    with untouched(lane), refused(ReasonCode.NO_OPERATION_AUTHORIZED):
        operations.retry(host.office, settled.operation_id)
    kept = settled.kept_name
    begun = host.begin(lane, Operation.RESTORE, DataSource.KEPT, kept_database=kept)
    with untouched(lane), refused(ReasonCode.RETRY_OTHER_OPERATION):
        operations.retry(host.office, begun.operation_id)
    operations.undo(host.office, begun.operation_id)
    assert whole(host, lane)


def test_a_change_in_place_that_failed_is_rolled_back(host: SmallHost, lane: SmallLane) -> None:
    before = lane.data()
    generation = host.office.store.host_record(lane.lane).generation
    begun = host.begin(lane, *EXISTING)
    lane.runtime.stop()
    with refused(ReasonCode.RUNTIME_NOT_ANSWERING):
        operations.finish(host.office, begun.operation_id, succeeded=True)
    # The marker is pending by now, and the very data stands there.
    lane.runtime.start()
    for _time in range(2):
        again = operations.retry(host.office, begun.operation_id)
        assert (again.phase, again.generation) == ("begun", generation)
    assert operations.finish(host.office, begun.operation_id, succeeded=True).phase == "settled"
    assert lane.data() == before
    assert whole(host, lane)
    assert host.office.store.host_record(lane.lane).kept == ()


@pytest.mark.parametrize("finished", [pytest.param(False, marks=pytest.mark.full), True])
def test_a_change_in_place_is_settled_as_it_stands(
    host: SmallHost, lane: SmallLane, finished: bool
) -> None:

    before, record = lane.data(), host.office.store.host_record(lane.lane)
    begun = host.begin(lane, *EXISTING)
    lane.runtime.stop()
    if finished:
        with refused(ReasonCode.RUNTIME_NOT_ANSWERING):
            operations.finish(host.office, begun.operation_id, succeeded=True)
    done = host.operate("settle", begun.operation_id, "--as-it-stands")
    assert done.code == 0, done.stderr
    after = host.office.store.host_record(lane.lane)
    assert (after.generation, after.identity) == (record.generation, record.identity)
    assert after.nonce != record.nonce
    lane.runtime.start()
    assert lane.data() == before
    assert whole(host, lane)


def test_a_begin_that_the_guard_refused_is_settled_as_it_stands(
    host: SmallHost, lane: SmallLane
) -> None:
    operation = host.authorize(lane).operation_id
    before = lane.data()
    killed_at(host, lane, BEFORE, "begin", "start", operation)
    token = host.office.store.operation(operation).permit_token
    assert token is not None
    assert operations.settle_as_it_stands(host.office, operation).phase == "settled"
    # The permit was never begun, and now never can be.
    with untouched(lane), refused(ReasonCode.PERMIT_ALREADY_BEGUN):
        lane_begin(host, lane, token)
    assert lane.data() == before
    assert whole(host, lane)


@pytest.mark.parametrize("script", [pytest.param(BEFORE, marks=pytest.mark.full), AFTER])
def test_settling_as_it_stands_goes_on(host: SmallHost, lane: SmallLane, script: str) -> None:
    before = lane.data()
    operation = host.begin(lane, *EXISTING).operation_id
    killed_at(host, lane, script, "stamp", "settle", operation, "--as-it-stands")
    done = host.operate("settle", operation, "--as-it-stands")
    assert done.code == 0, done.stderr
    assert lane.data() == before
    assert whole(host, lane)


def test_other_data_is_not_settled_as_it_stands(host: SmallHost, lane: SmallLane) -> None:
    operation = host.begin(lane).operation_id
    with untouched(lane), refused(ReasonCode.READINGS_MOVED):
        operations.settle_as_it_stands(host.office, operation)
    lane.materialise()
    with untouched(lane), refused(ReasonCode.READINGS_MOVED):
        operations.settle_as_it_stands(host.office, operation)
    operations.undo(host.office, operation)
    assert whole(host, lane)


@pytest.mark.parametrize("by", ["host", "guard"])
def test_an_abort_leaves_generation_and_nonce(host: SmallHost, lane: SmallLane, by: str) -> None:
    before, record = lane.data(), host.office.store.host_record(lane.lane)
    begun = host.begin(lane)
    if by == "host":
        done = host.operate("abort", begun.operation_id)
        assert done.code == 0, done.stderr
    else:
        killed_at(host, lane, AFTER, "abort", "abort", begun.operation_id)
        assert host.phase(begun) == "begun"
        assert host.operate("undo", begun.operation_id).code == 0
    assert host.phase(begun) == "aborted"
    after = host.office.store.host_record(lane.lane)
    assert (after.generation, after.nonce) == (record.generation, record.nonce)
    assert after.kept == ()
    assert lane.data() == before
    assert whole(host, lane)
