"""Recording a policy: proposed, signed where it loosens, then recorded as the next revision."""

from dataclasses import dataclass

from launchplane_lane_contracts.approval import (
    ApprovalTally,
    demand_for,
    tally_approvals,
)
from launchplane_lane_contracts.contract import Digest, Person, PersonField, VersionedContract
from launchplane_lane_contracts.errors import BadInput, Refused
from launchplane_lane_contracts.policy import Policy, PolicyRevision
from launchplane_lane_contracts.policy_change import loosening, weight_of_change
from launchplane_lane_contracts.policy_words import why_not_recorded
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .lane_office import LaneOffice, utc_now
from .people import why_nobody_counts

POLICY = "policy"
"""The kind under which a policy change is proposed for signatures."""

LONGEST_REASON = 2000


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


@dataclass(frozen=True)
class ProposedChange:
    """A change and what it still needs."""

    digest: Digest
    change: PolicyChange
    loosens: tuple[str, ...]
    tally: ApprovalTally


def propose_policy(
    office: LaneOffice, policy: Policy, *, proposer: Person, why: str
) -> ProposedChange:
    """Put a policy up for signatures; nothing is in force yet.

    Raises BadInput without a reason, and for what could not be recorded.
    """
    if not why.strip() or len(why) > LONGEST_REASON:
        # It could never be recorded, and people would have signed it in vain.
        raise BadInput(f"Say why, in at most {LONGEST_REASON} characters.")
    too_long = why_not_recorded(policy, utc_now())
    if too_long:
        raise BadInput(f"Lane {policy.lane}: {too_long}. Name an earlier instant.")
    current = office.store.policy(policy.lane)
    change = PolicyChange(
        policy=policy,
        after_revision=current.number if current else 0,
        proposer=proposer,
        reason=why,
    )
    digest = office.store.propose(POLICY, change, proposer=proposer, now=utc_now())
    return proposed_change(office, digest)


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
    return ProposedChange(
        digest=digest,
        change=change,
        loosens=loosening(old, change.policy),
        tally=tally_approvals(
            office.approvals(digest),
            requester=change.proposer,
            demand=demand_for(weight_of_change(old, change.policy), office.thresholds()),
            proposed_at=proposal.proposed_at,
            now=utc_now(),
        ),
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
                f"{_signed(proposed)}.",
                f"Let them read it and sign it with `lane-authority approve {digest}`.",
                required=proposed.tally.required,
            ),
            *why_nobody_counts(office.host, office.store),
        )
    return office.store.record_policy(
        change.policy,
        actor=change.proposer,
        reason=change.reason,
        change_digest=digest,
        now=utc_now(),
        approvals_used=office.free_approval_ids(digest),
        replaces=change.after_revision,
    )


def _signed(proposed: ProposedChange) -> str:
    people: list[str] = [*proposed.tally.approvers]
    if proposed.tally.requester_signed:
        people.append(f"{proposed.change.proposer} (proposer)")
    return ", ".join(people) or "nobody"
