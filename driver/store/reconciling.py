"""A store that was lost or put back is brought in line with what the lanes say of themselves.

Only what tightens is taken. The ledger goes on under the number after the lost head, in an entry
that names it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from launchplane_lane_contracts.contract import (
    DatabaseName,
    Digest,
    PermitId,
    Person,
    SystemIdentifier,
    UtcInstant,
)
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import Marker
from launchplane_lane_contracts.policy import Policy, PolicyRevision
from launchplane_lane_contracts.vocabulary import OperationPhase, RolloutState

from ..highest import NOTHING, Highest
from ..ledger_head import LedgerHead
from .lanes import kept_document, lane_row, live_row, take_kept_back
from .ledger import EntryKind, Transaction
from .policies import policy_in_force
from .schema import ApprovalRow, LaneRow, PolicyRow

KEPT_FOR = timedelta(days=7)
"""How long data is kept at least from now on, of which nobody knows for how long it was to be."""

TAKEN_AWAY = "reconciled"
"""What every signature was used for that an old store shows as free."""


@dataclass(frozen=True)
class KeptClaim:
    """A database that its own tag calls kept data of the lane."""

    name: DatabaseName
    database_oid: int
    system_identifier: SystemIdentifier
    generation: int
    permit_id: PermitId
    set_aside_at: UtcInstant | None
    has_filestore: bool


@dataclass(frozen=True)
class LaneClaim:
    """What a lane says of itself."""

    lane: Lane
    marker: Marker | None
    """The settled marker that this host signed for exactly this database, in order throughout."""
    kept: tuple[KeptClaim, ...] = ()
    problem: str = ""
    """Why it could not be read."""


@dataclass(frozen=True)
class Reconciled:
    """What was found, and what was taken."""

    problem: str
    """What was wrong with the store; empty where it was the newest one."""
    taken: tuple[str, ...]
    """In sentences."""


def reconcile(
    change: Transaction,
    claims: tuple[LaneClaim, ...],
    *,
    highest: Mapping[str, Highest],
    lost: LedgerHead | None,
    written_until: UtcInstant | None,
    by: Person,
    now: UtcInstant,
) -> tuple[str, ...]:
    """Take the claims over, and say in sentences what was taken.

    `lost` is the head that the store lacks, None where it is whole; `written_until` is when its
    last entry was written.
    """
    follows = change.head
    if lost is not None:
        change.head = LedgerHead(
            sequence=max(lost.sequence, follows.sequence), entry_digest=follows.entry_digest
        )
    by_lane = {str(each.lane): each for each in claims}
    facts = _Facts()
    known = set(change.session.scalars(select(LaneRow.lane))) | set(highest) | set(by_lane)
    taken = tuple(
        sentence
        for name in sorted(known)
        for sentence in _reconcile_lane(
            change,
            by_lane.get(name) or LaneClaim(Lane.parse(name), None),
            highest.get(name, NOTHING),
            facts,
            store_is_old=lost is not None,
            written_until=written_until,
            by=by,
            now=now,
        )
    )
    lapsed: list[int] = []
    if lost is not None:
        lapsed += change.session.scalars(
            update(ApprovalRow)
            .where(ApprovalRow.used_by.is_(None))
            .values(used_by=TAKEN_AWAY)
            .returning(ApprovalRow.id)
        )
    change.append(
        EntryKind.RECONCILED,
        None,
        {
            "by": by,
            "lost_head": lost.to_plain() if lost is not None else None,
            "follows": follows.to_plain(),
            "taken": list(taken),
            "lapsed_approvals": sorted(lapsed),
            "lanes": {
                name: _row_as_it_is(lane_row(change.session, Lane.parse(name)))
                for name in sorted(known)
            },
            "kept": [kept_document(each, on) for each, on in facts.kept],
            "expired_operations": facts.expired,
        },
    )
    # The entry that bridges the gap comes first.
    for revision in facts.protective:
        _add(change, revision)
    return taken


@dataclass
class _Facts:
    """What is written into the tables, as the ledger tells it."""

    protective: list[PolicyRevision] = field(default_factory=list)
    kept: list[tuple[KeptData, SystemIdentifier]] = field(default_factory=list)
    """With the cluster that it is on."""
    expired: list[str] = field(default_factory=list)


def _row_as_it_is(row: LaneRow) -> dict[str, Any]:
    """A lane's row in full: what it says from now on."""
    return {
        "next_generation": row.next_generation,
        "generation": row.generation,
        "nonce": row.nonce,
        "identity": json.loads(row.identity) if row.identity is not None else None,
        "filestore_path": row.filestore_path,
        "declared_lost": row.declared_lost,
        "retired": row.retired,
    }


def _reconcile_lane(
    change: Transaction,
    claim: LaneClaim,
    highest: Highest,
    facts: _Facts,
    *,
    store_is_old: bool,
    written_until: UtcInstant | None,
    by: Person,
    now: UtcInstant,
) -> Iterator[str]:
    session, lane, row = change.session, claim.lane, lane_row(change.session, claim.lane)
    if claim.problem:
        yield f"{lane}: it could not be read ({claim.problem}); run this again when it can be."
    revision = policy_in_force(session, lane)
    if store_is_old:
        if revision is not None and revision.number < highest.policy_revision:
            stricter = PolicyRevision(
                policy=Policy(lane=lane, rollout_state=RolloutState.PRODUCTION),
                number=highest.policy_revision + 1,
                recorded_at=now,
                recorded_by=by,
                reason="the store was put back from an old copy, and newer revisions are lost",
                change_digest=Digest("0" * 64),
            )
            facts.protective.append(stricter)
            yield (
                f"{lane}: revisions up to {highest.policy_revision} of its policy are lost, so the "
                f"most protective one is in force, as revision {stricter.number}."
            )
        elif revision is None:
            yield f"{lane}: its policy is lost or was never recorded, so nothing is allowed."
        live = live_row(session, lane)
        if live is not None and live.phase == OperationPhase.AUTHORIZED:
            # Nobody can tell any more whether it was started since.
            live.phase, live.updated_at = OperationPhase.EXPIRED.value, now
            facts.expired.append(live.operation_id)
            yield f"{lane}: operation {live.operation_id} is given up."
    marker = claim.marker
    seen = [each.generation for each in claim.kept] + ([marker.generation] if marker else [])
    row.next_generation = max(row.next_generation, highest.generation + 1, *(n + 1 for n in seen))
    if marker is not None and _is_the_newest(marker, row, highest, written_until):
        row.generation, row.nonce = marker.generation, marker.nonce
        row.identity = marker.identity.canonical().decode()
        row.filestore_path = marker.filestore_path
        row.declared_lost = row.retired = False
        yield f"{lane}: the data at its place is recorded as generation {marker.generation}."
    elif store_is_old and highest.generation > (row.generation or 0):
        # Data of that generation may be anywhere, so nothing older is this lane's by itself.
        row.generation, row.nonce, row.identity = highest.generation, None, None
        row.declared_lost = row.retired = False
        yield (
            f"{lane}: generation {highest.generation} was handed out, and no data of it is at its "
            f"place; what is there can be adopted: `lane-authority adopt {lane}`."
        )
    for each in claim.kept:
        yield from _take_kept(session, lane, each, facts, now)


def _take_kept(
    session: Session, lane: Lane, claim: KeptClaim, facts: "_Facts", now: UtcInstant
) -> Iterator[str]:
    kept = KeptData(
        lane=lane,
        name=claim.name,
        database_oid=claim.database_oid,
        generation=claim.generation,
        permit_id=claim.permit_id,
        set_aside_at=claim.set_aside_at or now,
        kept_until=now + KEPT_FOR,
        authoritative=True,
        has_filestore=claim.has_filestore,
    )
    try:
        is_news = take_kept_back(session, kept, claim.system_identifier)
    except Refused as refusal:
        # The other lanes are taken all the same.
        yield f"{lane}: {claim.name} stands kept and was not taken. {refusal.message}"
        return
    if is_news:
        facts.kept.append((kept, claim.system_identifier))
        yield f"{lane}: {claim.name} is kept, and counts as authoritative."


def _is_the_newest(
    marker: Marker, row: LaneRow, highest: Highest, written_until: UtcInstant | None
) -> bool:
    """Whether no newer data of the lane can be anywhere else, as far as anybody knows."""
    if marker.generation < highest.generation:
        return False
    if row.generation is None or marker.generation > row.generation:
        return True
    if marker.generation < row.generation or marker.nonce == row.nonce:
        return False
    # The same generation, written once more after the store's last entry; or it was the lane that
    # could not be read when the store was reconciled.
    return row.nonce is None or (written_until is not None and marker.stamped_at > written_until)


def _add(change: Transaction, revision: PolicyRevision) -> None:
    change.session.add(
        PolicyRow(
            lane=str(revision.policy.lane),
            number=revision.number,
            recorded_at=revision.recorded_at,
            change_digest=revision.change_digest,
            document=revision.canonical().decode(),
        )
    )
    change.append(
        EntryKind.POLICY_RECORDED,
        revision.policy.lane,
        {"revision": revision.to_plain(), "approvals": []},
    )
