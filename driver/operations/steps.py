"""What the steps of an operation share: its permit, its marker, and being in the wrong phase."""

from launchplane_lane_contracts.decision import Obligations
from launchplane_lane_contracts.marker import Lineage, Marker, PhysicalIdentity
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.policy import (
    SHORTEST_KEEPING_OF_AUTHORITATIVE_DATA,
    PolicyRevision,
    effective_policy,
)
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import UNFINISHED_PHASES, OperationPhase

from ..lane_office import LaneOffice, new_nonce, utc_now
from ..stamping import stamped_there
from ..store.records import OperationRecord


def permit_of(office: LaneOffice, operation: OperationRecord) -> Permit:
    """The permit that was signed for a started operation."""
    assert operation.permit_token is not None
    order = office.keys.verify_marker(operation.permit_token).order
    assert isinstance(order, Permit)
    return order


def is_begun(operation: OperationRecord) -> bool:
    """Whether the old data was set aside and nothing has been settled since."""
    return operation.phase in (OperationPhase.BEGUN, OperationPhase.MATERIALISED)


def as_policy_says_now(obligations: Obligations, revision: PolicyRevision) -> Obligations:
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


def marker_of(
    permit: Permit,
    revision: PolicyRevision,
    obligations: Obligations,
    identity: PhysicalIdentity,
    operation: OperationRecord,
    *,
    lineage: Lineage,
    generation: int | None = None,
) -> Marker:
    """The marker that ends the operation; of another generation where one is given."""
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


def stamped_before(office: LaneOffice, permit: Permit, reading: LaneReading) -> Marker | None:
    """The marker that was stamped under this permit already."""
    order = stamped_there(office, reading.database)
    if order is None or order.permit_id != permit.permit_id or order.lane != permit.lane:
        return None
    return order.marker


def wrong_phase(operation: OperationRecord, wanted: str) -> Reason:
    """Why an operation in its phase cannot be started, finished or undone."""
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
