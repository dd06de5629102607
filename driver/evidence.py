"""Which of the recorded backups and sources a plan is judged by."""

from datetime import datetime, timedelta
from typing import TypeVar

from launchplane_lane_contracts.evidence import (
    BackupGate,
    DataProof,
    IncomingData,
    LoadProof,
    PresentEvidence,
)
from launchplane_lane_contracts.observation import HostRecord
from launchplane_lane_contracts.policy import Policy
from launchplane_lane_contracts.reading import DeclarationReading
from launchplane_lane_contracts.request import Request
from launchplane_lane_contracts.tenant_declaration import declared_source
from launchplane_lane_contracts.vocabulary import DataSource

from .store.records import LaneEvidence
from .store.store import Store

USUAL_BACKUP_MAX_AGE = timedelta(hours=24)
"""How old a backup may be where no policy says it."""


def is_of_recorded_data(gate: BackupGate, record: HostRecord) -> bool:
    """Whether it is of the lane, generation, cluster, oid and filestore that are on record."""
    return (
        record.identity is not None
        and gate.lane == record.lane
        and gate.generation == record.generation
        and gate.system_identifier == record.identity.system_identifier
        and gate.database_oid == record.identity.database_oid
        and gate.filestore_path == record.filestore_path
    )


def present_evidence(
    recorded: LaneEvidence, record: HostRecord, *, longest_age: timedelta, now: datetime
) -> PresentEvidence:
    """The gate that speaks best for the data that is there, with its proof.

    A proven backup that is young enough goes before a younger one that nobody proved yet.
    `longest_age` is how old a backup may be. The rule book says whether it suffices.
    """
    begun = record.unfinished.begun_at if record.unfinished is not None else None

    def worth(gate: BackupGate) -> tuple[bool, bool, bool, datetime]:
        young = any(
            timedelta(0) <= instant - gate.snapshot_at <= longest_age
            for instant in (now, begun)
            if instant is not None
        )
        proven = proof_of(gate, recorded.data_proofs) is not None
        return is_of_recorded_data(gate, record), young, proven, gate.snapshot_at

    best = max(recorded.gates, key=worth, default=None)
    if best is None:
        return PresentEvidence()
    return PresentEvidence(gate=best, data_proof=proof_of(best, recorded.data_proofs))


Proof = TypeVar("Proof", DataProof, LoadProof)


def proof_of(gate: BackupGate, proofs: tuple[Proof, ...]) -> Proof | None:
    """The newest proof of a gate's backup."""
    return next(
        (
            each
            for each in proofs
            if (each.backup_id, each.manifest_digest) == (gate.backup_id, gate.manifest_digest)
        ),
        None,
    )


def load_proof_of(gate: BackupGate, proofs: tuple[LoadProof, ...]) -> LoadProof | None:
    """The newest load proof of a backup."""
    return next((each for each in proofs if each.backup_id == gate.backup_id), None)


def incoming_data(
    store: Store,
    recorded: LaneEvidence,
    request: Request,
    image: DeclarationReading | None,
    policy: Policy | None,
) -> IncomingData:
    """What is known of the data that a request would bring; kept data is not among it."""
    backup: BackupGate | None = None
    load_proof: LoadProof | None = None
    if request.backup_id is not None:
        backup, load_proof = store.backup(request.backup_id)
    return with_declaration(
        IncomingData(backup=backup, backup_load_proof=load_proof), recorded, request, image, policy
    )


def with_declaration(
    incoming: IncomingData,
    recorded: LaneEvidence,
    request: Request,
    image: DeclarationReading | None,
    policy: Policy | None,
) -> IncomingData:
    """The same with what the tenant declared, where the request restores from upstream."""
    if request.data_source is not DataSource.UPSTREAM_RESTORE:
        return incoming
    found = image or DeclarationReading(problem="the lane's guard does not say what is declared")
    return incoming.model_copy(
        update={
            "declared_upstream": declared_source(
                found.upstream_source,
                recorded.declaration.source if recorded.declaration else None,
                policy.upstream_source if policy else None,
            ),
            "declaration_problem": found.problem or "",
        }
    )
