"""One operation from `start` to settled or undone. Every step can be run again after a crash."""

import time
from datetime import timedelta

from launchplane_lane_contracts.contract import RULEBOOK_VERSION, DatabaseName, OperationId
from launchplane_lane_contracts.decision import Obligations
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.marker import Lineage, Marker, PhysicalIdentity
from launchplane_lane_contracts.naming import REMAINS, kept_name
from launchplane_lane_contracts.observation import Observation
from launchplane_lane_contracts.orders import Permit, StampOrder, UndoOrder
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.policy import (
    SHORTEST_KEEPING_OF_AUTHORITATIVE_DATA,
    PolicyRevision,
    effective_policy,
)
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.receipt import SetAside
from launchplane_lane_contracts.vocabulary import (
    UNFINISHED_PHASES,
    DataSource,
    Operation,
    OperationPhase,
    RuntimeState,
    TagState,
)

from .guard_client import carry_out, show
from .lane_office import LaneOffice, new_nonce, new_permit_id, utc_now
from .planning import lapse, make_plan, require_same
from .store.records import OperationRecord
from .witnesses import Witnessed

PERMIT_VALID_FOR = timedelta(minutes=15)
"""How long after `start` a permit may begin."""

ORDER_VALID_FOR = timedelta(minutes=15)
"""How long any other order may be carried out."""

SECONDS_BETWEEN_QUESTIONS = 1.0


def start(office: LaneOffice, operation_id: OperationId) -> OperationRecord:
    """Read again, decide again, sign the permit, and have the guard set the data aside.

    Run again after a crash it goes on with the same permit. Raises Refused, CouldNotTell or Busy;
    unless the phase says otherwise afterwards, nothing was set aside.
    """
    lapse(office, office.store.operation(operation_id).lane)
    operation = office.store.operation(operation_id)
    if operation.phase is OperationPhase.AUTHORIZED:
        operation = _sign_permit(office, operation)
    if operation.phase is not OperationPhase.STARTED:
        raise Refused.because(_wrong_phase(operation, "started"))
    return _begin(office, operation)


def _sign_permit(office: LaneOffice, operation: OperationRecord) -> OperationRecord:
    reviewed = operation.plan.target
    made, _witnessed = make_plan(office, reviewed.request, for_operation=operation.operation_id)
    require_same(reviewed, made)
    permit = _permit(office, operation, made)
    return office.store.advance(
        operation.operation_id,
        expected=frozenset({OperationPhase.AUTHORIZED}),
        to=OperationPhase.STARTED,
        now=permit.issued_at,
        permit_id=permit.permit_id,
        permit_token=office.sign(permit),
        ledger_document={"permit_id": permit.permit_id, "plan_digest": permit.plan_digest},
    )


def _permit(office: LaneOffice, operation: OperationRecord, made: Plan) -> Permit:
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
        generation=operation.generation,
        obligations=made.decision.obligations,
        kept_name=kept_name(
            made.target.database,
            operation.generation,
            made.target.request.operation,
            permit_id,
        ),
        observation=made.observation,
    )


def permit_of(office: LaneOffice, operation: OperationRecord) -> Permit:
    """The permit that was signed for a started operation."""
    assert operation.permit_token is not None
    order = office.keys.verify_marker(operation.permit_token).order
    assert isinstance(order, Permit)
    return order


def _begin(office: LaneOffice, operation: OperationRecord) -> OperationRecord:
    assert operation.permit_token is not None
    configuration = office.configuration(operation.lane)
    permit = permit_of(office, operation)
    set_aside: SetAside | None
    try:
        receipt, _reading = carry_out(configuration, "begin", operation.permit_token, permit.nonce)
        set_aside = receipt.set_aside
    except Refused as refusal:
        # The begin came to its end and its receipt did not reach us: what stands there tells.
        if not any(each.code is ReasonCode.PERMIT_ALREADY_BEGUN for each in refusal.reasons):
            office.store.note("begin_refused", operation.lane, _codes(refusal.reasons), utc_now())
            raise
        found = _set_aside_as_seen(show(configuration), permit)
        if isinstance(found, bool):
            raise
        set_aside = found
    kept = _kept(permit, set_aside) if set_aside is not None else None
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


def _kept(permit: Permit, set_aside: SetAside) -> KeptData | None:
    if set_aside.database_oid is None:
        return None
    record = permit.observation.record
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


def finish(
    office: LaneOffice,
    operation_id: OperationId,
    *,
    succeeded: bool,
    report: str = "",
    wait_for_runtime: float = 0.0,
) -> OperationRecord:
    """Settle: the materialiser's own report, the guard's check, and both witnesses once more.

    `wait_for_runtime` (seconds) is how long a starting Odoo may take to answer. Raises Refused,
    CouldNotTell or Busy; then the operation is unfinished and can be finished again or undone.
    """
    operation = office.store.operation(operation_id)
    if operation.phase not in (OperationPhase.BEGUN, OperationPhase.MATERIALISED):
        raise Refused.because(_wrong_phase(operation, "finished"))
    if not succeeded:
        office.store.note(
            "materialiser_failed", operation.lane, {"report": report[:2000]}, utc_now()
        )
        raise Refused.because(_materialiser_failed(operation, report))
    permit = permit_of(office, operation)
    assert operation.permit_token is not None
    configuration = office.configuration(operation.lane)
    _receipt, reading = carry_out(configuration, "finish", operation.permit_token, permit.nonce)
    if operation.phase is OperationPhase.BEGUN:
        operation = office.store.advance(
            operation.operation_id,
            expected=frozenset({OperationPhase.BEGUN}),
            to=OperationPhase.MATERIALISED,
            now=utc_now(),
            ledger_document={"permit_id": permit.permit_id},
        )
    stamped = _stamped_before(office, permit, reading)
    if stamped is not None and stamped.generation == operation.generation:
        return _record_settled(office, operation, permit, stamped)
    witnessed, observation = _both_witnesses_agree(office, operation, permit, wait_for_runtime)
    _obligations_met(permit, witnessed, operation)
    return _settle(office, operation, permit, witnessed, observation)


def _both_witnesses_agree(
    office: LaneOffice, operation: OperationRecord, permit: Permit, wait_for_runtime: float
) -> tuple[Witnessed, Observation]:
    """Ask until they agree or the time is over."""
    record = office.store.host_record(operation.lane)
    existing = permit.request.data_source is DataSource.EXISTING
    # An attested runtime does not settle data that came.
    attested_by = permit.request.requester if existing and permit.request.attest_runtime else None
    accepted = {RuntimeState.AGREES, RuntimeState.ATTESTED}
    required = permit.policy.requires_runtime_identity or permit.obligations.authoritative
    if not required:
        accepted.add(RuntimeState.SILENT)
    until = time.monotonic() + wait_for_runtime
    while True:
        witnessed = office.look(record, attested_by=attested_by)
        observation = office.observe(witnessed)
        if observation.runtime.state in accepted:
            return witnessed, observation
        if time.monotonic() >= until:
            raise Refused.because(
                reason(
                    ReasonCode.RUNTIME_NOT_ANSWERING,
                    "The rebuilt lane's Odoo does not confirm what was rebuilt: "
                    f"{observation.runtime.detail}.",
                    f"Start the lane's Odoo and finish again (`lane-authority finish "
                    f"{operation.operation_id}`), or put the old data back (`lane-authority "
                    f"undo {operation.operation_id}`).",
                    runtime=observation.runtime.state,
                )
            )
        time.sleep(SECONDS_BETWEEN_QUESTIONS)


def _obligations_met(permit: Permit, witnessed: Witnessed, operation: OperationRecord) -> None:
    """Refuse unless what stands there now is what the permit obliges to."""
    database = witnessed.reading.database
    row, entry = database.marker_row, database.entry
    faults: list[str] = []
    if row is None or entry is None or row.nonce != permit.nonce:
        faults.append("the marker is not the one that the guard's finish wrote")
    before = permit.observation.database.oid
    if entry is not None and before is not None:
        if permit.obligations.same_database and entry.oid != before:
            faults.append(f"oid {before} should have stayed and has become {entry.oid}")
        if not permit.obligations.same_database and not any(
            each.name == permit.kept_name and each.oid == before and each.locked
            for each in database.neighbours
        ):
            faults.append(f"the kept database {permit.kept_name} (oid {before}) was not seen")
    if (
        permit.obligations.neutralise
        and witnessed.runtime.reading is not None
        and not witnessed.runtime.reading.neutralised
    ):
        faults.append("data that is not this lane's own came and was not neutralised")
    if faults:
        raise Refused.because(
            *(
                reason(
                    ReasonCode.RESULT_NOT_AS_PERMITTED,
                    f"What stands there is not what the permit allows: {fault}.",
                    f"Put the old data back (`lane-authority undo {operation.operation_id}`); "
                    "what stands there is kept as well.",
                )
                for fault in faults
            )
        )


def _settle(
    office: LaneOffice,
    operation: OperationRecord,
    permit: Permit,
    witnessed: Witnessed,
    observation: Observation,
) -> OperationRecord:
    identity = witnessed.reading.database.identity()
    assert identity is not None
    revision = office.store.policy(operation.lane)
    assert revision is not None
    obligations = _as_policy_says_now(permit.obligations, revision)
    kept_until = utc_now() + obligations.keep_for
    set_aside = operation.kept_name is not None
    marker = _marker(
        permit,
        revision,
        obligations,
        identity,
        operation,
        lineage=Lineage(
            operation=permit.request.operation,
            data_source=permit.request.data_source,
            permit_id=permit.permit_id,
            set_aside=operation.kept_name,
            kept_until=kept_until if set_aside else None,
        ),
    )
    lock = obligations.lock and observation.runtime.stays_listed_when_locked
    _stamp(office, operation, marker, lock=lock)
    return _record_settled(office, operation, permit, marker)


def _as_policy_says_now(obligations: Obligations, revision: PolicyRevision) -> Obligations:
    """What the permit obliges to, and what a policy that was tightened since then asks as well."""
    policy = revision.policy
    effective = effective_policy(policy, utc_now(), marker_authoritative=False, claimed=False)
    if not effective.authoritative:
        return obligations
    keep_for = max(
        obligations.keep_for, policy.replaced_kept_for, SHORTEST_KEEPING_OF_AUTHORITATIVE_DATA
    )
    return obligations.model_copy(
        update={"authoritative": True, "lock": True, "keep_for": keep_for}
    )


def _record_settled(
    office: LaneOffice, operation: OperationRecord, permit: Permit, marker: Marker
) -> OperationRecord:
    now = utc_now()
    return office.store.settle(
        operation.operation_id,
        generation=marker.generation,
        nonce=marker.nonce,
        identity=marker.identity,
        filestore_path=marker.filestore_path,
        now=now,
        kept_until=marker.lineage.kept_until or now + permit.obligations.keep_for,
    )


def _stamped_before(office: LaneOffice, permit: Permit, reading: LaneReading) -> Marker | None:
    """The marker that was stamped under this permit already.

    A step that died between the stamp and the store finds it there: only the record is missing.
    """
    row, entry = reading.database.marker_row, reading.database.entry
    order = office.keys.verify_marker(row.token).order if row is not None else None
    if row is None or entry is None or not isinstance(order, StampOrder):
        return None
    marker, tag = order.marker, entry.tag
    written = (
        order.permit_id == permit.permit_id
        and marker.lane == permit.lane
        and marker.identity == reading.database.identity()
        and row.says_the_same_as(marker.row(row.token))
        and tag is not None
        and (tag.state, tag.generation, tag.database_oid)
        == (TagState.LIVE, marker.generation, entry.oid)
    )
    return marker if written else None


def _marker(
    permit: Permit,
    revision: PolicyRevision,
    obligations: Obligations,
    identity: PhysicalIdentity,
    operation: OperationRecord,
    *,
    lineage: Lineage,
    generation: int | None = None,
) -> Marker:
    return Marker(
        lane=operation.lane,
        policy=revision.policy,
        policy_revision=revision.number,
        authoritative=obligations.authoritative,
        generation=generation or operation.generation,
        nonce=new_nonce(),
        identity=identity,
        filestore_path=permit.filestore_path,
        lineage=lineage,
        stamped_at=utc_now(),
    )


def _stamp(office: LaneOffice, operation: OperationRecord, marker: Marker, *, lock: bool) -> None:
    order = StampOrder(
        lane=operation.lane,
        nonce=new_nonce(),
        database=marker.identity.database_name,
        filestore_path=marker.filestore_path,
        issued_at=utc_now(),
        begin_before=utc_now() + ORDER_VALID_FOR,
        rulebook_version=RULEBOOK_VERSION,
        permit_id=operation.permit_id,
        marker=marker,
        lock=lock,
    )
    carry_out(office.configuration(operation.lane), "stamp", office.sign(order), order.nonce)


def undo(office: LaneOffice, operation_id: OperationId) -> OperationRecord:
    """Put the old data back under a new generation; what stands there instead is kept.

    An operation that has not started is given up. Run again after a crash it goes on. Raises
    Refused, CouldNotTell or Busy.
    """
    operation = office.store.operation(operation_id)
    if operation.phase is OperationPhase.AUTHORIZED:
        return office.store.advance(
            operation.operation_id,
            expected=frozenset({OperationPhase.AUTHORIZED}),
            to=OperationPhase.ABORTED,
            now=utc_now(),
            ledger_document={"given_up": True},
        )
    if operation.phase not in UNFINISHED_PHASES:
        raise Refused.because(_wrong_phase(operation, "undone"))
    permit = permit_of(office, operation)
    if is_begun(operation) and permit.request.data_source is DataSource.EXISTING:
        # Known here as well as by the guard, whose keep may have been changed in between.
        raise Refused.because(_stayed(operation))
    configuration = office.configuration(operation.lane)
    generation = office.store.new_generation(operation.lane)
    order = UndoOrder(
        lane=operation.lane,
        nonce=new_nonce(),
        database=permit.database,
        filestore_path=permit.filestore_path,
        issued_at=utc_now(),
        begin_before=utc_now() + ORDER_VALID_FOR,
        rulebook_version=RULEBOOK_VERSION,
        permit_id=permit.permit_id,
        remains_name=kept_name(permit.database, permit.generation, REMAINS, permit.permit_id),
        generation=generation,
    )
    receipt, reading = carry_out(configuration, "undo", office.sign(order), order.nonce)
    remains = _remains(permit, receipt.set_aside) if receipt.set_aside else None
    return _record_undone(office, operation, permit, reading, remains, generation)


def _remains(permit: Permit, set_aside: SetAside) -> KeptData | None:
    if set_aside.database_oid is None:
        return None
    return KeptData(
        lane=permit.lane,
        name=set_aside.name,
        database_oid=set_aside.database_oid,
        generation=permit.generation,
        permit_id=permit.permit_id,
        set_aside_at=utc_now(),
        authoritative=permit.obligations.authoritative,
        has_filestore=set_aside.has_filestore,
    )


def _record_undone(
    office: LaneOffice,
    operation: OperationRecord,
    permit: Permit,
    reading: LaneReading,
    remains: KeptData | None,
    generation: int,
) -> OperationRecord:
    now = utc_now()
    identity = reading.database.identity()
    entry = reading.database.entry
    went_back = entry is not None and entry.tag is not None and entry.tag.state is TagState.PENDING
    marker = _stamped_before(office, permit, reading)
    if marker is not None and marker.generation == operation.generation:
        marker = None
    gone_back = operation.kept_name
    if operation.phase is OperationPhase.STARTED:
        gone_back = _kept_again(permit, remains)
    if marker is None and (not went_back or identity is None):
        # Nothing had been set aside, or nothing that ever was this lane's recorded data.
        return office.store.advance(
            operation.operation_id,
            expected=UNFINISHED_PHASES,
            to=OperationPhase.UNDONE,
            now=now,
            kept=remains,
            gone_back=gone_back,
            ledger_document={"generation": permit.observation.record.generation},
        )
    if marker is None:
        assert identity is not None
        marker = _stamp_undone(office, operation, permit, identity, remains, generation)
    return office.store.settle(
        operation.operation_id,
        to=OperationPhase.UNDONE,
        generation=marker.generation,
        nonce=marker.nonce,
        identity=marker.identity,
        filestore_path=marker.filestore_path,
        now=now,
        kept=remains,
        gone_back=gone_back,
        kept_until=now + permit.obligations.keep_for,
    )


def _kept_again(permit: Permit, remains: KeptData | None) -> DatabaseName | None:
    """The name under which kept data is listed that now is kept under another one.

    Where the begin's receipt was lost, nobody has noted yet that it had left its first name.
    """
    came = permit.observation.incoming.kept
    if came is None or remains is None or came.database_oid != remains.database_oid:
        return None
    return came.name


def _stamp_undone(
    office: LaneOffice,
    operation: OperationRecord,
    permit: Permit,
    identity: PhysicalIdentity,
    remains: KeptData | None,
    generation: int,
) -> Marker:
    revision = office.store.policy(operation.lane)
    assert revision is not None
    before = permit.observation
    obligations = _as_policy_says_now(permit.obligations, revision)
    authoritative = obligations.authoritative or before.marker.authoritative
    obligations = obligations.model_copy(update={"authoritative": authoritative})
    # What the policy protects since then is locked where Odoo had said that it goes on serving it.
    lock = before.database.locked or (obligations.lock and before.runtime.stays_listed_when_locked)
    marker = _marker(
        permit,
        revision,
        obligations,
        identity,
        operation,
        generation=generation,
        lineage=Lineage(
            operation=Operation.RESTORE,
            data_source=DataSource.KEPT,
            permit_id=permit.permit_id,
            set_aside=remains.name if remains else None,
            kept_until=utc_now() + permit.obligations.keep_for if remains else None,
        ),
    )
    _stamp(office, operation, marker, lock=lock)
    return marker


def is_begun(operation: OperationRecord) -> bool:
    """Whether the old data was set aside and nothing has been settled since."""
    return operation.phase in (OperationPhase.BEGUN, OperationPhase.MATERIALISED)


def _codes(reasons: tuple[Reason, ...]) -> dict[str, object]:
    return {"reasons": [each.code.value for each in reasons]}


def _stayed(operation: OperationRecord) -> Reason:
    return reason(
        ReasonCode.UNDO_IMPOSSIBLE,
        f"Operation {operation.operation_id} left the data where it was, so there is nothing to "
        "put back.",
        "Roll back what runs on the data, or run the change again; then finish the operation "
        f"(`lane-authority finish {operation.operation_id}`).",
        operation_id=operation.operation_id,
    )


def _wrong_phase(operation: OperationRecord, wanted: str) -> Reason:
    return reason(
        ReasonCode.OPERATION_UNFINISHED
        if operation.phase in UNFINISHED_PHASES
        else ReasonCode.NO_OPERATION_AUTHORIZED,
        f"Operation {operation.operation_id} is {operation.phase} and cannot be {wanted}.",
        "Look at the lane (`lane-authority lane`): it shows what is under way and the ways on. To "
        "go back after a rebuild is settled, plan a restore/kept of what it set aside.",
        operation_id=operation.operation_id,
        phase=operation.phase,
    )


def _materialiser_failed(operation: OperationRecord, report: str) -> Reason:
    return reason(
        ReasonCode.MATERIALISER_FAILED,
        "The materialiser did not report success"
        + (f": {report.strip()[:500]}" if report.strip() else "")
        + ". The old data is kept.",
        f"Put the old data back (`lane-authority undo {operation.operation_id}`), or let the "
        "materialiser run again and finish then.",
        operation_id=operation.operation_id,
    )
