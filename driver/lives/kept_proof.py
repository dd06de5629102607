"""What is on record of a backup of kept data: the place where a release asks for its proof."""

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.evidence import BackupGate, DataProof, KeptData
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.orders import ProvenByBackup

from ..evidence import proof_of
from ..store.store import Store


def proof_of_kept(store: Store, lane: Lane, kept: DatabaseName) -> ProvenByBackup | None:
    """The newest proof that a backup of exactly this kept data gave the same rows and files.

    Only a backup that was captured of the data as it is kept will do: of a live lane's folder
    nobody knows what lay in it beside the files that the database names. Whether the data still is
    what was proven, the guard sees before it drops it.
    """
    data = next((each for each in store.host_record(lane).kept if each.name == kept), None)
    if data is None:
        return None
    recorded = store.evidence(lane, everything=True)
    for gate in sorted(recorded.gates, key=lambda each: each.snapshot_at, reverse=True):
        proof = proof_of(gate, recorded.data_proofs)
        if proof is not None and _is_of(gate, data):
            found = _basis(proof, data)
            if found is not None:
                return found
    return None


def _is_of(gate: BackupGate, data: KeptData) -> bool:
    return (gate.lane, gate.generation, gate.database_oid) == (
        data.lane,
        data.generation,
        data.database_oid,
    )


def _basis(proof: DataProof, data: KeptData) -> ProvenByBackup | None:
    if proof.fingerprint_digest is None or (data.has_filestore and proof.source_digest is None):
        return None
    return ProvenByBackup(
        backup_id=proof.backup_id,
        manifest_digest=proof.manifest_digest,
        fingerprint_digest=proof.fingerprint_digest,
        filestore_digest=proof.source_digest if data.has_filestore else None,
    )
