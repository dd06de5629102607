"""Recording a policy: proposed, signed where it loosens, then recorded as the next revision."""

from dataclasses import dataclass

from launchplane_lane_contracts.approval import (
    ApprovalTally,
    demand_for,
    tally_approvals,
)
from launchplane_lane_contracts.contract import (
    Digest,
    Person,
    PersonField,
    UtcInstant,
    VersionedContract,
)
from launchplane_lane_contracts.errors import BadInput, Refused
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.policy import Policy, PolicyRevision, effective_policy
from launchplane_lane_contracts.policy_change import loosening, weight_of_change
from launchplane_lane_contracts.policy_words import why_not_recorded
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .guard_client import show
from .lane_office import LaneOffice, utc_now
from .people import why_nobody_counts
from .why import require_reason

POLICY = "policy"
"""The kind under which a policy change is proposed for signatures."""


class PolicyChange(VersionedContract):
    """What a signature under a policy change covers."""

    policy: Policy
    """The policy as it is to be."""
    after_revision: int
    """The revision that it replaces; 0 when there is none."""
    proposer: PersonField
    """Who proposes it."""
    reason: str
    """Why, in that person's words."""
    lowers: int | None = None
    """The generation whose marker loses its authority with the change; None where none does."""
    lowers_claim: bool = False
    """Whether a claim of protection, made inside Odoo before, goes with it."""


@dataclass(frozen=True)
class ProposedChange:
    """A change and what it still needs."""

    digest: Digest
    change: PolicyChange
    loosens: tuple[str, ...]
    tally: ApprovalTally
    cooled_at: UtcInstant | None = None
    """The end (UTC) of its cooling-off, over or not; None where there is none."""


def propose_policy(
    office: LaneOffice, policy: Policy, *, proposer: Person, why: str
) -> ProposedChange:
    """Put a policy up for signatures; nothing is in force yet.

    Raises BadInput without a reason, and for what could not be recorded; Refused where it loosens
    and this host's clock is behind its own ledger.
    """
    require_reason(why)
    too_long = why_not_recorded(policy, utc_now())
    if too_long:
        raise BadInput(f"Lane {policy.lane}: {too_long}. Name an earlier instant.")
    current = office.store.policy(policy.lane)
    if loosening(current.policy if current else None, policy):
        # A cooling-off is counted from here.
        office.require_clock()
    lowers, lowers_claim = _lowers(office, current, policy)
    change = PolicyChange(
        policy=policy,
        after_revision=current.number if current else 0,
        proposer=proposer,
        reason=why,
        lowers=lowers,
        lowers_claim=lowers_claim,
    )
    digest = office.store.propose(POLICY, change, proposer=proposer, now=utc_now())
    return proposed_change(office, digest)


def _lowers(
    office: LaneOffice, current: PolicyRevision | None, policy: Policy
) -> tuple[int | None, bool]:
    """Which generation's marker is to be lowered with it, and whether a claim goes too."""
    lane = Lane.parse(str(policy.lane))
    record = office.store.host_record(lane)
    protects = effective_policy(policy, utc_now(), marker_authoritative=False, claimed=False)
    if (
        record.generation is None
        or record.declared_lost
        or protects.authoritative
        or not loosening(current.policy if current else None, policy)
    ):
        return None, False
    configuration = office.host.lanes().get(lane)
    row = show(configuration).database.marker_row if configuration is not None else None
    if row is None:
        # Nobody can see it now. What was recorded is lowered once it is in reach and bound.
        return record.generation, False
    return (record.generation if row.authoritative or row.claimed else None), row.claimed


def lowering_change(office: LaneOffice, revision: PolicyRevision) -> PolicyChange | None:
    """The change by which a revision was recorded, where it lowers a marker and has not yet.

    Its signatures count once: what says that the data is the only true copy afterwards stays.
    """
    try:
        proposal = office.store.proposal(revision.change_digest)
    except BadInput:
        return None
    change = PolicyChange.from_json(proposal.document) if proposal.kind == POLICY else None
    if change is None or change.lowers is None:
        return None
    used = office.store.was_lowered_since(revision)
    return None if used else change


def proposed_change(office: LaneOffice, digest: Digest) -> ProposedChange:
    """A proposed change and what it still needs. Raises BadInput when there is none."""
    proposal = office.store.proposal(digest)
    if proposal.kind != POLICY:
        raise BadInput(
            f"No policy change has the digest {digest}. Make one with `lane-authority policy "
            "propose`."
        )
    change = PolicyChange.from_json(proposal.document)
    current = office.store.policy(change.policy.lane)
    old = current.policy if current else None
    demand = demand_for(weight_of_change(old, change.policy), office.thresholds())
    return ProposedChange(
        digest=digest,
        change=change,
        loosens=loosening(old, change.policy),
        tally=tally_approvals(
            office.approvals(digest),
            requester=change.proposer,
            demand=demand,
            proposed_at=proposal.proposed_at,
            now=utc_now(),
        ),
        cooled_at=demand.cooled_at(proposal.proposed_at),
    )


def apply_policy(office: LaneOffice, digest: Digest) -> PolicyRevision:
    """Record a proposed policy as the lane's next revision.

    Raises Refused when signatures are missing or another revision came in between, BadInput when
    there is no such proposal.
    """
    proposed = proposed_change(office, digest)
    change = proposed.change
    current = office.store.policy(change.policy.lane)
    number = current.number if current else 0
    if number != change.after_revision:
        raise Refused.because(
            reason(
                ReasonCode.PLAN_CHANGED,
                f"The change was proposed after revision {change.after_revision} of lane "
                f"{change.policy.lane}; revision {number} is in force now.",
                "Propose the change again, so that it is reviewed against what is in force.",
                revision=number,
            )
        )
    if proposed.loosens:
        office.require_clock()
    if not proposed.tally.met:
        raise Refused.because(
            reason(
                ReasonCode.APPROVALS_MISSING,
                f"The change loosens ({'; '.join(proposed.loosens)}), so it needs the proposer's "
                f"signature and those of {proposed.tally.required} approvers; signed: "
                f"{_signed(proposed)}.{_waits(proposed)}",
                f"Let them read it and sign it with `lane-authority approve {digest}`"
                + (", and apply it then." if proposed.tally.cooling_off_until else "."),
                required=proposed.tally.required,
                waits_until=proposed.tally.cooling_off_until,
            ),
            *why_nobody_counts(office.host, office.store),
        )
    return office.store.record_policy(
        change.policy,
        actor=change.proposer,
        reason=change.reason,
        change_digest=digest,
        now=utc_now(),
        approvals_used=office.free_approval_ids(digest, proposed.tally.who_counts(change.proposer)),
        replaces=change.after_revision,
    )


def _waits(proposed: ProposedChange) -> str:
    """Where fewer people are asked for, time takes their place."""
    until = proposed.tally.cooling_off_until
    return f" It must also wait until {until:%Y-%m-%d %H:%M} UTC." if until is not None else ""


def _signed(proposed: ProposedChange) -> str:
    people: list[str] = [*proposed.tally.approvers]
    if proposed.tally.requester_signed:
        people.append(f"{proposed.change.proposer} (proposer)")
    return ", ".join(people) or "nobody"
