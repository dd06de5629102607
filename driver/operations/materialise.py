"""`materialise`: the source is restored beside the lane and verified, before anything is begun.

For lanes without a devkit. `start` and `retry` give what waits there the lane's name.
"""

from launchplane_lane_contracts.contract import OperationId
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.evidence import SideData
from launchplane_lane_contracts.orders import MaterialiseOrder
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import DataSource, OperationPhase

from ..backups.asking import place
from ..guard_client import carry_out
from ..lane_office import LaneOffice, utc_now
from ..order_head import order_head
from ..planning import make_plan, note_decision, require_same
from ..store.records import OperationRecord
from .steps import wrong_phase

RESTORED = frozenset({DataSource.UPSTREAM_RESTORE, DataSource.BACKUP_RESTORE})
"""Sources that are copied. All others are there already, or are made by Odoo."""
PHASES = frozenset({OperationPhase.AUTHORIZED, OperationPhase.BEGUN, OperationPhase.MATERIALISED})
"""Before `start`, and before a `retry` of what was begun."""


def materialise(office: LaneOffice, operation_id: OperationId) -> SideData:
    """Read again, decide again, and have the source restored beside the lane and verified.

    What an earlier run brought is dropped first. Raises Refused, CouldNotTell or Busy; nothing of
    the lane is changed, whatever happens.
    """
    office.store.lapse(office.store.operation(operation_id).lane, now=utc_now())
    operation = office.store.operation(operation_id)
    if operation.phase not in PHASES:
        raise Refused.because(wrong_phase(operation, "materialised"))
    reviewed = operation.plan.target
    if reviewed.request.data_source not in RESTORED:
        raise Refused.because(_nothing_to_restore(operation))
    made = _decided_again(office, operation)
    configuration = office.configuration(operation.lane)
    order = _order(operation, made)
    receipt, _reading = carry_out(
        configuration,
        "materialise",
        office.sign(order),
        order.nonce,
        options=place(configuration),
        timeout=configuration.materialise_timeout,
    )
    if receipt.result is None:
        raise CouldNotTell(f"The guard of lane {operation.lane} does not say what it brought.")
    side = SideData.from_plain(receipt.result)
    office.store.note(
        "source_materialised",
        operation.lane,
        {"operation_id": operation.operation_id, "side": side.to_plain()},
        utc_now(),
    )
    return side


def _decided_again(office: LaneOffice, operation: OperationRecord) -> Plan:
    reviewed = operation.plan.target
    if operation.phase is OperationPhase.AUTHORIZED:
        made, _witnessed = make_plan(office, reviewed.request, for_operation=operation.operation_id)
        note_decision(office, made, "materialise")
        require_same(office, reviewed, made, authorized=operation.plan)
        return made
    # A retry is decided when it is asked for; here only what would come must still be allowed.
    request = reviewed.request.model_copy(update={"retries": operation.operation_id})
    made, _witnessed = make_plan(office, request)
    note_decision(office, made, "materialise")
    waits = {ReasonCode.APPROVALS_MISSING}
    against = tuple(each for each in made.decision.reasons if each.code not in waits)
    if against:
        raise Refused.because(*against)
    return made


def _order(operation: OperationRecord, made: Plan) -> MaterialiseOrder:
    target = made.target
    assert target.obligations is not None
    backup = made.observation.incoming.backup
    restores = target.request.data_source is DataSource.BACKUP_RESTORE
    return MaterialiseOrder(
        **order_head(operation.lane, target.database, target.filestore_path),
        operation_id=operation.operation_id,
        plan_digest=made.plan_digest,
        upstream=None if restores else target.upstream_source,
        backup=backup if restores else None,
        neutralise=target.obligations.neutralise,
    )


def with_side(made: Plan, operation: OperationRecord, reading: LaneReading) -> Plan:
    """The plan, with what waits beside the lane for this very operation.

    Whether it still stands there the guard sees: a begin that expects it must not do without.
    """
    side = max(
        (each for each in reading.keep.sides if each.operation_id == operation.operation_id),
        key=lambda each: each.verified_at,
        default=None,
    )
    if side is None:
        return made
    incoming = made.observation.incoming.model_copy(update={"side": side})
    observation = made.observation.model_copy(update={"incoming": incoming})
    return made.model_copy(update={"observation": observation})


def _nothing_to_restore(operation: OperationRecord) -> Reason:
    source = operation.plan.target.request.data_source
    return reason(
        ReasonCode.COMMAND_DIFFERS,
        f"Operation {operation.operation_id} is {source}, and there is nothing to restore beside "
        "the lane for that.",
        f"Go on with `lane-authority start {operation.operation_id}`.",
        data_source=source,
    )
