"""`settle --as-it-stands`: the data never left its name, and the operation ends with it."""

from launchplane_lane_contracts.contract import OperationId, later
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.marker import Lineage, Marker, PhysicalIdentity
from launchplane_lane_contracts.observation import Observation
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_contracts.vocabulary import (
    UNFINISHED_PHASES,
    DatabaseState,
    DataSource,
    FilestoreState,
    MarkerState,
    Operation,
    RuntimeState,
)

from ..lane_office import LaneOffice, utc_now
from ..stamping import stamp
from ..store.records import OperationRecord
from ..witnesses import Witnessed
from .steps import as_policy_says_now, marker_of, permit_of, stamped_before, wrong_phase

CONTRADICTIONS = frozenset(
    {RuntimeState.OTHER_LANE, RuntimeState.OTHER_DEPLOYMENT, RuntimeState.OTHER_DATABASE}
)


def settle_as_it_stands(office: LaneOffice, operation_id: OperationId) -> OperationRecord:
    """End an operation under which the recorded data never left its name.

    Generation and data stay, the marker is written anew. Run again after a crash it goes on.
    Raises Refused, CouldNotTell or Busy; then the operation is as unfinished as before.
    """
    operation = office.store.operation(operation_id)
    if operation.phase not in UNFINISHED_PHASES:
        raise Refused.because(wrong_phase(operation, "settled as it stands"))
    permit = permit_of(office, operation)
    witnessed = office.look(office.store.host_record(operation.lane))
    observation = office.observe(witnessed)
    marker = stamped_before(office, permit, witnessed.reading)
    identity = _what_stands(operation, witnessed, observation, marker)
    revision = office.store.policy(operation.lane)
    assert revision is not None
    obligations = as_policy_says_now(permit.obligations, revision)
    obligations = obligations.model_copy(
        update={
            "authoritative": obligations.authoritative
            or permit.observation.marker.authoritative
            or observation.marker.authoritative
        }
    )
    generation = witnessed.record.generation
    assert generation is not None
    if marker is None:
        marker = marker_of(
            permit,
            revision,
            obligations,
            identity,
            operation,
            generation=generation,
            lineage=Lineage(
                operation=Operation.RECREATE,
                data_source=DataSource.EXISTING,
                permit_id=permit.permit_id,
            ),
        )
    before = permit.observation
    listed = observation.runtime.stays_listed_when_locked or before.runtime.stays_listed_when_locked
    stamp(
        office,
        marker,
        permit_id=operation.permit_id,
        lock=before.database.locked or (obligations.lock and listed),
        ends=operation.earlier_permit_ids,
        as_it_stands=True,
    )
    now = utc_now()
    return office.store.settle(
        operation.operation_id,
        generation=generation,
        nonce=marker.nonce,
        identity=marker.identity,
        filestore_path=marker.filestore_path,
        now=now,
        kept_until=later(now, permit.obligations.keep_for),
        ledger_document={"as_it_stands": True},
    )


def _what_stands(
    operation: OperationRecord,
    witnessed: Witnessed,
    observation: Observation,
    stamped: Marker | None,
) -> PhysicalIdentity:
    """Where the data stands. Raises Refused unless it is the very data that was recorded."""
    record, identity = witnessed.record, witnessed.reading.database.identity()
    faults: list[str] = []
    if record.identity is None:
        faults.append("no data of this lane was recorded before the operation")
    if observation.database.state is not DatabaseState.INITIALISED:
        faults.append(
            f"the database is {observation.database.state}: {observation.database.detail}"
        )
    elif identity != record.identity:
        faults.append("what stands under the name is not the data that was recorded")
    if not _marker_is_this_operations(operation, witnessed, observation, stamped):
        faults.append(f"the marker is {observation.marker.state}: {observation.marker.detail}")
    if observation.filestore.state is not FilestoreState.OURS:
        faults.append(
            f"the files are {observation.filestore.state}: {observation.filestore.detail}"
        )
    if observation.runtime.state in CONTRADICTIONS:
        faults.append(f"the running Odoo contradicts: {observation.runtime.detail}")
    if not observation.store_trusted or not observation.clock_trusted:
        faults.append("the store or a clock of the host cannot be trusted")
    if faults or identity is None:
        raise Refused.because(
            *(
                reason(
                    ReasonCode.READINGS_MOVED,
                    f"Operation {operation.operation_id} cannot be settled as it stands: {fault}.",
                    f"Put the old data back (`lane-authority undo {operation.operation_id}`), do "
                    f"the same once more (`lane-authority retry {operation.operation_id}`), or put "
                    "right what is named here and try again.",
                    operation_id=operation.operation_id,
                )
                for fault in faults
            )
        )
    return identity


def _marker_is_this_operations(
    operation: OperationRecord,
    witnessed: Witnessed,
    observation: Observation,
    stamped: Marker | None,
) -> bool:
    """Whether it is the recorded one, or what a begin or a settling of this operation wrote."""
    marker = observation.marker
    if marker.state is MarkerState.BOUND:
        return True
    if marker.state is MarkerState.PENDING:
        return marker.permit_id in operation.permit_ids
    # A run died between the marker and the store.
    return stamped is not None and stamped.generation == witnessed.record.generation
