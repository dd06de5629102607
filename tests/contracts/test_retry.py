"""Doing an unfinished operation once more: remains are not asked about, lane data always is."""

from datetime import timedelta

import pytest

from launchplane_lane_contracts.contract import SystemIdentifier
from launchplane_lane_contracts.evidence import PresentEvidence
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import EngineTag
from launchplane_lane_contracts.reasons import ReasonCode as Code
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    DataSource,
    FilestoreState,
    MarkerState,
    Operation,
    OperationPhase,
    RuntimeState,
    TagState,
)

from .cases import (
    DATABASE_OID,
    KEPT_OID,
    LANE,
    OTHER_LANE,
    PERMIT,
    UNFINISHED,
    Case,
    allowed_case,
    authoritative_case,
    changed,
    unfinished,
)

REMAINS_OID = 16999


def retried(case: Case, phase: OperationPhase = OperationPhase.BEGUN) -> Case:
    """The case as a retry of an operation that asked for the same and came that far."""
    return case.change_all(
        {
            "observation.record.unfinished": unfinished(phase).model_copy(
                update={
                    "operation": case.request.operation,
                    "data_source": case.request.data_source,
                }
            ),
            "request.retries": UNFINISHED,
        }
    )


def with_remains(case: Case) -> Case:
    """The retry of a rebuild that died after its data had been set aside."""
    return retried(case).change_all(
        {
            "observation.database.oid": REMAINS_OID,
            "observation.database.identity": None,
            "observation.marker.state": MarkerState.FOREIGN,
            "observation.marker.authoritative": True,
            "observation.filestore.state": FilestoreState.UNTAGGED,
            "observation.present": PresentEvidence(),
            "observation.approvals": (),
        }
    )


def codes(case: Case) -> set[Code]:
    """The codes of a case's decision."""
    return {each.code for each in case.decide().reasons}


EMPTY = allowed_case(Operation.RECREATE, DataSource.EMPTY)
EXISTING = authoritative_case(Operation.RECREATE, DataSource.EXISTING)
FROM_BACKUP = authoritative_case(Operation.RESTORE, DataSource.BACKUP_RESTORE)


@pytest.mark.parametrize("case", [EMPTY, FROM_BACKUP], ids=["empty", "backup"])
def test_nothing_is_asked_of_remains(case: Case) -> None:
    decision = with_remains(case).decide()
    assert decision.reasons == ()
    assert decision.approvers_required == 0


def test_what_remains_say_of_themselves_protects_nothing() -> None:
    assert not codes(with_remains(EMPTY).change("observation.marker.claimed", True))


def test_what_the_operation_found_authoritative_stays_so() -> None:
    case = with_remains(EMPTY).change("observation.record.unfinished.authoritative", True)
    assert codes(case) == {Code.SOURCE_NOT_ALLOWED}
    restored = with_remains(allowed_case(Operation.RESTORE, DataSource.BACKUP_RESTORE)).change(
        "observation.record.unfinished.authoritative", True
    )
    obligations = restored.decide().obligations
    assert obligations is not None
    assert obligations.authoritative


@pytest.mark.parametrize("state", FilestoreState)
def test_files_of_remains_may_be_anything_but_somebody_else_s(state: FilestoreState) -> None:
    refused = state in (FilestoreState.FOREIGN, FilestoreState.ELSEWHERE, FilestoreState.UNREADABLE)
    assert codes(with_remains(EMPTY).change("observation.filestore.state", state)) == (
        {Code(f"filestore_{state}")} if refused else set()
    )


def test_lane_data_is_never_remains() -> None:
    case = with_remains(EMPTY).change("observation.database.oid", DATABASE_OID)
    assert {Code.MARKER_FOREIGN, Code.BACKUP_GATE_MISSING} <= codes(case)
    other_server = with_remains(EMPTY).change(
        "observation.database.system_identifier", SystemIdentifier("99")
    )
    assert {Code.MARKER_FOREIGN, Code.BACKUP_GATE_MISSING} <= codes(other_server)


def test_a_lane_of_which_nothing_was_recorded_has_only_remains() -> None:
    case = with_remains(EMPTY).change_all(
        {"observation.record.identity": None, "observation.record.generation": None}
    )
    assert codes(case) == set()


@pytest.mark.parametrize(
    ("lane", "oid", "state", "is_remains"),
    [
        (OTHER_LANE, REMAINS_OID, TagState.LIVE, False),
        (OTHER_LANE, REMAINS_OID, TagState.PENDING, False),
        (LANE, REMAINS_OID, TagState.LIVE, False),
        (LANE, REMAINS_OID, TagState.KEPT, False),
        (LANE, REMAINS_OID, TagState.PENDING, True),
        (OTHER_LANE, DATABASE_OID, TagState.LIVE, True),
    ],
)
def test_a_database_that_its_own_tag_claims_is_no_remains(
    lane: Lane, oid: int, state: TagState, is_remains: bool
) -> None:
    tag = EngineTag(lane=lane, generation=8, database_oid=oid, state=state)
    assert (codes(with_remains(EMPTY).change("observation.database.tag", tag)) == set()) is (
        is_remains
    )


def test_files_that_came_before_any_database_did_are_remains_as_well() -> None:
    """The devkit copies the files first; a rebuild may die between files and rows."""
    for state in (DatabaseState.ABSENT, DatabaseState.UNINITIALISED):
        case = with_remains(EMPTY).change_all(
            {
                "observation.database.state": state,
                "observation.marker.state": MarkerState.NOT_APPLICABLE,
                "observation.marker.authoritative": False,
            }
        )
        assert codes(case) == set()
        assert codes(case.change("request.retries", None)) == {
            Code.OPERATION_UNFINISHED,
            Code.FILESTORE_UNTAGGED,
            Code.BACKUP_GATE_MISSING,
            Code.DATA_PROOF_MISSING,
        }


def test_kept_data_that_stands_under_the_name_is_no_remains() -> None:
    case = with_remains(EMPTY).change("observation.database.oid", KEPT_OID)
    assert {Code.MARKER_FOREIGN, Code.BACKUP_GATE_MISSING} <= codes(case)
    assert codes(case.change("observation.record.kept", ())) == set()


def test_a_database_whose_oid_was_not_read_is_no_remains() -> None:
    case = with_remains(EMPTY).change("observation.database.oid", None)
    assert {Code.MARKER_FOREIGN, Code.BACKUP_GATE_MISSING} <= codes(case)


def test_remains_are_those_of_a_rebuild_that_is_on_record_as_begun() -> None:
    started = with_remains(EMPTY).change(
        "observation.record.unfinished.phase", OperationPhase.STARTED
    )
    assert Code.MARKER_FOREIGN in codes(started)


def test_remains_are_no_answer_where_the_database_is_not_known() -> None:
    for state in (DatabaseState.RENAMED, DatabaseState.MISSING, DatabaseState.CLOSED):
        case = with_remains(EMPTY).change("observation.database.state", state)
        assert Code(f"database_{state}") in codes(case)


def test_where_what_came_cannot_be_read_the_way_on_is_to_undo() -> None:
    def way_on(case: Case) -> str:
        unread = case.change("observation.database.state", DatabaseState.UNREADABLE)
        (found,) = (
            each for each in unread.decide().reasons if each.code is Code.DATABASE_UNREADABLE
        )
        return found.remedy

    begun = with_remains(EMPTY)
    for case in (begun, begun.change("request.retries", None)):
        assert f"lane-authority undo {UNFINISHED}" in way_on(case)
        assert "lane-authority lost" not in way_on(case)
    not_begun = begun.change("observation.record.unfinished.begun_at", None)
    for case in (EMPTY, not_begun, retried(EXISTING)):
        assert "lane-authority lost" in way_on(case)


def test_a_runtime_that_contradicts_refuses_a_retry_as_well() -> None:
    case = with_remains(EMPTY).change("observation.runtime.state", RuntimeState.OTHER_LANE)
    assert codes(case) == {Code.RUNTIME_OTHER_LANE}


def test_the_pending_marker_of_the_operation_itself_is_accepted() -> None:
    case = retried(EXISTING).change_all(
        {
            "observation.marker.state": MarkerState.PENDING,
            "observation.marker.permit_id": PERMIT,
        }
    )
    assert codes(case) == set()
    other = case.change("observation.marker.permit_id", "permit-of-somebody-else")
    assert codes(other) == {Code.MARKER_PENDING}
    earlier = other.change(
        "observation.record.unfinished.earlier_permits", (PERMIT, "permit-of-somebody-else")
    )
    assert codes(earlier) == set()
    assert Code.MARKER_PENDING in codes(case.change("request.retries", None))
    unknown = case.change_all(
        {
            "observation.marker.permit_id": None,
            "observation.record.unfinished.permit_id": None,
        }
    )
    assert codes(unknown) == {Code.MARKER_PENDING}


def test_a_change_that_left_the_data_is_rolled_back_under_the_same_gate() -> None:
    """The gate was fresh when the operation began; at two in the morning it no longer is."""
    begun = EXISTING.now - timedelta(minutes=50)
    late = retried(EXISTING).change("now", begun + timedelta(hours=40))
    seen = late.observation
    assert seen.present.gate is not None
    late = late.change("observation.present.gate", changed(seen.present.gate, "snapshot_at", begun))
    assert codes(late) == set()
    assert codes(late.change("observation.record.unfinished.begun_at", None)) == {
        Code.BACKUP_GATE_STALE
    }
    stale_then = changed(seen.present.gate, "snapshot_at", begun - timedelta(hours=24, seconds=1))
    assert codes(late.change("observation.present.gate", stale_then)) == {Code.BACKUP_GATE_STALE}


def test_a_gate_taken_after_the_begin_counts_by_its_age_now() -> None:
    assert codes(retried(EXISTING)) == set()
