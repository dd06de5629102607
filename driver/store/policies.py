"""Policies and what is proposed for them."""

import hashlib
import json

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from launchplane_lane_contracts.contract import Contract, Digest, Person, UtcInstant
from launchplane_lane_contracts.errors import BadInput, Refused
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.policy import Policy, PolicyRevision
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .approvals import use_approvals, use_judged_approvals
from .ledger import EntryKind, Transaction, canonical_text
from .reading import read_text
from .records import Proposal
from .schema import LedgerRow, PolicyRow, ProposalRow


def policy_in_force(session: Session, lane: Lane) -> PolicyRevision | None:
    """The newest revision of the lane's policy."""
    row = session.scalars(
        select(PolicyRow)
        .where(PolicyRow.lane == str(lane))
        .order_by(PolicyRow.number.desc())
        .limit(1)
    ).first()
    return revision_from(row) if row is not None else None


def policy_history(session: Session, lane: Lane | None) -> tuple[PolicyRevision, ...]:
    """Every revision, of one lane or of all, oldest first."""
    query = select(PolicyRow).order_by(PolicyRow.lane, PolicyRow.number)
    if lane is not None:
        query = query.where(PolicyRow.lane == str(lane))
    return tuple(revision_from(row) for row in session.scalars(query))


def record_policy(
    change: Transaction,
    policy: Policy,
    *,
    actor: Person,
    reason_given: str,
    change_digest: Digest,
    now: UtcInstant,
    approvals_used: tuple[int, ...] | None,
    replaces: int | None,
    highest: int = 0,
) -> PolicyRevision:
    """Add a revision, with a number above `highest`. See `Store.record_policy`."""
    present = policy_in_force(change.session, policy.lane)
    number = present.number if present is not None else 0
    if replaces is not None and replaces != number:
        raise Refused.because(
            reason(
                ReasonCode.PLAN_CHANGED,
                f"The change was judged against revision {replaces} of the policy of lane "
                f"{policy.lane}; revision {number} is in force now.",
                "Look at the policy that is in force and propose the change again.",
                lane=policy.lane,
                judged_against=replaces,
                in_force=number,
            )
        )
    try:
        revision = PolicyRevision(
            policy=policy,
            number=max(number, highest) + 1,
            recorded_at=now,
            recorded_by=actor,
            reason=reason_given,
            change_digest=change_digest,
        )
    except ValidationError as error:
        faults = "; ".join(each["msg"].removeprefix("Value error, ") for each in error.errors())
        raise BadInput(f"The policy of lane {policy.lane} was not recorded: {faults}.") from error
    apply_proposal(change.session, change_digest, now)
    if approvals_used is None:
        approvals_used = use_judged_approvals(
            change.session, (), change_digest, used_by=change_digest, now=now
        )
    else:
        use_approvals(change.session, approvals_used, change_digest, used_by=change_digest)
    change.session.add(
        PolicyRow(
            lane=str(policy.lane),
            number=revision.number,
            recorded_at=now,
            change_digest=change_digest,
            document=revision.canonical().decode(),
        )
    )
    change.append(
        EntryKind.POLICY_RECORDED,
        policy.lane,
        {"revision": revision.to_plain(), "approvals": sorted(approvals_used)},
    )
    return revision


def propose(
    change: Transaction, kind: str, document: Contract, proposer: Person, now: UtcInstant
) -> Digest:
    """Store a proposal. See `Store.propose`."""
    digest = document.digest()
    earlier = change.session.get(ProposalRow, digest)
    if earlier is not None:
        if earlier.kind != kind:
            raise BadInput(f"{digest} was proposed as {earlier.kind}, so it cannot be a {kind}.")
        return digest
    change.session.add(
        ProposalRow(
            digest=digest,
            kind=kind,
            document=document.canonical().decode(),
            proposer=proposer,
            proposed_at=now,
            applied_at=None,
        )
    )
    lane = getattr(document, "lane", None)
    change.append(
        EntryKind.PROPOSED,
        lane if isinstance(lane, Lane) else None,
        {
            "digest": digest,
            "kind": kind,
            "proposer": proposer,
            "proposed_at": now.isoformat(),
            "document": document.to_plain(),
        },
    )
    return digest


def proposal(session: Session, digest: Digest) -> Proposal:
    """One proposal.

    Raises BadInput when there is none, Refused when its text is not the one that was proposed.
    """
    row = session.get(ProposalRow, digest)
    if row is None:
        raise BadInput(
            f"Nothing with the digest {digest} was proposed. Copy the whole digest, as it was "
            "printed when the change was proposed."
        )
    problem = document_problem(row)
    if problem:
        raise Refused.because(
            reason(
                ReasonCode.STORE_ROLLED_BACK,
                f"The proposal {digest} cannot be trusted: {problem}. Somebody changed the store.",
                "Sign nothing. Put the newest store back, together with nothing else, find out who "
                "changed this one (`lane-authority audit verify`), and propose it again.",
                digest=digest,
            )
        )
    return Proposal(
        proposal_digest=Digest(row.digest),
        kind=row.kind,
        document=row.document,
        proposer=Person(row.proposer),
        proposed_at=row.proposed_at,
        applied_at=row.applied_at,
    )


def document_problem(row: ProposalRow) -> str:
    """Why a proposal's text is not the one that people sign by its digest, or nothing."""
    if hashlib.sha256(row.document.encode()).hexdigest() == row.digest:
        return ""
    return "its text is not what its digest stands for"


def difference_to_ledger(session: Session) -> str:
    """Where the table of policies says something else than the ledger, or nothing."""
    entries = session.scalars(
        select(LedgerRow).where(LedgerRow.kind == EntryKind.POLICY_RECORDED.value)
    )
    told = {
        (row.lane or "", document["revision"]["number"]): canonical_text(document["revision"])
        for row in entries
        for document in (json.loads(row.document),)
    }
    found = {(row.lane, row.number): row.document for row in session.scalars(select(PolicyRow))}
    for lane, number in sorted(told.keys() | found.keys()):
        if told.get((lane, number)) != found.get((lane, number)):
            return f"revision {number} of the policy of lane {lane} is not what the ledger says"
    return ""


def apply_proposal(session: Session, digest: Digest, now: UtcInstant) -> None:
    """Note that a proposal came into force. Raises Refused when it had before."""
    row = session.get(ProposalRow, digest)
    if row is None:
        return
    refuse_when_applied(proposal(session, digest))
    row.applied_at = now


def refuse_when_applied(proposed: Proposal) -> None:
    """Raise Refused when the proposal came into force before."""
    if proposed.applied_at is not None:
        raise Refused(
            f"The change {proposed.proposal_digest} came into force at "
            f"{proposed.applied_at:%Y-%m-%d %H:%M} UTC already. Propose it anew if it is wanted "
            "again."
        )


def revision_from(row: PolicyRow) -> PolicyRevision:
    """A stored revision. Raises CouldNotTell when it cannot be understood."""
    return read_text(PolicyRevision, row.document, f"revision {row.number} of lane {row.lane}")
