"""What the store hands out."""

from typing import Any

from launchplane_lane_contracts.approval import Approval
from launchplane_lane_contracts.contract import (
    BackupIdField,
    Contract,
    DatabaseNameField,
    Digest,
    DigestField,
    OperationIdField,
    PermitId,
    PermitIdField,
    PersonField,
    UtcInstant,
)
from launchplane_lane_contracts.evidence import (
    BackupGate,
    DataProof,
    LoadProof,
    UpstreamDeclaration,
)
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import Generation
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.vocabulary import LIVE_PHASES, OperationPhase


class Proposal(Contract):
    """Something that people are asked to sign."""

    proposal_digest: DigestField
    """What they sign: the digest of the document."""
    kind: str
    """What it is, for example `policy`."""
    document: str
    """What is proposed: the canonical JSON text of a contract."""
    proposer: PersonField
    """Who proposed it."""
    proposed_at: UtcInstant
    """When (UTC)."""
    applied_at: UtcInstant | None
    """When it came into force (UTC); None while it has not."""


class StoredApproval(Contract):
    """One signature, as it was verified and stored."""

    approval_id: int
    """Its number."""
    approval: Approval
    """Who signed what, and when it was recorded."""
    key_fingerprint: str
    """The key that signed."""
    signature: str
    """The signature itself, so that it can be verified again."""
    used_by: str | None
    """The operation or change that it was used for; it is used once."""


class EarlierPermit(Contract):
    """A permit that was signed for an operation before it was retried."""

    permit_id: PermitIdField
    """The permit."""
    permit_token: str
    """The same as it was signed."""


class OperationRecord(Contract):
    """One rebuild, as far as it came."""

    operation_id: OperationIdField
    """The operation."""
    lane: Lane
    """Its lane."""
    phase: OperationPhase
    """How far it came."""
    plan: Plan
    """What was reviewed."""
    plan_digest: DigestField
    """What was signed."""
    generation: Generation
    """The generation that the lane will have."""
    permit_id: PermitIdField | None
    """The permit last signed for it."""
    permit_token: str | None
    """That permit. It lets its bearer begin the rebuild, so it is never printed."""
    earlier_permits: tuple[EarlierPermit, ...] = ()
    """Those that it had before, oldest first, where it was retried."""
    begun_at: UtcInstant | None = None
    """When the lane's data was first set aside for it (UTC), where it was."""
    kept_name: DatabaseNameField | None
    """The name under which what was there is set aside."""
    requester: PersonField
    """Who asked."""
    created_at: UtcInstant
    """When the lane was claimed (UTC)."""
    updated_at: UtcInstant
    """When the phase last changed (UTC)."""

    @property
    def earlier_permit_ids(self) -> tuple[PermitId, ...]:
        """The permits that it had before, oldest first."""
        return tuple(each.permit_id for each in self.earlier_permits)

    @property
    def permit_ids(self) -> tuple[PermitId, ...]:
        """Every permit that it had, oldest first."""
        present = () if self.permit_id is None else (PermitId(self.permit_id),)
        return (*self.earlier_permit_ids, *present)

    def shown(self) -> dict[str, Any]:
        """All that may be printed: a permit is an order that its bearer could give."""
        secret = {"permit_token": None, "earlier_permits": list(self.earlier_permit_ids)}
        return {**self.to_plain(), **secret, "plan": self.plan_digest}

    @property
    def live(self) -> bool:
        """Whether it holds its lane."""
        return self.phase in LIVE_PHASES


class LaneEvidence(Contract):
    """What was recorded of a lane's backups and sources, newest first."""

    gates: tuple[BackupGate, ...] = ()
    """Its newest backup gates."""
    data_proofs: tuple[DataProof, ...] = ()
    """Its newest data proofs."""
    load_proofs: tuple[LoadProof, ...] = ()
    """Its newest load proofs."""
    declaration: UpstreamDeclaration | None = None
    """What its tenant declared last."""


class FailedProof(Contract):
    """A backup that was found to be damaged: what was proven of it before counts no more."""

    backup_id: BackupIdField
    """The backup."""
    manifest_digest: DigestField
    """Digest of the manifest that was on record."""
    failed_at: UtcInstant
    """When (UTC)."""


class LedgerEntry(Contract):
    """One entry of the ledger."""

    sequence: int
    """Its number; entries are ordered by it."""
    at: UtcInstant
    """When it was written (UTC), by the host's clock."""
    kind: str
    """What happened."""
    lane: Lane | None
    """To which lane."""
    document: dict[str, Any]
    """The particulars, as plain JSON values."""
    previous: Digest
    """The digest of the entry before it."""
    entry_digest: Digest
    """Its own digest."""
