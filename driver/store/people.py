"""Whose signatures count. It stands in the ledger alone, so that it cannot be changed unseen."""

import json

from sqlalchemy import select
from sqlalchemy.orm import Session

from launchplane_lane_contracts.contract import Digest, UtcInstant
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.people import People
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .approvals import use_approvals
from .ledger import EntryKind, Transaction
from .policies import apply_proposal
from .reading import read_plain
from .schema import LedgerRow


def people_on_record(session: Session) -> People | None:
    """The newest entry about people."""
    row = session.scalars(
        select(LedgerRow)
        .where(LedgerRow.kind == EntryKind.PEOPLE_RECORDED.value)
        .order_by(LedgerRow.sequence.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return read_plain(People, json.loads(row.document)["people"], f"ledger entry {row.sequence}")


def record_people(
    change: Transaction,
    found: People,
    *,
    now: UtcInstant,
    change_digest: Digest | None,
    approvals_used: tuple[int, ...],
) -> None:
    """Add an entry. See `Store.record_people`."""
    if change_digest is None:
        if people_on_record(change.session) is not None:
            raise Refused.because(
                reason(
                    ReasonCode.APPROVERS_NOT_ON_RECORD,
                    "Somebody recorded whose signatures count at this moment.",
                    "Look at what is on record (`lane-authority approvers show`); a change of it "
                    "is proposed and signed.",
                )
            )
    else:
        apply_proposal(change.session, change_digest, now)
        use_approvals(change.session, approvals_used, change_digest, used_by=change_digest)
    change.append(
        EntryKind.PEOPLE_RECORDED,
        None,
        {
            "people": found.to_plain(),
            "people_digest": found.digest(),
            "change_digest": change_digest,
            "approvals": sorted(approvals_used),
        },
    )
