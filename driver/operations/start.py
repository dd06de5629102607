"""`start`: the permit is signed, and the guard sets the data aside."""

from datetime import timedelta

from launchplane_lane_contracts.contract import RULEBOOK_VERSION, OperationId, PermitId
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.naming import kept_name
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode
from launchplane_lane_contracts.receipt import SetAside
from launchplane_lane_contracts.rules.retry import only_remains_stand_there
from launchplane_lane_contracts.vocabulary import OperationPhase

from ..guard_client import carry_out, show
from ..lane_office import LaneOffice, new_nonce, new_permit_id, utc_now
from ..planning import make_plan, note_decision, require_same
from ..store.records import OperationRecord
from .materialise import with_side
from .steps import permit_of, remains_as_kept, wrong_phase

PERMIT_VALID_FOR = timedelta(minutes=15)
"""How long after `start` a permit may begin."""


def start(office: LaneOffice, operation_id: OperationId) -> OperationRecord:
    """Read again, decide again, sign the permit, and have the guard set the data aside.

    Run again after a crash it goes on with the same permit. Raises Refused, CouldNotTell or Busy;
    unless the phase says otherwise afterwards, nothing was set aside.
    """
    return begin(office, _started(office, operation_id, side_takes_the_name=True))


def hand_out(office: LaneOffice, operation_id: OperationId) -> tuple[OperationRecord, str]:
    """Read again, decide again, sign the permit, and give it to who runs the guard in the lane.

    For the guard's `run`, which begins by itself; `finish` sees that it has. Raises what `start`
    raises.
    """
    operation = _started(office, operation_id)
    assert operation.permit_token is not None
    return operation, operation.permit_token


def begun_in_the_lane(office: LaneOffice, operation: OperationRecord) -> OperationRecord:
    """Take note of a begin that the host did not ask for itself.

    Raises Refused when none is seen that came to its end and still goes on.
    """
    reading = show(office.configuration(operation.lane))
    begun = note_begin_as_seen(office, operation, reading)
    if begun is None:
        raise Refused.because(wrong_phase(operation, "finished"))
    return begun


def note_begin_as_seen(
    office: LaneOffice, operation: OperationRecord, reading: LaneReading
) -> OperationRecord | None:
    """Take note of a begin that came to its end and still goes on; None where none is seen."""
    permit = permit_of(office, operation)
    set_aside = _set_aside_as_seen(reading, permit)
    if isinstance(set_aside, bool):
        return None
    return _note_begun(office, operation, permit, set_aside, reading)


def _started(
    office: LaneOffice, operation_id: OperationId, *, side_takes_the_name: bool = False
) -> OperationRecord:
    office.store.lapse(office.store.operation(operation_id).lane, now=utc_now())
    operation = office.store.operation(operation_id)
    if operation.phase is OperationPhase.AUTHORIZED:
        operation = _sign_permit(office, operation, side_takes_the_name=side_takes_the_name)
    if operation.phase is not OperationPhase.STARTED:
        raise Refused.because(wrong_phase(operation, "started"))
    return operation


def _sign_permit(
    office: LaneOffice, operation: OperationRecord, *, side_takes_the_name: bool
) -> OperationRecord:
    reviewed = operation.plan.target
    made, witnessed = make_plan(office, reviewed.request, for_operation=operation.operation_id)
    note_decision(office, made, "start")
    require_same(office, reviewed, made, authorized=operation.plan)
    if side_takes_the_name:
        made = with_side(made, operation, witnessed.reading)
    permit = new_permit(office, operation, made, generation=operation.generation)
    return office.store.advance(
        operation.operation_id,
        expected=frozenset({OperationPhase.AUTHORIZED}),
        to=OperationPhase.STARTED,
        now=permit.issued_at,
        permit_id=permit.permit_id,
        permit_token=office.sign(permit),
        ledger_document={"permit_id": permit.permit_id, "plan_digest": permit.plan_digest},
    )


def new_permit(
    office: LaneOffice,
    operation: OperationRecord,
    made: Plan,
    *,
    generation: int,
    retries_permits: tuple[PermitId, ...] = (),
) -> Permit:
    """A permit for an operation, for what was read and decided just now."""
    assert made.policy is not None
    assert made.policy_revision is not None
    assert made.decision.obligations is not None
    now, permit_id = utc_now(), new_permit_id()
    return Permit(
        lane=operation.lane,
        nonce=new_nonce(),
        database=made.target.database,
        filestore_path=made.target.filestore_path,
        issued_at=now,
        begin_before=now + PERMIT_VALID_FOR,
        rulebook_version=RULEBOOK_VERSION,
        permit_id=permit_id,
        plan_digest=made.plan_digest,
        request=made.target.request,
        policy=made.policy,
        policy_revision=made.policy_revision,
        generation=generation,
        obligations=made.decision.obligations,
        kept_name=kept_name(
            made.target.database,
            generation,
            made.target.request.operation,
            permit_id,
        ),
        observation=made.observation,
        retries_permits=retries_permits,
    )


def begin(office: LaneOffice, operation: OperationRecord) -> OperationRecord:
    """Have the guard set aside what stands there, under the permit that the operation has.

    Run again after a crash it goes on. Raises Refused, CouldNotTell or Busy.
    """
    assert operation.permit_token is not None
    configuration = office.configuration(operation.lane)
    permit = permit_of(office, operation)
    set_aside: SetAside | None
    try:
        receipt, reading = carry_out(configuration, "begin", operation.permit_token, permit.nonce)
        set_aside = receipt.set_aside
    except Refused as refusal:
        # The begin came to its end and its receipt did not reach us: what stands there tells.
        if not any(each.code is ReasonCode.PERMIT_ALREADY_BEGUN for each in refusal.reasons):
            office.store.note("begin_refused", operation.lane, _codes(refusal.reasons), utc_now())
            raise
        reading = show(configuration)
        found = _set_aside_as_seen(reading, permit)
        if isinstance(found, bool):
            raise
        set_aside = found
    return _note_begun(office, operation, permit, set_aside, reading)


def _note_begun(
    office: LaneOffice,
    operation: OperationRecord,
    permit: Permit,
    set_aside: SetAside | None,
    reading: LaneReading,
) -> OperationRecord:
    kept = _kept(permit, set_aside, reading) if set_aside is not None else None
    incoming = permit.observation.incoming.kept
    return office.store.advance(
        operation.operation_id,
        expected=frozenset({OperationPhase.STARTED}),
        to=OperationPhase.BEGUN,
        now=utc_now(),
        kept=kept,
        gone_back=incoming.name if incoming is not None else None,
        ledger_document={
            "permit_id": permit.permit_id,
            "set_aside": set_aside.name if set_aside else None,
        },
    )


def _set_aside_as_seen(reading: LaneReading, permit: Permit) -> SetAside | bool | None:
    """What a begin whose receipt was lost has set aside; False when it cannot be seen."""
    begun = next((each for each in reading.keep.begun if each.permit_id == permit.permit_id), None)
    if begun is None or not begun.set_aside or begun.ended:
        return False
    entry = next(
        (each for each in reading.database.neighbours if each.name == permit.kept_name), None
    )
    files = any(each.name == permit.kept_name for each in reading.keep.filestores)
    if entry is None and not files:
        return None
    return SetAside(
        name=permit.kept_name, database_oid=entry.oid if entry else None, has_filestore=files
    )


def _kept(permit: Permit, set_aside: SetAside, reading: LaneReading) -> KeptData | None:
    if set_aside.database_oid is None:
        return None
    record = permit.observation.record
    if only_remains_stand_there(permit.request, permit.observation):
        return remains_as_kept(
            permit, set_aside.name, reading, has_filestore=set_aside.has_filestore
        )
    return KeptData(
        lane=permit.lane,
        name=set_aside.name,
        database_oid=set_aside.database_oid,
        generation=record.generation or permit.generation,
        nonce=record.nonce,
        permit_id=permit.permit_id,
        set_aside_at=utc_now(),
        authoritative=permit.obligations.authoritative or permit.observation.marker.authoritative,
        has_filestore=set_aside.has_filestore,
    )


def _codes(reasons: tuple[Reason, ...]) -> dict[str, object]:
    return {"reasons": [each.code.value for each in reasons]}
