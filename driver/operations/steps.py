"""What the steps of an operation share: its permit, its marker, and being in the wrong phase."""

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.decision import Obligations
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.marker import Lineage, Marker, PhysicalIdentity
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.policy import (
    SHORTEST_KEEPING_OF_AUTHORITATIVE_DATA,
    PolicyRevision,
    effective_policy,
)
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.rules.database_and_files import marker_reason
from launchplane_lane_contracts.vocabulary import UNFINISHED_PHASES, OperationPhase

from ..guard_client import show
from ..keys import permit_said_by
from ..lane_office import LaneOffice, new_nonce, utc_now
from ..stamping import stamped_there
from ..store.records import OperationRecord
from ..witnesses import NO_MARKER, known_as


def permit_of(office: LaneOffice, operation: OperationRecord) -> Permit:
    """The permit that was signed for a started operation."""
    assert operation.permit_token is not None
    return _permit(office, operation.permit_token)


def _permit(office: LaneOffice, token: str) -> Permit:
    order = office.keys.verify_marker(token).order
    if isinstance(order, Permit):
        return order
    # Its key was revoked since. What this host itself has signed stands in its ledger all the same.
    said = permit_said_by(token)
    if said is not None and office.store.signed_order(said.lane, said.digest()):
        return said
    raise CouldNotTell(
        "The permit in the store can be verified neither by its signature nor by the ledger. Put "
        "the newest store back from its backup, or the public key that signed it."
    )


def refuse_revoked_permits(
    office: LaneOffice, operation: OperationRecord, *, earlier: bool
) -> None:
    """Refuse where the guard would: it takes nothing from a permit whose key was revoked.

    With `earlier`, from none of those that the operation had before, either.
    """
    tokens = [each.permit_token for each in operation.earlier_permits] if earlier else []
    tokens += [operation.permit_token] if operation.permit_token is not None else []
    if all(office.keys.verify_marker(token).order is not None for token in tokens):
        return
    raise Refused.because(
        reason(
            ReasonCode.ORDER_REFUSED,
            f"A permit of operation {operation.operation_id} was signed by a key that was revoked "
            "since, so the guard takes nothing from it.",
            "Do the same once more, which signs another permit and keeps what was left "
            f"(`lane-authority retry {operation.operation_id}`), and finish it; then a "
            "restore/kept brings the old data back, where that is wanted.",
            operation_id=operation.operation_id,
        )
    )


def refuse_anothers_data(office: LaneOffice, permit: Permit) -> None:
    """Refuse where what stands at the lane's place is on record as another lane's.

    The guard cannot know that: it would mark it, or set it aside, as this lane's. It is looked for
    only where another lane's data was recorded on that very server.
    """
    cluster = permit.observation.database.system_identifier
    if cluster is None or not office.store.others_stand_on(permit.lane, cluster):
        return
    database = show(office.configuration(permit.lane)).database
    whose = office.on_record_as(permit.lane, database.server, database.entry)
    found = marker_reason(known_as(NO_MARKER, whose))
    if found is not None:
        raise Refused.because(found)


def first_permit_of(office: LaneOffice, operation: OperationRecord, reading: LaneReading) -> Permit:
    """The permit under which the lane's data was set aside; later ones set remains aside."""
    set_aside = {each.permit_id for each in reading.keep.begun if each.set_aside}
    for each in operation.earlier_permits:
        if each.permit_id in set_aside:
            return _permit(office, each.permit_token)
    return permit_of(office, operation)


def began_before(operation: OperationRecord) -> bool:
    """Whether data was set aside for it under a permit before the one that it has now."""
    return operation.begun_at is not None


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


def remains_as_kept(
    permit: Permit, name: DatabaseName, reading: LaneReading, *, has_filestore: bool
) -> KeptData | None:
    """What is kept under a name and never was recorded data; its tag says of which generation."""
    entry = next((each for each in reading.database.neighbours if each.name == name), None)
    if entry is None:
        return None
    tag = entry.tag
    return KeptData(
        lane=permit.lane,
        name=name,
        database_oid=entry.oid,
        generation=tag.generation if tag is not None else permit.generation,
        permit_id=tag.permit_id if tag is not None and tag.permit_id else permit.permit_id,
        set_aside_at=utc_now(),
        authoritative=permit.obligations.authoritative or permit.observation.marker.authoritative,
        has_filestore=has_filestore,
    )
