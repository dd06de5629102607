"""Backup gates, proofs and declared sources of the lanes, in the order in which they came."""

import json
from collections.abc import Sequence
from enum import StrEnum
from itertools import zip_longest
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, aliased

from launchplane_lane_contracts.contract import BackupId, Contract, UtcInstant
from launchplane_lane_contracts.errors import BadInput, Refused
from launchplane_lane_contracts.evidence import (
    BackupGate,
    DataProof,
    Evidence,
    LoadProof,
    UpstreamDeclaration,
)
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .ledger import EntryKind, Transaction, canonical_text
from .reading import read_text
from .records import FailedProof, LaneEvidence
from .schema import EvidenceRow, LedgerRow

NEWEST_OF_MANY = 20
"""The same where many lanes are looked at at once."""

NEWEST = 200
"""How many of each kind are looked at: more than any backup that may still count is old."""


class EvidenceKind(StrEnum):
    """What a row is."""

    GATE = "gate"
    DATA_PROOF = "data_proof"
    LOAD_PROOF = "load_proof"
    DECLARATION = "upstream_declaration"
    FAILED_PROOF = "failed_proof"


_PROOFS = (EvidenceKind.DATA_PROOF.value, EvidenceKind.LOAD_PROOF.value)
_KINDS: dict[type[Contract], EvidenceKind] = {
    BackupGate: EvidenceKind.GATE,
    DataProof: EvidenceKind.DATA_PROOF,
    LoadProof: EvidenceKind.LOAD_PROOF,
    UpstreamDeclaration: EvidenceKind.DECLARATION,
}

Found = TypeVar("Found", bound=Contract)


def record_evidence(change: Transaction, evidence: Evidence, now: UtcInstant) -> Lane:
    """Add a row, and say whose it is. See `Store.record_evidence`."""
    session, kind = change.session, _KINDS[type(evidence)]
    lane = _lane_of(session, evidence)
    backup_id = None if isinstance(evidence, UpstreamDeclaration) else evidence.backup_id
    document = evidence.canonical().decode()
    if _is_there(session, kind, lane, backup_id, document):
        return lane
    if isinstance(evidence, BackupGate) and gate(session, evidence.backup_id) is not None:
        raise BadInput(
            f"Another backup is on record as {evidence.backup_id}. Nothing was recorded. A backup "
            "has a name of its own that is never used again."
        )
    session.add(
        EvidenceRow(
            lane=str(lane),
            kind=kind.value,
            backup_id=backup_id,
            document=document,
            recorded_at=now,
        )
    )
    session.flush()
    change.append(
        EntryKind.EVIDENCE_RECORDED, lane, {"kind": kind.value, "evidence": evidence.to_plain()}
    )
    return lane


def record_failed_proof(change: Transaction, failed: FailedProof, now: UtcInstant) -> None:
    """Take what was proven of a backup. See `Store.record_failed_proof`."""
    session, found = change.session, gate(change.session, failed.backup_id)
    if found is None:
        raise BadInput(f"No backup is on record as {failed.backup_id}.")
    kind = EvidenceKind.FAILED_PROOF.value
    session.add(
        EvidenceRow(
            lane=str(found.lane),
            kind=kind,
            backup_id=failed.backup_id,
            document=failed.canonical().decode(),
            recorded_at=now,
        )
    )
    session.flush()
    change.append(
        EntryKind.EVIDENCE_RECORDED, found.lane, {"kind": kind, "evidence": failed.to_plain()}
    )


def _counts() -> ColumnElement[bool]:
    """Not a proof of a backup of which a later one failed."""
    later = aliased(EvidenceRow)
    failed = select(later.number).where(
        later.lane == EvidenceRow.lane,
        later.kind == EvidenceKind.FAILED_PROOF.value,
        later.backup_id == EvidenceRow.backup_id,
        later.number > EvidenceRow.number,
    )
    return or_(EvidenceRow.kind.not_in(_PROOFS), ~failed.exists())


def _lane_of(session: Session, evidence: Evidence) -> Lane:
    """The lane that it is about; a proof is about the lane of its backup.

    Raises Refused for a proof of a backup that is not on record, or has another manifest.
    """
    if isinstance(evidence, BackupGate | UpstreamDeclaration):
        return evidence.lane
    found = gate(session, evidence.backup_id)
    if found is None or found.manifest_digest != evidence.manifest_digest:
        seen = "not on record" if found is None else f"on record with {found.manifest_digest}"
        raise Refused.because(
            reason(
                ReasonCode.BACKUP_UNKNOWN,
                f"Backup {evidence.backup_id} with the manifest {evidence.manifest_digest} was "
                f"proven, and it is {seen}.",
                "Record the gate of that backup first, then its proof; a proof of another "
                "manifest proves nothing of this backup.",
                backup_id=evidence.backup_id,
            )
        )
    if evidence.proven_at < found.snapshot_at:
        raise BadInput(
            f"Backup {evidence.backup_id} holds the moment {found.snapshot_at:%Y-%m-%d %H:%M} UTC "
            f"and cannot have been proven at {evidence.proven_at:%Y-%m-%d %H:%M} UTC."
        )
    return found.lane


def _is_there(
    session: Session, kind: EvidenceKind, lane: Lane, backup_id: BackupId | None, document: str
) -> bool:
    """Whether the very same is the newest of its kind: recording it again changes nothing."""
    query = select(EvidenceRow.document).where(
        EvidenceRow.lane == str(lane), EvidenceRow.kind == kind.value
    )
    if backup_id is not None:
        query = query.where(EvidenceRow.backup_id == backup_id)
    newest = session.scalars(query.order_by(EvidenceRow.number.desc()).limit(1)).first()
    return newest == document


def gate(session: Session, backup_id: BackupId) -> BackupGate | None:
    """The gate of one backup, whichever lane's it is."""
    document = session.scalars(
        select(EvidenceRow.document).where(
            EvidenceRow.kind == EvidenceKind.GATE.value, EvidenceRow.backup_id == backup_id
        )
    ).first()
    if document is None:
        return None
    return read_text(BackupGate, document, f"the gate of backup {backup_id}")


def evidence_of(session: Session, lane: Lane, *, everything: bool = False) -> LaneEvidence:
    """The newest of each kind, or everything."""
    limit = None if everything else NEWEST
    declarations = _newest(session, lane, EvidenceKind.DECLARATION, UpstreamDeclaration, 1)
    return LaneEvidence(
        gates=_newest(session, lane, EvidenceKind.GATE, BackupGate, limit),
        data_proofs=_newest(session, lane, EvidenceKind.DATA_PROOF, DataProof, limit),
        load_proofs=_newest(session, lane, EvidenceKind.LOAD_PROOF, LoadProof, limit),
        declaration=declarations[0] if declarations else None,
    )


def evidence_of_all(session: Session, names: Sequence[str]) -> dict[str, LaneEvidence]:
    """The same of many lanes, of those that have any, in one question."""
    place = (
        func.row_number()
        .over(partition_by=(EvidenceRow.lane, EvidenceRow.kind), order_by=EvidenceRow.number.desc())
        .label("place")
    )
    models = {kind.value: model for model, kind in _KINDS.items()}
    numbered = (
        select(EvidenceRow.number, place)
        .where(EvidenceRow.lane.in_(names), EvidenceRow.kind.in_(models), _counts())
        .subquery()
    )
    rows = session.scalars(
        select(EvidenceRow)
        .join(numbered, EvidenceRow.number == numbered.c.number)
        .where(numbered.c.place <= NEWEST_OF_MANY)
        .order_by(EvidenceRow.number.desc())
    )
    found: dict[str, dict[str, list[Any]]] = {}
    for row in rows:
        kinds = found.setdefault(row.lane, {})
        what = f"evidence of lane {row.lane}"
        kinds.setdefault(row.kind, []).append(read_text(models[row.kind], row.document, what))
    return {
        name: LaneEvidence(
            gates=tuple(kinds.get(EvidenceKind.GATE, ())),
            data_proofs=tuple(kinds.get(EvidenceKind.DATA_PROOF, ())),
            load_proofs=tuple(kinds.get(EvidenceKind.LOAD_PROOF, ())),
            declaration=next(iter(kinds.get(EvidenceKind.DECLARATION, ())), None),
        )
        for name, kinds in found.items()
    }


def load_proof_of(session: Session, backup_id: BackupId) -> LoadProof | None:
    """The newest load proof of one backup."""
    document = session.scalars(
        select(EvidenceRow.document)
        .where(
            EvidenceRow.kind == EvidenceKind.LOAD_PROOF.value,
            EvidenceRow.backup_id == backup_id,
            _counts(),
        )
        .order_by(EvidenceRow.number.desc())
        .limit(1)
    ).first()
    if document is None:
        return None
    return read_text(LoadProof, document, f"the load proof of backup {backup_id}")


def _newest(
    session: Session,
    lane: Lane,
    kind: EvidenceKind,
    model: type[Found],
    limit: int | None,
) -> tuple[Found, ...]:
    documents = session.scalars(
        select(EvidenceRow.document)
        .where(EvidenceRow.lane == str(lane), EvidenceRow.kind == kind.value, _counts())
        .order_by(EvidenceRow.number.desc())
        .limit(limit)
    )
    return tuple(read_text(model, each, f"evidence of lane {lane}") for each in documents)


def difference_to_ledger(session: Session) -> str:
    """Where the table of evidence says something else than the ledger, or nothing."""
    entries = session.scalars(
        select(LedgerRow)
        .where(LedgerRow.kind == EntryKind.EVIDENCE_RECORDED.value)
        .order_by(LedgerRow.sequence)
    )
    told = [
        (row.lane or "", document["kind"], canonical_text(document["evidence"]))
        for row in entries
        for document in (json.loads(row.document),)
    ]
    rows = session.scalars(select(EvidenceRow).order_by(EvidenceRow.number))
    found = [(row.lane, row.kind, row.document) for row in rows]
    for number, (one, other) in enumerate(zip_longest(told, found), start=1):
        if one != other:
            return f"evidence {number} is not what the ledger says"
    return ""
