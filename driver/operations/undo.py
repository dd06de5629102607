"""`undo`: the old data goes back under a new generation; what stands there is kept instead."""

from launchplane_lane_contracts.contract import DatabaseName, OperationId, later
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.marker import Lineage, Marker, PhysicalIdentity
from launchplane_lane_contracts.naming import REMAINS, kept_name
from launchplane_lane_contracts.orders import Permit, UndoOrder
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import (
    UNFINISHED_PHASES,
    DataSource,
    Operation,
    OperationPhase,
    TagState,
)

from ..guard_client import carry_out, sweep
from ..lane_office import LaneOffice, utc_now
from ..order_head import order_head
from ..stamping import stamp
from ..store.records import OperationRecord
from .materialise import RESTORED
from .steps import (
    as_policy_says_now,
    began_before,
    first_permit_of,
    is_begun,
    marker_of,
    permit_of,
    refuse_anothers_data,
    refuse_revoked_permits,
    remains_as_kept,
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
        if operation.plan.target.request.data_source in RESTORED:
            sweep(office.configuration(operation.lane))
        return office.store.advance(
            operation.operation_id,
            expected=frozenset({OperationPhase.AUTHORIZED}),
            to=OperationPhase.ABORTED,
            now=utc_now(),
            ledger_document={"given_up": True},
        )
    if operation.phase not in UNFINISHED_PHASES:
        raise Refused.because(wrong_phase(operation, "undone"))
    refuse_revoked_permits(office, operation, earlier=True)
    permit = permit_of(office, operation)
    if (
        is_begun(operation) or began_before(operation)
    ) and permit.request.data_source is DataSource.EXISTING:
        # Known here as well as by the guard, whose keep may have been changed in between.
        raise Refused.because(_stayed(operation))
    refuse_anothers_data(office, permit)
    configuration = office.configuration(operation.lane)
    generation = office.store.new_generation(operation.lane)
    order = UndoOrder(
        **order_head(operation.lane, permit.database, permit.filestore_path),
        permit_id=permit.permit_id,
        earlier_permits=operation.earlier_permit_ids,
        remains_name=kept_name(permit.database, permit.generation, REMAINS, permit.permit_id),
        generation=generation,
    )
    receipt, reading = carry_out(configuration, "undo", office.sign(order), order.nonce)
    remains = None
    if receipt.set_aside is not None and receipt.set_aside.database_oid is not None:
        name, has_files = receipt.set_aside.name, receipt.set_aside.has_filestore
        remains = remains_as_kept(permit, name, reading, has_filestore=has_files)
    elif operation.earlier_permits:
        # A begin of a retry that was killed had set remains aside, and nobody took note of it.
        remains = _unnoted(office, permit, reading)
    return _record_undone(office, operation, permit, reading, remains, generation)


def _unnoted(office: LaneOffice, permit: Permit, reading: LaneReading) -> KeptData | None:
    """What the last begin set aside, where the host does not list it."""
    record = office.store.host_record(permit.lane)
    if any(each.name == permit.kept_name for each in record.kept):
        return None
    files = any(each.name == permit.kept_name for each in reading.keep.filestores)
    return remains_as_kept(permit, permit.kept_name, reading, has_filestore=files)


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
    stays = permit.request.data_source is DataSource.EXISTING
    if marker is not None and marker.generation == operation.generation and not stays:
        marker = None
    gone_back = operation.kept_name
    if operation.phase is OperationPhase.STARTED and not began_before(operation):
        gone_back = _kept_again(permit, remains)
    first = first_permit_of(office, operation, reading)
    if marker is None and (not went_back or identity is None):
        # Nothing had been set aside, or nothing that ever was this lane's recorded data.
        return office.store.advance(
            operation.operation_id,
            expected=UNFINISHED_PHASES,
            to=_how_it_ended(first, reading),
            now=now,
            kept=remains,
            gone_back=gone_back,
            ledger_document={"generation": permit.observation.record.generation},
        )
    if marker is None:
        assert identity is not None
        marker = _stamp_undone(office, operation, first, identity, remains, generation)
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
        kept_until=later(now, permit.obligations.keep_for),
    )


def _how_it_ended(first: Permit, reading: LaneReading) -> OperationPhase:
    """Aborted where the guard had put the very same data back as it was; else undone."""
    entry, row = reading.database.entry, reading.database.marker_row
    before = first.observation
    as_it_was = (
        any(each.permit_id == first.permit_id and each.set_aside for each in reading.keep.begun)
        and before.database.oid is not None
        and entry is not None
        and entry.oid == before.database.oid
        and row is not None
        and row.nonce == before.record.nonce
    )
    return OperationPhase.ABORTED if as_it_was else OperationPhase.UNDONE


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
            kept_until=later(utc_now(), permit.obligations.keep_for) if remains else None,
        ),
    )
    stamp(
        office,
        marker,
        permit_id=operation.permit_id,
        lock=lock,
        ends=operation.earlier_permit_ids,
    )
    return marker


def _stayed(operation: OperationRecord) -> Reason:
    return reason(
        ReasonCode.UNDO_IMPOSSIBLE,
        f"Operation {operation.operation_id} left the data where it was, so there is nothing to "
        "put back.",
        "Roll back what runs on the data, or run the change again; then finish the operation "
        f"(`lane-authority finish {operation.operation_id}`). Where the data is gone from its "
        f"place: `lane-authority lost {operation.lane}`, which one approver signs.",
        operation_id=operation.operation_id,
    )
