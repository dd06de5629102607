"""`undo`: the old data goes back under a new generation; what stands there is kept instead."""

from launchplane_lane_contracts.contract import RULEBOOK_VERSION, DatabaseName, OperationId
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.marker import Lineage, Marker, PhysicalIdentity
from launchplane_lane_contracts.naming import REMAINS, kept_name
from launchplane_lane_contracts.orders import Permit, UndoOrder
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.receipt import SetAside
from launchplane_lane_contracts.vocabulary import (
    UNFINISHED_PHASES,
    DataSource,
    Operation,
    OperationPhase,
    TagState,
)

from ..guard_client import carry_out
from ..lane_office import LaneOffice, new_nonce, utc_now
from ..stamping import ORDER_VALID_FOR, stamp
from ..store.records import OperationRecord
from .steps import (
    as_policy_says_now,
    is_begun,
    marker_of,
    permit_of,
    stamped_before,
    wrong_phase,
)


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
        raise Refused.because(wrong_phase(operation, "undone"))
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
    marker = stamped_before(office, permit, reading)
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
    obligations = as_policy_says_now(permit.obligations, revision)
    authoritative = obligations.authoritative or before.marker.authoritative
    obligations = obligations.model_copy(update={"authoritative": authoritative})
    # What the policy protects since then is locked where Odoo had said that it goes on serving it.
    lock = before.database.locked or (obligations.lock and before.runtime.stays_listed_when_locked)
    marker = marker_of(
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
    stamp(office, marker, permit_id=operation.permit_id, lock=lock)
    return marker


def _stayed(operation: OperationRecord) -> Reason:
    return reason(
        ReasonCode.UNDO_IMPOSSIBLE,
        f"Operation {operation.operation_id} left the data where it was, so there is nothing to "
        "put back.",
        "Roll back what runs on the data, or run the change again; then finish the operation "
        f"(`lane-authority finish {operation.operation_id}`).",
        operation_id=operation.operation_id,
    )
