"""Changing whose signatures count: proposed from the files, signed by the people on record."""

from dataclasses import dataclass

from launchplane_lane_contracts.approval import ApprovalTally, demand_for, tally_approvals
from launchplane_lane_contracts.contract import Digest, Person, UtcInstant
from launchplane_lane_contracts.errors import BadInput, Refused
from launchplane_lane_contracts.people import (
    People,
    PeopleChange,
    loosening_of_people,
    weight_of_people,
)
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .clock_correction import CLOCK
from .enough_people import require_signers
from .lane_office import LaneOffice, utc_now
from .people import people_in_files, people_that_count
from .why import require_reason

PEOPLE = "people"
"""The kind under which a change of people is proposed for signatures."""


@dataclass(frozen=True)
class ProposedPeople:
    """A change of people and what it still needs."""

    digest: Digest
    change: PeopleChange
    loosens: tuple[str, ...]
    tally: ApprovalTally
    cooled_at: UtcInstant | None = None
    """The end (UTC) of its cooling-off, over or not; None where there is none."""


def propose_people(office: LaneOffice, *, proposer: Person, why: str) -> ProposedPeople:
    """Put the files as they are now up for signatures of the people on record.

    Raises BadInput when nothing was changed, too few would be left to sign anything, or there is
    no reason; Refused where it loosens and this host's clock is behind its own ledger.
    """
    require_reason(why)
    recorded, found = office.store.people(), people_in_files(office.host)
    if recorded is None:
        raise BadInput("Nobody is on record yet. Run `lane-authority init`, which records them.")
    if recorded == found:
        raise BadInput("The files are what is on record, so there is nothing to propose.")
    if not found.lines:
        raise BadInput("The approvers file names nobody, and then nothing could be signed again.")
    require_signers(office.host, found, utc_now(), before=recorded)
    if loosening_of_people(recorded, found):
        # A cooling-off is counted from here.
        office.require_clock()
    change = PeopleChange(people=found, replaces=recorded.digest(), proposer=proposer, reason=why)
    digest = office.store.propose(PEOPLE, change, proposer=proposer, now=utc_now())
    return proposed_people(office, digest)


def proposed_people(office: LaneOffice, digest: Digest) -> ProposedPeople:
    """A proposed change and what it still needs. Raises BadInput when there is none."""
    proposal = office.store.proposal(digest)
    recorded = office.store.people()
    if proposal.kind != PEOPLE or recorded is None:
        raise BadInput(
            f"No change of approvers has the digest {digest}. Make one with `lane-authority "
            "approvers propose`."
        )
    change = PeopleChange.from_json(proposal.document)
    demand = demand_for(weight_of_people(recorded, change.people), recorded.thresholds)
    return ProposedPeople(
        digest=digest,
        change=change,
        loosens=loosening_of_people(recorded, change.people),
        tally=tally_approvals(
            office.approvals(digest, by=recorded),
            requester=change.proposer,
            demand=demand,
            proposed_at=proposal.proposed_at,
            now=utc_now(),
        ),
        cooled_at=demand.cooled_at(proposal.proposed_at),
    )


def apply_people(office: LaneOffice, digest: Digest) -> People:
    """Record a change that is signed by the people on record.

    Raises Refused when signatures are missing or the files or the record have changed since.
    """
    proposed = proposed_people(office, digest)
    recorded = office.store.people()
    assert recorded is not None
    change = proposed.change
    if recorded.digest() != change.replaces or people_in_files(office.host) != change.people:
        raise Refused.because(
            reason(
                ReasonCode.PLAN_CHANGED,
                "The approvers on record, or the files, are no longer those of the proposal.",
                "Propose the change again, so that what is there now is reviewed.",
                digest=digest,
            )
        )
    if proposed.loosens:
        office.require_clock()
    if not proposed.tally.met:
        raise Refused.because(_still_missing(proposed))
    # A line may have run out since it was proposed.
    require_signers(office.host, change.people, utc_now(), before=recorded)
    office.store.record_people(
        change.people,
        now=utc_now(),
        change_digest=digest,
        approvals_used=office.free_approval_ids(
            digest, proposed.tally.who_counts(change.proposer), by=recorded
        ),
    )
    return change.people


def _still_missing(proposed: ProposedPeople) -> Reason:
    tally = proposed.tally
    wait = (
        f" It must also wait until {tally.cooling_off_until:%Y-%m-%d %H:%M} UTC."
        if tally.cooling_off_until is not None
        else ""
    )
    return reason(
        ReasonCode.APPROVALS_MISSING,
        f"The change needs the proposer's signature and those of {tally.required} approvers who "
        f"are on record; signed: {', '.join(tally.approvers) or 'no approver'}"
        f"{' and the proposer' if tally.requester_signed else ''}.{wait}",
        f"Let them read it and sign it with `lane-authority approve {proposed.digest}`, then apply "
        "it again.",
        required=tally.required,
    )


def who_may_sign(office: LaneOffice, digest: Digest) -> People:
    """Those on record. A change of the files is signed by them, so the files may differ then.

    Raises Refused when the files are not what is on record, or this host's clock is behind its own
    ledger; BadInput for what nobody proposed.
    """
    recorded, kind = office.store.people(), office.store.proposal(digest).kind
    if kind != CLOCK:
        # Only what says that the clock is right again is signed while it is not believed.
        office.require_clock()
    if kind == PEOPLE and recorded is not None:
        return recorded
    return people_that_count(office.host, office.store)
