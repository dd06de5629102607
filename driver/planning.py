"""`plan` and `authorize`: what would happen, and the claim of the lane for exactly that."""

from datetime import datetime

from launchplane_lane_contracts.contract import Digest, OperationId
from launchplane_lane_contracts.errors import BadInput, Refused
from launchplane_lane_contracts.forecast import Forecast
from launchplane_lane_contracts.observation import HostRecord
from launchplane_lane_contracts.plan import Plan, PlanTarget, plan_target
from launchplane_lane_contracts.request import Request
from launchplane_lane_contracts.rulebook import decide

from .forecast import forecast
from .lane_office import LaneOffice, utc_now
from .store.records import OperationRecord
from .what_moved import readings_of, what_changed
from .witnesses import Witnessed

PLAN = "plan"
"""The kind under which a plan's target is proposed for signatures."""


def make_plan(
    office: LaneOffice, request: Request, *, for_operation: OperationId | None = None
) -> tuple[Plan, Witnessed]:
    """Read everything and decide. Nothing is changed.

    `for_operation` is the operation that holds the lane and for which it is decided again.
    Raises BadInput when the lane is not configured.
    """
    office.store.lapse(request.lane, now=utc_now())
    record = _without(office.store.host_record(request.lane), for_operation)
    witnessed = office.look(
        record, attested_by=request.requester if request.attest_runtime else None
    )
    now = utc_now()
    plan = _decide(office, request, witnessed, now, for_operation)
    return plan, witnessed


def _decide(
    office: LaneOffice,
    request: Request,
    witnessed: Witnessed,
    now: datetime,
    for_operation: OperationId | None,
) -> Plan:
    revision = office.store.policy(request.lane)
    policy = revision.policy if revision else None
    observation = office.observe(witnessed, request=request)
    decision = decide(policy, request, observation, now)
    target = plan_target(
        request,
        policy,
        observation,
        decision,
        database=office.configuration(request.lane).database,
    )
    approvals = office.approvals(target.digest(), used_by=for_operation)
    if approvals:
        observation = observation.model_copy(update={"approvals": approvals})
        decision = decide(policy, request, observation, now)
    return Plan(
        target=target,
        policy=policy,
        policy_revision=revision.number if revision else None,
        observation=observation,
        decision=decision,
        size_bytes=witnessed.reading.database.size_bytes,
        planned_at=now,
    )


def _without(record: HostRecord, operation: OperationId | None) -> HostRecord:
    """The record as the operation itself must see it: it does not stand in its own way."""
    unfinished = record.unfinished
    if operation is not None and unfinished and unfinished.operation_id == operation:
        return record.model_copy(update={"unfinished": None})
    return record


def plan(office: LaneOffice, request: Request) -> Plan:
    """The dry run. Its digest can be signed and authorized afterwards.

    Raises BadInput when the lane is not configured.
    """
    return _proposed(office, request)[0]


def plan_with_forecast(office: LaneOffice, request: Request) -> tuple[Plan, Forecast]:
    """The same, and what people want to know of it before they sign."""
    made, witnessed = _proposed(office, request)
    return made, forecast(office, made, witnessed)


def _proposed(office: LaneOffice, request: Request) -> tuple[Plan, Witnessed]:
    made, witnessed = make_plan(office, request)
    office.store.propose(PLAN, made.target, proposer=request.requester, now=made.planned_at)
    note_decision(office, made, "plan")
    return made, witnessed


def note_decision(office: LaneOffice, made: Plan, step: str) -> None:
    """Put on record what was decided, on what, and at which step of a rebuild."""
    observation = made.observation
    office.store.note(
        "decision",
        made.target.request.lane,
        {
            "step": step,
            "plan_digest": made.plan_digest,
            "request": made.target.request.to_plain(),
            "allowed": made.decision.allowed,
            "reasons": [each.code.value for each in made.decision.reasons],
            "policy_revision": made.policy_revision,
            "rollout_state": made.policy.rollout_state.value if made.policy else None,
            "database": observation.database.state.value,
            "marker": observation.marker.state.value,
            "runtime": observation.runtime.state.value,
            "observation_digest": observation.digest(),
            "readings": readings_of(made),
        },
        made.planned_at,
    )


def authorize(office: LaneOffice, digest: Digest) -> OperationRecord:
    """Read again, decide again, and claim the lane for the plan with this digest.

    Raises Refused with all reasons, Busy when another operation took the lane, BadInput when no
    such plan was made.
    """
    reviewed = planned_target(office, digest)
    made, _witnessed = make_plan(office, reviewed.request)
    note_decision(office, made, "authorize")
    require_same(office, reviewed, made)
    used = office.free_approval_ids(digest, made.signed_by)
    return office.store.claim(made, now=made.planned_at, approvals_used=used)


def planned_target(office: LaneOffice, digest: Digest) -> PlanTarget:
    """What was planned under this digest. Raises BadInput when nothing was."""
    proposal = office.store.proposal(digest)
    if proposal.kind != PLAN:
        raise BadInput(f"No plan has the digest {digest}. Make one with `lane-authority plan`.")
    return PlanTarget.from_json(proposal.document)


def require_same(
    office: LaneOffice, reviewed: PlanTarget, made: Plan, *, authorized: Plan | None = None
) -> None:
    """Refuse when what was reviewed has changed, or is not allowed; say which fact moved.

    `authorized` is the plan as it was when the lane was claimed, where it was.
    """
    if reviewed == made.target and made.decision.allowed:
        return
    if authorized is not None:
        readings, revision = readings_of(authorized), authorized.policy_revision
    else:
        readings, revision = _readings_at_the_review(office, reviewed)
    policies = {each.number: each.policy for each in office.store.history(made.target.request.lane)}
    changed = what_changed(
        reviewed,
        made,
        readings=readings,
        policies=(policies.get(revision or 0), made.policy),
        since="it was authorized" if authorized is not None else "the plan was reviewed",
    )
    raise Refused.because(*changed, *made.decision.reasons)


def _readings_at_the_review(
    office: LaneOffice, reviewed: PlanTarget
) -> tuple[dict[str, str], int | None]:
    """What the plan with this digest was decided on last, and the policy's revision then."""
    digest = reviewed.digest()
    for entry in reversed(office.store.ledger_entries(reviewed.request.lane)):
        said = entry.document.get("particulars", {})
        if entry.document.get("what") == "decision" and (
            said.get("plan_digest"),
            said.get("step"),
        ) == (digest, "plan"):
            return dict(said.get("readings", {})), said.get("policy_revision")
    return {}, None
