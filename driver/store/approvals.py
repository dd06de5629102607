"""Signatures in the store. Each is used once, and a person signs one digest once."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from launchplane_lane_contracts.approval import Approval
from launchplane_lane_contracts.contract import Digest, Person, UtcInstant
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .ledger import EntryKind, Transaction
from .reading import read_plain
from .records import StoredApproval
from .schema import ApprovalRow


def add_approval(
    change: Transaction,
    *,
    digest: Digest,
    person: Person,
    key_fingerprint: str,
    signature: str,
    now: UtcInstant,
    not_before: UtcInstant | None,
) -> StoredApproval:
    """Store a verified signature. See `Store.add_approval`."""
    earlier = change.session.scalars(
        select(ApprovalRow).where(ApprovalRow.digest == digest, ApprovalRow.person == person)
    ).first()
    if earlier is not None:
        return _still_good(_stored(earlier), now, not_before)
    row = ApprovalRow(
        digest=digest,
        person=person,
        key_fingerprint=key_fingerprint,
        signature=signature,
        signed_at=now,
        used_by=None,
    )
    change.session.add(row)
    change.session.flush()
    change.append(
        EntryKind.APPROVED,
        None,
        {
            "approval_id": row.id,
            "digest": digest,
            "person": person,
            "key_fingerprint": key_fingerprint,
            "signature": signature,
            "signed_at": now.isoformat(),
        },
    )
    return _stored(row)


def _still_good(
    earlier: StoredApproval, now: UtcInstant, not_before: UtcInstant | None
) -> StoredApproval:
    # Most keys sign the same text with the same signature, so one that comes again cannot be told
    # from one that somebody kept: what is used or has lapsed never counts anew.
    if earlier.used_by is None and earlier.approval.counts_at(now, not_before=not_before):
        return earlier
    person, digest = earlier.approval.person, earlier.approval.signed_digest
    what = f"was used for {earlier.used_by}" if earlier.used_by is not None else "has lapsed"
    raise Refused.because(
        reason(
            ReasonCode.APPROVALS_MISSING,
            f"{person} signed {digest} at {earlier.approval.signed_at:%Y-%m-%d %H:%M} UTC, and "
            f"that signature {what}. One digest is signed once.",
            "Plan or propose it again with the reason of today; that has a digest of its own, "
            "which can be signed.",
            person=person,
            digest=digest,
            used_by=earlier.used_by,
        )
    )


def approvals_under(session: Session, digest: Digest | None) -> tuple[StoredApproval, ...]:
    """Every signature, under one digest or under all, oldest first."""
    query = select(ApprovalRow).order_by(ApprovalRow.id)
    if digest is not None:
        query = query.where(ApprovalRow.digest == digest)
    return tuple(_stored(row) for row in session.scalars(query))


def use_judged_approvals(
    session: Session,
    judged: tuple[Approval, ...],
    digest: Digest,
    *,
    used_by: str,
    now: UtcInstant,
) -> tuple[int, ...]:
    """Use up every free signature under a digest that counts at `now`, and say which.

    Raises Refused when one of `judged`, on which a decision rests, is no longer free.
    """
    stored = approvals_under(session, digest)
    free = {
        each.approval_id for each in stored if each.used_by is None and each.approval.counts_at(now)
    }
    by_person = {each.approval.person: each.approval_id for each in stored}
    # One that had lapsed was no part of the decision; using it would end what rests on the others.
    needed = {by_person.get(each.person, 0) for each in judged if each.counts_at(now)}
    approval_ids = tuple(sorted({*free, *needed}))
    use_approvals(session, approval_ids, digest, used_by=used_by)
    return approval_ids


def use_approvals(
    session: Session, approval_ids: tuple[int, ...], digest: Digest, *, used_by: str
) -> None:
    """Use signatures up.

    Raises Refused when one of them is unknown, is under another digest, or was used already.
    """
    for approval_id in sorted(set(approval_ids)):
        changed = session.execute(
            update(ApprovalRow)
            .where(
                ApprovalRow.id == approval_id,
                ApprovalRow.digest == digest,
                ApprovalRow.used_by.is_(None),
            )
            .values(used_by=used_by)
            .returning(ApprovalRow.id)
        ).all()
        if len(changed) != 1:
            raise _refusal(session, approval_id, digest)


def _refusal(session: Session, approval_id: int, digest: Digest) -> Refused:
    row = session.get(ApprovalRow, approval_id)
    if row is None:
        what = "is not in the store"
    elif row.digest != digest:
        what = f"is under {row.digest}, not under {digest}"
    else:
        what = f"was used for {row.used_by} already"
    return Refused.because(
        reason(
            ReasonCode.APPROVALS_MISSING,
            f"Signature {approval_id} {what}, and a signature counts once, for what was signed.",
            "Plan or propose it again and have that signed.",
            approval_id=approval_id,
            digest=digest,
        )
    )


def _stored(row: ApprovalRow) -> StoredApproval:
    return StoredApproval(
        approval_id=row.id,
        approval=read_plain(
            Approval,
            {
                "person": row.person,
                "signed_digest": row.digest,
                "signed_at": row.signed_at.isoformat(),
            },
            f"signature {row.id}",
        ),
        key_fingerprint=row.key_fingerprint,
        signature=row.signature,
        used_by=row.used_by,
    )
