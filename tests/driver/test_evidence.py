"""Backups on record: which one a plan is judged by, and that nobody edits them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from launchplane_lane_contracts.contract import BackupId, Digest
from launchplane_lane_contracts.errors import BadInput, Refused
from launchplane_lane_contracts.evidence import (
    BackupGate,
    DataProof,
    LoadProof,
    PresentEvidence,
    UpstreamDeclaration,
)
from launchplane_lane_contracts.observation import HostRecord
from launchplane_lane_contracts.policy import UpstreamSource
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_driver.evidence import present_evidence
from launchplane_lane_driver.store import Store
from launchplane_lane_driver.store.records import FailedProof, LaneEvidence
from tests.driver.places import Place
from tests.driver.sample import CM, FILES, IDENTITY, NOW, OTHER_DIGEST, SOME_DIGEST, SYO

DAY = timedelta(hours=24)
RECORD = HostRecord(lane=CM, generation=7, identity=IDENTITY, filestore_path=FILES)


def gate(name: str = "backup-a", *, at: datetime = NOW, **changed: object) -> BackupGate:
    """A backup of what is recorded."""
    plain: dict[str, object] = {
        "backup_id": BackupId(name),
        "lane": CM,
        "generation": 7,
        "system_identifier": IDENTITY.system_identifier,
        "database_oid": IDENTITY.database_oid,
        "filestore_path": FILES,
        "snapshot_at": at,
        "manifest_digest": SOME_DIGEST,
        **changed,
    }
    return BackupGate.model_validate(plain)


def proof(of: BackupGate, manifest: Digest | None = None) -> DataProof:
    """That it was restored."""
    return DataProof(
        backup_id=of.backup_id,
        manifest_digest=manifest or of.manifest_digest,
        proven_at=of.snapshot_at + timedelta(minutes=5),
    )


def test_evidence_is_recorded_and_found(store: Store) -> None:
    one = gate()
    loads = LoadProof(
        backup_id=one.backup_id, manifest_digest=SOME_DIGEST, proven_at=NOW + timedelta(hours=1)
    )
    source = UpstreamSource(
        name="old", host="old.example", database=IDENTITY.database_name, filestore_path=FILES
    )
    declared = UpstreamDeclaration(lane=CM, source=source, declared_at=NOW)
    for each in (one, proof(one), loads, declared):
        assert store.record_evidence(each, now=NOW) == CM
    assert store.evidence(CM) == LaneEvidence(
        gates=(one,), data_proofs=(proof(one),), load_proofs=(loads,), declaration=declared
    )
    assert store.evidence(SYO) == LaneEvidence()
    assert store.backup(one.backup_id) == (one, loads)
    assert store.backup(BackupId("backup-z")) == (None, None)
    entries = len(store.ledger_entries())
    assert entries == 4
    # Told once more after a lost answer, it changes nothing.
    assert store.record_evidence(one, now=NOW) == CM
    assert len(store.ledger_entries()) == entries
    store.verify_ledger()


def test_a_proof_that_fails_takes_the_earlier_ones_of_that_backup(store: Store) -> None:
    one, other = gate(), gate("backup-b")
    loads = LoadProof(backup_id=one.backup_id, manifest_digest=SOME_DIGEST, proven_at=NOW)
    for each in (one, other, proof(one), proof(other), loads):
        store.record_evidence(each, now=NOW)
    failed = FailedProof(backup_id=one.backup_id, manifest_digest=SOME_DIGEST, failed_at=NOW)
    store.record_failed_proof(failed, now=NOW)
    found = store.evidence(CM)
    assert found == store.evidence(CM, everything=True)
    assert (set(found.gates), found.data_proofs) == ({one, other}, (proof(other),))
    assert (found.load_proofs, store.backup(one.backup_id)) == ((), (one, None))
    assert store.overviews([CM])[0].evidence == found
    # Told once more, an old proof is no new one.
    store.record_evidence(proof(one), now=NOW)
    assert store.evidence(CM).data_proofs == (proof(other),)
    again = proof(one).model_copy(update={"proven_at": NOW + timedelta(hours=1)})
    store.record_evidence(again, now=NOW)
    assert store.evidence(CM).data_proofs == (again, proof(other))
    with pytest.raises(BadInput, match="No backup is on record"):
        store.record_failed_proof(failed.model_copy(update={"backup_id": "backup-z"}), now=NOW)
    store.verify_ledger()


def test_one_backup_has_one_gate(store: Store) -> None:
    store.record_evidence(gate(), now=NOW)
    for other in (gate(manifest_digest=OTHER_DIGEST), gate(lane=SYO)):
        with pytest.raises(BadInput, match="Another backup"):
            store.record_evidence(other, now=NOW)
    assert store.evidence(CM).gates == (gate(),)


def test_a_proof_is_of_a_backup_on_record(store: Store) -> None:
    with pytest.raises(Refused) as caught:
        store.record_evidence(proof(gate()), now=NOW)
    assert caught.value.reasons[0].code is ReasonCode.BACKUP_UNKNOWN
    store.record_evidence(gate(), now=NOW)
    with pytest.raises(Refused) as caught:
        store.record_evidence(proof(gate(), OTHER_DIGEST), now=NOW)
    assert caught.value.reasons[0].code is ReasonCode.BACKUP_UNKNOWN
    before = gate(at=NOW - timedelta(days=1))
    with pytest.raises(BadInput, match="cannot have been proven"):
        store.record_evidence(proof(before), now=NOW)
    assert store.evidence(CM).data_proofs == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evidence SET recorded_at = '2020-01-01 00:00:00'",
        "DELETE FROM evidence",
        "INSERT INTO evidence (lane, kind, backup_id, document, recorded_at) "
        "SELECT lane, kind, backup_id, '{}', recorded_at FROM evidence",
    ],
)
def test_past_the_program_no_evidence_is_rewritten(
    store: Store, place: Place, statement: str
) -> None:
    store.record_evidence(gate(), now=NOW)
    before = place.execute("SELECT * FROM evidence")
    with pytest.raises(DBAPIError):
        place.execute(statement)
    assert place.execute("SELECT * FROM evidence") == before


def test_evidence_that_was_put_in_past_the_program_is_found(store: Store, place: Place) -> None:
    one = gate()
    store.record_evidence(one, now=NOW)
    document = proof(one).canonical().decode()
    place.execute(
        "INSERT INTO evidence (lane, kind, backup_id, document, recorded_at) VALUES "
        f"('{CM}', 'data_proof', '{one.backup_id}', '{document}', '2026-01-01 00:00:00')"
    )
    with pytest.raises(Refused, match="evidence 2 is not what the ledger says"):
        store.verify_ledger()


def chosen(*gates: BackupGate, proven: tuple[BackupGate, ...] = ()) -> PresentEvidence:
    """What a plan is judged by."""
    recorded = LaneEvidence(gates=gates, data_proofs=tuple(proof(each) for each in proven))
    return present_evidence(recorded, RECORD, longest_age=DAY, now=NOW)


def test_a_proven_gate_goes_before_a_younger_one_that_nobody_proved() -> None:
    old, young = gate("backup-a", at=NOW - timedelta(hours=9)), gate("backup-b")
    assert chosen() == PresentEvidence()
    assert chosen(young, old).gate == young
    assert chosen(young, old, proven=(old,)) == PresentEvidence(gate=old, data_proof=proof(old))
    assert chosen(young, old, proven=(young, old)).gate == young


def test_a_proven_gate_that_is_too_old_does_not() -> None:
    stale, young = gate("backup-a", at=NOW - timedelta(hours=25)), gate("backup-b")
    assert chosen(young, stale, proven=(stale,)) == PresentEvidence(gate=young)
    assert chosen(stale, proven=(stale,)).gate == stale


@pytest.mark.parametrize(
    "changed",
    [
        {"generation": 6},
        {"database_oid": 16384},
        {"system_identifier": "1"},
        {"filestore_path": "/elsewhere"},
    ],
)
def test_a_gate_of_other_data_comes_last(changed: dict[str, Any]) -> None:
    own = gate("backup-a", at=NOW - timedelta(hours=25))
    other = gate("backup-b", **changed)
    assert chosen(other, own, proven=(other,)).gate == own
    assert chosen(other).gate == other


def test_a_proof_of_another_manifest_is_none() -> None:
    own = gate()
    recorded = LaneEvidence(gates=(own,), data_proofs=(proof(own, OTHER_DIGEST),))
    found = present_evidence(recorded, RECORD, longest_age=DAY, now=NOW)
    assert found == PresentEvidence(gate=own)
