"""The ledger: every change of the store, each entry chained to the one before it by its digest."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from launchplane_lane_contracts.contract import Digest
from launchplane_lane_contracts.lane import Lane

from ..highest import NOTHING, Highest
from ..ledger_head import GENESIS, LedgerHead
from .records import LedgerEntry
from .schema import LedgerRow


class EntryKind(StrEnum):
    """What an entry tells of."""

    PROPOSED = "proposed"
    PEOPLE_RECORDED = "people_recorded"
    POLICY_RECORDED = "policy_recorded"
    APPROVED = "approved"
    OPERATION_CLAIMED = "operation_claimed"
    OPERATION_ADVANCED = "operation_advanced"
    OPERATION_SETTLED = "operation_settled"
    GENERATION_HANDED_OUT = "generation_handed_out"
    DATA_RECORDED = "data_recorded"
    LIFE_BEGUN = "life_begun"
    DATA_LOST = "data_lost"
    LANE_RETIRED = "lane_retired"
    KEPT_RELEASED = "kept_released"
    KEPT_GONE_BACK = "kept_gone_back"
    EVIDENCE_RECORDED = "evidence_recorded"
    RECONCILED = "reconciled"
    CLOCK_CORRECTED = "clock_corrected"
    NOTED = "noted"


def canonical_text(document: Any) -> str:
    """One text for one JSON value."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass
class Transaction:
    """One change of the store: its session, and the ledger entries that belong to it."""

    session: Session
    at: datetime
    """When it began (UTC), by the host's clock; the time of its entries."""
    head: LedgerHead
    written: list[LedgerRow] = field(default_factory=list)
    """Its entries, in their order."""
    highest: dict[str, Highest] = field(default_factory=dict)
    """The numbers that it hands out, by lane."""

    def append(self, kind: EntryKind, lane: Lane | str | None, document: Mapping[str, Any]) -> None:
        """Add an entry."""
        sequence, previous = self.head.sequence + 1, self.head.entry_digest
        name = str(lane) if lane is not None else None
        text = canonical_text(document)
        digest = entry_digest(previous, sequence, self.at, kind, name, text)
        row = LedgerRow(
            sequence=sequence,
            at=self.at,
            kind=kind.value,
            lane=name,
            document=text,
            previous=previous,
            digest=digest,
        )
        self.session.add(row)
        self.session.flush()
        self.written.append(row)
        self.head = LedgerHead(sequence=sequence, entry_digest=digest)
        if name is not None:
            self.highest[name] = _handed_out(document).at_least(self.highest.get(name, NOTHING))


def _handed_out(document: Mapping[str, Any]) -> Highest:
    revision = document.get("revision")
    return Highest(
        policy_revision=revision["number"] if isinstance(revision, Mapping) else 0,
        generation=document.get("generation") or 0,
    )


def entry_digest(
    previous: str, sequence: int, at: datetime, kind: str, lane: str | None, document: str
) -> Digest:
    """SHA-256 over the canonical JSON of all that an entry says and of the digest before it."""
    whole = {
        "previous": previous,
        "sequence": sequence,
        "at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "kind": kind,
        "lane": lane,
        "document": json.loads(document),
    }
    return Digest(hashlib.sha256(canonical_text(whole).encode()).hexdigest())


def newest_row(session: Session) -> LedgerRow | None:
    """The last entry."""
    return session.scalars(select(LedgerRow).order_by(LedgerRow.sequence.desc()).limit(1)).first()


def head_of(row: LedgerRow | None) -> LedgerHead:
    """The head of a ledger that ends with `row`."""
    if row is None:
        return GENESIS
    return LedgerHead(sequence=row.sequence, entry_digest=Digest(row.digest))


def head_problem(session: Session, remembered: LedgerHead | None) -> str:
    """Why the ledger does not contain the head that was remembered, or nothing."""
    if remembered is None:
        return "the file that remembers its head is gone"
    if remembered.sequence == 0:
        return ""
    row = session.get(LedgerRow, remembered.sequence)
    if row is None:
        newest = head_of(newest_row(session)).sequence
        return f"it ends with entry {newest}, and entry {remembered.sequence} had been written"
    if row.digest != remembered.entry_digest:
        return f"its entry {remembered.sequence} is not the one that had been written"
    return ""


def chain_problem(rows: Iterable[LedgerRow], before: LedgerHead) -> str:
    """Why `rows` do not follow on `before` one by one, or nothing."""
    for row in rows:
        expected = _follows(row, before)
        if row.sequence != expected:
            return f"entry {expected} is missing"
        if row.previous != before.entry_digest:
            return f"entry {row.sequence} does not follow on the one before it"
        problem = _row_problem(row)
        if problem:
            return problem
        before = head_of(row)
    return ""


def _follows(row: LedgerRow, before: LedgerHead) -> int:
    """The number that comes next; a reconciled store goes on after the head that it had lost."""
    if row.kind == EntryKind.RECONCILED:
        with suppress(ValueError, KeyError, TypeError):
            lost = json.loads(row.document)["lost_head"]
            if lost is not None:
                return max(int(lost["sequence"]), before.sequence) + 1
    return before.sequence + 1


def _row_problem(row: LedgerRow) -> str:
    changed = f"entry {row.sequence} was changed after it was written"
    try:
        expected = entry_digest(
            row.previous, row.sequence, row.at, row.kind, row.lane, row.document
        )
        same_text = canonical_text(json.loads(row.document)) == row.document
    except ValueError:
        return changed
    return "" if same_text and expected == row.digest else changed


def entry_of(row: LedgerRow) -> LedgerEntry:
    """The entry in a row."""
    return LedgerEntry(
        sequence=row.sequence,
        at=row.at,
        kind=row.kind,
        lane=Lane.parse(row.lane) if row.lane is not None else None,
        document=json.loads(row.document),
        previous=Digest(row.previous),
        entry_digest=Digest(row.digest),
    )
