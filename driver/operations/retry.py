"""`retry`: an unfinished operation is done once more, under another permit."""

from launchplane_lane_contracts.contract import OperationId
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import (
    UNFINISHED_PHASES,
    DataSource,
    OperationPhase,
)

from ..guard_client import show
from ..lane_office import LaneOffice, utc_now
from ..planning import PLAN, make_plan, note_decision
from ..store.records import OperationRecord
from .materialise import with_side
from .start import begin, new_permit, note_begin_as_seen
from .steps import began_before, permit_of, wrong_phase


def retry(
    office: LaneOffice, operation_id: OperationId, *, attest_runtime: bool = False
) -> OperationRecord:
    """Read again, decide again, sign another permit, and have what was left set aside as well.

    `attest_runtime` asks the guard to attest for a runtime that is down. Run again after a crash
    it goes on. Raises Refused, CouldNotTell or Busy; unless the phase says otherwise afterwards,
    nothing was set aside.
    """
    operation = office.store.operation(operation_id)
    if operation.phase not in UNFINISHED_PHASES:
        raise Refused.because(wrong_phase(operation, "done once more"))
    if operation.phase is OperationPhase.STARTED:
        reading = show(office.configuration(operation.lane))
        begun = note_begin_as_seen(office, operation, reading)
        if begun is None and _goes_on(office, operation, reading):
            return begin(office, operation)
        if begun is not None and _nothing_came(office, begun, reading):
            # It is where doing it once more would bring it.
            return begun
        operation = begun or operation
    if operation.plan.target.request.data_source is DataSource.KEPT and began_before(operation):
        raise Refused.because(_stands_already(operation))
    return begin(office, _sign_again(office, operation, attest_runtime=attest_runtime))


def _goes_on(office: LaneOffice, operation: OperationRecord, reading: LaneReading) -> bool:
    """Whether the permit that it has is good for its begin yet, or came half-way."""
    permit = permit_of(office, operation)
    begun = next((each for each in reading.keep.begun if each.permit_id == permit.permit_id), None)
    if begun is not None:
        # One that was taken back in the lane is used up, whoever died before noting that.
        return not begun.ended
    return utc_now() < permit.begin_before


def _nothing_came(office: LaneOffice, operation: OperationRecord, reading: LaneReading) -> bool:
    """Whether nothing is at the lane's place but what its begin put there."""
    entry, side = reading.database.entry, permit_of(office, operation).observation.incoming.side
    if side is not None:
        return entry is not None and entry.oid == side.database_oid
    return (
        operation.plan.target.request.data_source is not DataSource.EXISTING
        and reading.database.server is not None
        and entry is None
        and reading.filestore.problem is None
        and not reading.filestore.holds_files
    )


def _sign_again(
    office: LaneOffice, operation: OperationRecord, *, attest_runtime: bool
) -> OperationRecord:
    first = operation.plan.target.request
    request = first.model_copy(
        update={
            "retries": operation.operation_id,
            "attest_runtime": first.attest_runtime or attest_runtime,
        }
    )
    made, witnessed = make_plan(office, request)
    begun = witnessed.reading.keep.begun
    if any(each.going_back for each in begun if each.permit_id in operation.permit_ids):
        raise Refused.because(_goes_back(operation))
    note_decision(office, made, "retry")
    if not made.decision.allowed:
        # Where signatures are missing, this is what they are asked for.
        office.store.propose(PLAN, made.target, proposer=request.requester, now=made.planned_at)
        raise Refused.because(*made.decision.reasons)
    assert made.decision.obligations is not None
    generation = operation.generation
    if made.decision.obligations.new_generation:
        generation = office.store.new_generation(operation.lane)
    assert operation.permit_id is not None
    made = with_side(made, operation, witnessed.reading)
    permit = new_permit(
        office, operation, made, generation=generation, retries_permits=operation.permit_ids
    )
    return office.store.retry(
        operation.operation_id,
        replaces=operation.permit_id,
        permit_id=permit.permit_id,
        permit_token=office.sign(permit),
        generation=generation,
        plan=made,
        approvals_used=office.free_approval_ids(made.plan_digest, made.signed_by),
        now=permit.issued_at,
    )


def _stands_already(operation: OperationRecord) -> Reason:
    return reason(
        ReasonCode.RETRY_OTHER_OPERATION,
        f"Operation {operation.operation_id} has put the kept data under the name already; there "
        "is nothing in it to do once more.",
        f"Finish it (`lane-authority finish {operation.operation_id}`), or put back what stood "
        f"there before (`lane-authority undo {operation.operation_id}`).",
        operation_id=operation.operation_id,
    )


def _goes_back(operation: OperationRecord) -> Reason:
    return reason(
        ReasonCode.READINGS_MOVED,
        f"What operation {operation.operation_id} set aside has begun to go back, so nothing is "
        "done once more on it.",
        f"Undo it once more (`lane-authority undo {operation.operation_id}`), then plan anew.",
        operation_id=operation.operation_id,
    )
