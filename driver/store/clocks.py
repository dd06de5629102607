"""What the ledger says of the time, and what a correction of the host's clock takes away.

A correction may bring nothing back that had lapsed by the clock that was ahead: with it every
signature that nobody used lapses, and so does every operation that was authorized only.
"""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from launchplane_lane_contracts.clock_correction import ClockCorrection
from launchplane_lane_contracts.contract import Digest, UtcInstant
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_contracts.vocabulary import OperationPhase

from .approvals import use_approvals
from .ledger import EntryKind, Transaction
from .policies import apply_proposal
from .schema import CORRECTS_THE_CLOCK, ApprovalRow, LedgerRow, OperationRow


def latest_row(session: Session) -> LedgerRow | None:
    """The entry with the highest time since the clock was last corrected."""
    corrected = session.scalar(
        select(LedgerRow.sequence)
        .where(CORRECTS_THE_CLOCK)
        .order_by(LedgerRow.sequence.desc())
        .limit(1)
    )
    return session.scalars(
        select(LedgerRow)
        .where(LedgerRow.sequence >= (corrected or 0))
        .order_by(LedgerRow.at.desc(), LedgerRow.sequence.desc())
        .limit(1)
    ).first()


def correct_clock(
    change: Transaction,
    correction: ClockCorrection,
    *,
    digest: Digest,
    approvals_used: tuple[int, ...],
    now: UtcInstant,
) -> tuple[int, tuple[str, ...]]:
    """Record it. See `Store.correct_clock`."""
    session = change.session
    latest = latest_row(session)
    if latest is None or (latest.sequence, latest.at) != (correction.entry, correction.written_at):
        raise Refused.because(
            reason(
                ReasonCode.PLAN_CHANGED,
                f"The correction is of entry {correction.entry}, and another entry has the highest "
                "time in the ledger by now.",
                "Look at it again with `lane-authority clock correct` and let the new digest be "
                "signed.",
            )
        )
    apply_proposal(session, digest, now)
    use_approvals(session, approvals_used, digest, used_by=digest)
    lapsed = _lapse_signatures(session, digest)
    expired = _expire_authorized(change, now)
    change.append(
        EntryKind.CLOCK_CORRECTED,
        None,
        {
            "digest": digest,
            "correction": correction.to_plain(),
            "corrected_at": now.isoformat(),
            "approvals": sorted(approvals_used),
            "lapsed_approvals": list(lapsed),
            "expired_operations": list(expired),
        },
    )
    return len(lapsed), expired


def _lapse_signatures(session: Session, digest: Digest) -> tuple[int, ...]:
    lapsed = session.scalars(
        update(ApprovalRow)
        .where(ApprovalRow.used_by.is_(None))
        .values(used_by=f"nothing; the clock was corrected by {digest}")
        .returning(ApprovalRow.id)
    ).all()
    return tuple(sorted(lapsed))


def _expire_authorized(change: Transaction, now: UtcInstant) -> tuple[str, ...]:
    rows = change.session.scalars(
        select(OperationRow)
        .where(OperationRow.phase == OperationPhase.AUTHORIZED.value)
        .order_by(OperationRow.operation_id)
    ).all()
    for row in rows:
        was, row.phase, row.updated_at = row.phase, OperationPhase.EXPIRED.value, now
        change.session.flush()
        change.append(
            EntryKind.OPERATION_ADVANCED,
            row.lane,
            {
                "operation_id": row.operation_id,
                "from": was,
                "to": row.phase,
                "permit_id": None,
                "kept": None,
                "gone_back": None,
                "particulars": {"because": "the host's clock was corrected"},
            },
        )
    return tuple(row.operation_id for row in rows)
