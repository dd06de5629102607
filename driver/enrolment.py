"""`enrol`: a lane that has data and no marker gets one, after showing what is in there."""

from collections.abc import Iterator
from dataclasses import dataclass

from launchplane_lane_contracts.approval import (
    ApprovalTally,
    demand_for,
    tally_approvals,
)
from launchplane_lane_contracts.contract import (
    RULEBOOK_VERSION,
    DatabaseName,
    Digest,
    Person,
    SystemIdentifier,
)
from launchplane_lane_contracts.enrolment import Enrolment
from launchplane_lane_contracts.errors import BadInput, Refused
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import Lineage, Marker
from launchplane_lane_contracts.observation import HostRecord, Observation
from launchplane_lane_contracts.orders import PrepareOrder
from launchplane_lane_contracts.policy import PolicyRevision, effective_policy
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    FilestoreState,
    MarkerState,
    RuntimeState,
    TagState,
)

from .guard_client import carry_out
from .lane_configuration import LaneConfiguration
from .lane_office import LaneOffice, new_nonce, utc_now
from .stamping import ORDER_VALID_FOR, stamp, stamped_there

ENROLMENT = "enrolment"
"""The kind under which an enrolment is proposed for signatures."""


@dataclass(frozen=True)
class EnrolmentPlan:
    """What enrolling would do, what was found, and what it still needs."""

    digest: Digest
    enrolment: Enrolment
    observation: Observation
    reading: LaneReading
    tally: ApprovalTally


def plan_enrolment(office: LaneOffice, lane: Lane, *, requester: Person) -> EnrolmentPlan:
    """Look at the lane and say what enrolling would record. Nothing is changed.

    Raises Refused with all reasons when it can't be enrolled.
    """
    record = office.store.host_record(lane)
    witnessed = office.look(record)
    observation = office.observe(witnessed)
    revision = office.store.policy(lane)
    configuration = office.configuration(lane)
    refused = (
        *_refusals(lane, record, observation, witnessed.reading, revision),
        *_elsewhere(configuration, witnessed.reading),
    )
    if refused or revision is None:
        raise Refused.because(*refused)
    database = witnessed.reading.database
    assert database.entry is not None
    assert database.server is not None
    now = utc_now()
    effective = effective_policy(
        revision.policy, now, marker_authoritative=False, claimed=observation.marker.claimed
    )
    enrolment = Enrolment(
        lane=lane,
        requester=requester,
        system_identifier=SystemIdentifier(database.server.system_identifier),
        database=database.name,
        database_oid=database.entry.oid,
        filestore_path=observation.filestore.path,
        policy_revision=revision.number,
        authoritative=effective.authoritative,
    )
    digest = office.store.propose(ENROLMENT, enrolment, proposer=requester, now=now)
    return EnrolmentPlan(
        digest=digest,
        enrolment=enrolment,
        observation=observation,
        reading=witnessed.reading,
        tally=tally_approvals(
            office.approvals(digest),
            requester=requester,
            demand=demand_for(enrolment.weight, office.thresholds()),
            proposed_at=now,
            now=now,
        ),
    )


def _refusals(
    lane: Lane,
    record: HostRecord,
    observation: Observation,
    reading: LaneReading,
    revision: PolicyRevision | None,
) -> Iterator[Reason]:
    if revision is None:
        yield reason(
            ReasonCode.POLICY_UNKNOWN,
            f"Nobody has recorded a policy for lane {lane}, so nobody knows what it would be.",
            "Propose a policy for the lane; two approvers besides you sign it, then enrol it.",
        )
    if record.generation is not None:
        yield _already(f"generation {record.generation} of lane {lane} is on record")
    if record.unfinished is not None:
        yield reason(
            ReasonCode.OPERATION_UNFINISHED,
            f"Operation {record.unfinished.operation_id} is {record.unfinished.phase}.",
            "Finish it or undo it first.",
        )
    if observation.database.state is not DatabaseState.INITIALISED:
        yield reason(
            ReasonCode.NOTHING_TO_ENROL,
            f"There is no data to enrol: {observation.database.detail}.",
            "A lane without data needs no enrolling; ask for a bootstrap.",
        )
    if observation.marker.state is not MarkerState.ABSENT and (
        observation.database.state is DatabaseState.INITIALISED
    ):
        yield _already(f"the database has a marker ({observation.marker.detail})")
    tag = reading.database.entry.tag if reading.database.entry else None
    if tag is not None and (tag.lane != lane or tag.state is TagState.KEPT):
        yield _already(f"the database is tagged as data of lane {tag.lane} ({tag.state})")
    if observation.filestore.state in (
        FilestoreState.FOREIGN,
        FilestoreState.ELSEWHERE,
        FilestoreState.UNREADABLE,
    ):
        yield reason(
            ReasonCode.FILESTORE_FOREIGN,
            f"The files cannot be enrolled: {observation.filestore.detail}.",
            "Correct the lane's filestore path, then enrol again.",
        )
    if observation.runtime.state in (
        RuntimeState.OTHER_LANE,
        RuntimeState.OTHER_DEPLOYMENT,
        RuntimeState.OTHER_DATABASE,
    ):
        yield reason(
            ReasonCode.RUNTIME_OTHER_LANE,
            f"The runtime contradicts: {observation.runtime.detail}.",
            "Correct the lane's runtime address or guard command, then enrol again.",
        )
    if reading.lane != lane:
        yield reason(
            ReasonCode.ENVIRONMENT_OTHER_LANE,
            f"The guard's environment is that of lane {reading.lane or 'unknown'}"
            + (f" ({reading.identity_problem})." if reading.identity_problem else "."),
            "Correct the lane's guard command, or put Launchplane's identity into the lane's "
            "environment.",
        )


def _elsewhere(configuration: LaneConfiguration, reading: LaneReading) -> Iterator[Reason]:
    """Where the guard looks at another place than the one that the host is configured with."""
    remedy = "Correct the lane's environment, or its table in lane-authority.toml; then enrol."
    if reading.database.name != configuration.database:
        yield reason(
            ReasonCode.ENVIRONMENT_OTHER_DATABASE,
            f"The guard looks at database {reading.database.name}; the host is configured with "
            f"{configuration.database}.",
            remedy,
        )
    if reading.filestore.path != configuration.filestore_path:
        yield reason(
            ReasonCode.ENVIRONMENT_OTHER_FILESTORE,
            f"The guard looks at the files in {reading.filestore.path}; the host is configured "
            f"with {configuration.filestore_path}.",
            remedy,
        )


def _already(detail: str) -> Reason:
    return reason(
        ReasonCode.ALREADY_ENROLLED,
        f"It is somebody's data already: {detail}.",
        "Plan an operation on the lane instead; the plan says what state its data is in.",
        detail=detail,
    )


def enrol(office: LaneOffice, digest: Digest) -> HostRecord:
    """Stamp what was planned, and record it.

    Raises Refused when something has changed or signatures are missing, CouldNotTell, Busy.
    """
    proposal = office.store.proposal(digest)
    if proposal.kind != ENROLMENT:
        raise BadInput(f"No enrolment has the digest {digest}. Make one with `enrol LANE`.")
    reviewed = Enrolment.from_json(proposal.document)
    try:
        found = plan_enrolment(office, reviewed.lane, requester=reviewed.requester)
    except Refused:
        stamped = _stamped_before(office, reviewed)
        if stamped is None:
            raise
        return _record(office, stamped, digest)
    if found.digest != digest:
        raise Refused.because(
            reason(
                ReasonCode.PLAN_CHANGED,
                "What stands at the lane's place is no longer what was reviewed.",
                "Look at it again with `lane-authority enrol` and let the new digest be signed.",
            )
        )
    if not found.tally.met:
        raise Refused.because(
            reason(
                ReasonCode.APPROVALS_MISSING,
                f"Enrolling data that is not authoritative needs the requester's signature and "
                f"{found.tally.required} approver(s); signed: "
                f"{', '.join(found.tally.approvers) or 'no approver'}.",
                f"Let them read it and sign it with `lane-authority approve {digest}`.",
                required=found.tally.required,
            )
        )
    return _stamp(office, reviewed, found)


def _stamp(office: LaneOffice, enrolment: Enrolment, found: EnrolmentPlan) -> HostRecord:
    configuration = office.configuration(enrolment.lane)
    now = utc_now()
    prepare = PrepareOrder(
        lane=enrolment.lane,
        nonce=new_nonce(),
        database=DatabaseName(enrolment.database),
        filestore_path=enrolment.filestore_path,
        issued_at=now,
        begin_before=now + ORDER_VALID_FOR,
        rulebook_version=RULEBOOK_VERSION,
        database_oid=enrolment.database_oid,
    )
    _receipt, reading = carry_out(configuration, "prepare", office.sign(prepare), prepare.nonce)
    identity = reading.database.identity()
    revision = office.store.policy(enrolment.lane)
    assert identity is not None
    assert revision is not None
    marker = Marker(
        lane=enrolment.lane,
        policy=revision.policy,
        policy_revision=revision.number,
        authoritative=enrolment.authoritative,
        generation=office.store.new_generation(enrolment.lane),
        nonce=new_nonce(),
        identity=identity,
        filestore_path=enrolment.filestore_path,
        lineage=Lineage(),
        stamped_at=now,
    )
    # Locked only where Odoo itself has said that it goes on serving a locked database.
    lock = enrolment.authoritative and found.observation.runtime.stays_listed_when_locked
    stamp(office, marker, permit_id=None, lock=lock)
    return _record(office, marker, found.digest)


def _record(office: LaneOffice, marker: Marker, digest: Digest) -> HostRecord:
    return office.store.record_data(
        marker.lane,
        generation=marker.generation,
        nonce=marker.nonce,
        identity=marker.identity,
        filestore_path=marker.filestore_path,
        now=utc_now(),
        kind="enrolled",
        approvals_digest=digest,
        ledger_document={"digest": digest},
    )


def _stamped_before(office: LaneOffice, enrolment: Enrolment) -> Marker | None:
    """The marker of this very enrolment, where an earlier run died before it was recorded."""
    record = office.store.host_record(enrolment.lane)
    if record.generation is not None or record.unfinished is not None:
        return None
    order = stamped_there(office, office.look(record).reading.database)
    if order is None or order.permit_id is not None:
        return None
    marker = order.marker
    written = (
        marker.lane == enrolment.lane
        and marker.policy_revision == enrolment.policy_revision
        and marker.authoritative == enrolment.authoritative
        and marker.identity.database_oid == enrolment.database_oid
        and marker.identity.system_identifier == enrolment.system_identifier
    )
    return marker if written else None
