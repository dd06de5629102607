"""The main roads: plan, authorize, start, finish, for each source that needs no backup."""

from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, Operation, RuntimeState
from launchplane_lane_driver import operations
from launchplane_lane_driver.lane_view import lane_view
from tests.driver.small_host import (
    SmallHost,
    SmallLane,
    refused,
    resettable_policy,
    untouched,
)
from tests.guard import fingerprint


def marker_of(host: SmallHost, lane: SmallLane) -> str:
    """What the lane's marker is worth now, and of which generation it is."""
    fact = lane_view(host.office, lane.lane).marker
    return f"{fact.value}: {fact.detail}"


def test_a_bootstrap_from_empty_keeps_every_row_and_file(host: SmallHost, lane: SmallLane) -> None:
    before = lane.data()
    with untouched(lane):
        planned = host.plan(lane)
        operation = host.authorize(lane)
    assert planned.decision.allowed
    assert planned.plan_digest == operation.plan_digest
    begun = operations.start(host.office, operation.operation_id)
    assert lane.database not in fingerprint.databases(lane.cluster)
    assert begun.kept_name is not None
    assert lane.kept_data(begun.kept_name) == before
    lane.materialise()
    settled = operations.finish(host.office, operation.operation_id, succeeded=True)
    assert (settled.phase, settled.generation) == ("settled", 2)
    kept = fingerprint.databases(lane.cluster)[begun.kept_name]
    assert (kept.oid, kept.locked, kept.takes_connections) == (before.oid, True, False)
    assert lane.kept_data(begun.kept_name) == before
    assert lane.data().oid != before.oid
    record = host.office.store.host_record(lane.lane)
    assert (record.generation, record.unfinished) == (2, None)
    assert record.identity is not None
    assert record.identity.database_oid == lane.data().oid
    view = lane_view(host.office, lane.lane)
    assert marker_of(host, lane) == "bound: generation 2"
    assert view.runtime.value is RuntimeState.AGREES
    (listed,) = view.kept
    assert (listed.name, listed.generation) == (begun.kept_name, 1)
    assert listed.release_due.value is not None
    assert listed.still_there.value is True
    host.office.store.verify_ledger()


def test_existing_keeps_database_and_generation(host: SmallHost, lane: SmallLane) -> None:
    before, nonce = lane.data(), host.office.store.host_record(lane.lane).nonce
    begun = host.begin(lane, Operation.RECREATE, DataSource.EXISTING)
    assert begun.kept_name is None
    assert lane.data() == before
    settled = operations.finish(host.office, begun.operation_id, succeeded=True)
    assert (settled.phase, settled.generation) == ("settled", 1)
    assert lane.data() == before
    after = host.office.store.host_record(lane.lane)
    assert (after.generation, after.kept) == (1, ())
    assert after.nonce != nonce
    assert marker_of(host, lane) == "bound: generation 1"


def test_existing_is_not_settled_over_other_data(host: SmallHost, lane: SmallLane) -> None:
    begun = host.begin(lane, Operation.RECREATE, DataSource.EXISTING)
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO elsewhere')
    lane.make_data("another", "another")
    lane.execute(f'ALTER DATABASE another RENAME TO "{lane.database}"')
    with untouched(lane), refused(ReasonCode.RESULT_NOT_AS_PERMITTED):
        operations.finish(host.office, begun.operation_id, succeeded=True)
    assert host.phase(begun) == "begun"


def test_kept_data_comes_back_with_its_rows_and_files(host: SmallHost, lane: SmallLane) -> None:
    old = lane.data()
    kept = host.rebuild(lane).kept_name
    new = lane.data()
    begun = host.begin(lane, Operation.RESTORE, DataSource.KEPT, kept_database=kept)
    assert lane.data() == old
    settled = operations.finish(host.office, begun.operation_id, succeeded=True)
    assert lane.data() == old
    assert settled.kept_name is not None
    assert lane.kept_data(settled.kept_name) == new
    record = host.office.store.host_record(lane.lane)
    assert [each.name for each in record.kept] == [settled.kept_name]
    assert record.generation == 3
    assert marker_of(host, lane) == "bound: generation 3"


def test_a_rebuild_of_nothing_needs_no_enrolment(host: SmallHost, lane: SmallLane) -> None:
    other = host.add_lane("nord")
    other.execute(f'DROP DATABASE "{other.database}"')
    for path in other.filestore.iterdir():
        for each in path.iterdir():
            each.unlink()
        path.rmdir()
    host.record_policy(resettable_policy(other.lane))
    begun = host.begin(other)
    assert begun.kept_name is None
    other.materialise()
    assert operations.finish(host.office, begun.operation_id, succeeded=True).phase == "settled"
    assert host.office.store.host_record(other.lane).generation == 1
    assert marker_of(host, lane) == "bound: generation 1"


def test_production_is_refused_with_every_reason(host: SmallHost, production: SmallLane) -> None:
    with untouched(production):
        planned = host.plan(production)
        with refused(
            ReasonCode.SOURCE_NOT_ALLOWED,
            ReasonCode.BACKUP_GATE_MISSING,
            ReasonCode.DATA_PROOF_MISSING,
            ReasonCode.APPROVALS_MISSING,
        ):
            host.authorize(production)
    assert not planned.decision.allowed
    assert fingerprint.databases(production.cluster)[production.database].locked


def test_one_lane_at_a_time_and_each_for_itself(host: SmallHost, lane: SmallLane) -> None:
    operation = host.authorize(lane)
    planned = host.plan(lane)
    assert [each.code for each in planned.decision.reasons] == [ReasonCode.LANE_BUSY]
    other = host.add_lane("syo")
    assert host.plan(other).decision.reasons[0].code == ReasonCode.POLICY_UNKNOWN
    with untouched(lane):
        assert operations.undo(host.office, operation.operation_id).phase == "aborted"
    assert host.plan(lane).decision.allowed
