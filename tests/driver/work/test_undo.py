"""Undo, in each phase: the old data is back with every row and file, or never moved."""

from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, MarkerState, Operation
from launchplane_lane_driver import operations
from launchplane_lane_driver.lane_view import lane_view
from tests.driver.small_host import SmallHost, SmallLane, refused, untouched
from tests.guard import fingerprint


def bound(host: SmallHost, lane: SmallLane) -> bool:
    """Whether marker, tags and record agree, and nothing is unfinished."""
    view = lane_view(host.office, lane.lane)
    host.office.store.verify_ledger()
    return view.marker.value is MarkerState.BOUND and view.unfinished is None


def test_authorized_is_given_up(host: SmallHost, lane: SmallLane) -> None:
    operation = host.authorize(lane)
    with untouched(lane):
        assert operations.undo(host.office, operation.operation_id).phase == "aborted"
    assert bound(host, lane)
    with refused(ReasonCode.NO_OPERATION_AUTHORIZED):
        operations.start(host.office, operation.operation_id)


def test_started_and_refused_is_undone(host: SmallHost, lane: SmallLane) -> None:
    operation = host.authorize(lane)
    # The database moves between the driver's last reading and the guard's own.
    lane.guard_becomes(
        'if [ "$1" = begin ]; then rm -rf '
        f"'{lane.keep}/lane'; printf another/lane/here > '{lane.keep}/lane'; fi\n"
        'exec "$GUARD" "$@"'
    )
    with untouched(lane):
        with refused(ReasonCode.KEEP_UNUSABLE):
            operations.start(host.office, operation.operation_id)
        assert host.phase(operation) == "started"
        lane.put_guard_back()
        (lane.keep / "lane").write_text(str(lane.lane))
        assert operations.undo(host.office, operation.operation_id).phase == "undone"
    assert bound(host, lane)
    # Its permit is worth nothing any more.
    record = host.office.store.operation(operation.operation_id)
    assert record.permit_token is not None
    assert host.plan(lane).decision.allowed


def test_begun_is_undone_before_anything_came(host: SmallHost, lane: SmallLane) -> None:
    before = lane.data()
    begun = host.begin(lane)
    assert operations.undo(host.office, begun.operation_id).phase == "undone"
    assert lane.data() == before
    assert bound(host, lane)
    record = host.office.store.host_record(lane.lane)
    assert record.kept == ()
    # A new generation: copies of what was before the undo are older.
    assert record.generation == 3


def test_materialised_is_undone_and_what_came_is_kept(host: SmallHost, lane: SmallLane) -> None:
    before = lane.data()
    begun = host.begin(lane)
    lane.materialise()
    came = lane.data()
    lane.runtime.stop()
    with refused(ReasonCode.RUNTIME_NOT_ANSWERING):
        operations.finish(host.office, begun.operation_id, succeeded=True)
    assert host.phase(begun) == "materialised"
    assert operations.undo(host.office, begun.operation_id).phase == "undone"
    lane.runtime.start()
    assert lane.data() == before
    assert bound(host, lane)
    (remains,) = host.office.store.host_record(lane.lane).kept
    assert lane.kept_data(remains.name) == came


def test_settled_is_not_undone(host: SmallHost, lane: SmallLane) -> None:
    settled = host.rebuild(lane)
    with untouched(lane), refused(ReasonCode.NO_OPERATION_AUTHORIZED):
        operations.undo(host.office, settled.operation_id)
    assert bound(host, lane)


def test_an_undo_of_kept_data_that_came_keeps_it(host: SmallHost, lane: SmallLane) -> None:
    old = lane.data()
    kept = host.rebuild(lane).kept_name
    new = lane.data()
    begun = host.begin(lane, Operation.RESTORE, DataSource.KEPT, kept_database=kept)
    operations.undo(host.office, begun.operation_id)
    assert lane.data() == new
    assert bound(host, lane)
    (remains,) = host.office.store.host_record(lane.lane).kept
    assert lane.kept_data(remains.name) == old
    again = host.begin(lane, Operation.RESTORE, DataSource.KEPT, kept_database=remains.name)
    operations.finish(host.office, again.operation_id, succeeded=True)
    assert lane.data() == old
    assert bound(host, lane)


def test_an_undo_after_a_lost_begin_lists_what_is_kept(host: SmallHost, lane: SmallLane) -> None:
    old = lane.data()
    kept = host.rebuild(lane).kept_name
    new = lane.data()
    operation = host.authorize(lane, Operation.RESTORE, DataSource.KEPT, kept_database=kept)
    lane.guard_becomes(
        'if [ "$1" = begin ]; then "$GUARD" "$@" >/dev/null; else exec "$GUARD" "$@"; fi'
    )
    try:
        operations.start(host.office, operation.operation_id)
    except CouldNotTell as problem:
        assert problem.reasons[0].code == ReasonCode.GUARD_SILENT
    assert lane.data() == old
    lane.put_guard_back()
    operations.undo(host.office, operation.operation_id)
    assert lane.data() == new
    assert bound(host, lane)
    listed = host.office.store.host_record(lane.lane).kept
    there = fingerprint.databases(lane.cluster)
    assert {each.name for each in listed} == set(there) - {lane.database}
    assert {each.database_oid for each in listed} == {old.oid}
