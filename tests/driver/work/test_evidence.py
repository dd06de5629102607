"""Production data that was backed up and proven may be replaced; by nothing less."""

from datetime import timedelta

import pytest

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.evidence import BackupGate, DataProof, LoadProof
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.request import Request
from launchplane_lane_contracts.vocabulary import DataSource, Operation
from launchplane_lane_driver import operations, planning
from launchplane_lane_driver.lane_office import utc_now
from launchplane_lane_driver.recording_evidence import record_evidence
from tests.driver.small_host import ANN, RITA, SmallHost, SmallLane, refused, untouched

EXISTING = (Operation.RECREATE, DataSource.EXISTING)


def codes(made: Plan) -> set[ReasonCode]:
    """Why not."""
    return {each.code for each in made.decision.reasons}


def prove(host: SmallHost, gate: BackupGate) -> None:
    """Somebody restored it and compared."""
    record_evidence(
        host.office,
        DataProof(
            backup_id=gate.backup_id,
            manifest_digest=gate.manifest_digest,
            proven_at=utc_now(),
        ),
    )


def test_a_promotion_of_production_needs_a_gate_and_its_proof(
    host: SmallHost, production: SmallLane
) -> None:
    with untouched(production):
        asked = {ReasonCode.BACKUP_GATE_MISSING, ReasonCode.DATA_PROOF_MISSING}
        assert asked <= codes(host.plan(production, *EXISTING))
        gate = host.gate(production)
        record_evidence(host.office, gate)
        assert codes(host.plan(production, *EXISTING)) == {ReasonCode.DATA_PROOF_MISSING}
        prove(host, gate)
        assert host.plan(production, *EXISTING).decision.allowed
    begun = host.begin(production, *EXISTING)
    before = production.data()
    settled = operations.finish(host.office, begun.operation_id, succeeded=True)
    assert settled.phase == "settled"
    assert production.data() == before
    # The data stayed, and so did its generation: the same proven backup still speaks for it.
    assert host.plan(production, *EXISTING).decision.allowed


def test_a_backup_of_what_stood_there_before_counts_no_longer(
    host: SmallHost, lane: SmallLane
) -> None:
    gate = host.gate(lane)
    record_evidence(host.office, gate)
    host.rebuild(lane)
    observation = host.plan(lane).observation
    assert observation.present.gate == gate
    assert observation.record.generation != gate.generation
    # It is kept now, so it may still be recorded; what was never this lane's may not.
    record_evidence(host.office, gate.model_copy(update={"backup_id": "backup-0002"}))
    for other in ({"generation": 77}, {"database_oid": 1}, {"lane": host.add_lane("opw").lane}):
        with refused(ReasonCode.BACKUP_GATE_OTHER_DATA):
            record_evidence(
                host.office, gate.model_copy(update={"backup_id": "backup-0003", **other})
            )


def test_nothing_from_the_future_is_recorded(host: SmallHost, production: SmallLane) -> None:
    gate = host.gate(production)
    late = utc_now() + timedelta(minutes=5)
    with refused(ReasonCode.CLOCK_UNRELIABLE):
        record_evidence(host.office, gate.model_copy(update={"snapshot_at": late}))
    record_evidence(host.office, gate)
    with refused(ReasonCode.CLOCK_UNRELIABLE):
        record_evidence(
            host.office,
            DataProof(
                backup_id=gate.backup_id, manifest_digest=gate.manifest_digest, proven_at=late
            ),
        )
    assert host.office.store.evidence(production.lane).data_proofs == ()


def test_a_restore_names_a_backup_that_is_on_record_and_loads(
    host: SmallHost, production: SmallLane
) -> None:
    def plan() -> Plan:
        return planning.plan(
            host.office,
            Request.from_plain(
                {
                    "lane": production.lane.to_plain(),
                    "operation": "restore",
                    "data_source": "backup_restore",
                    "requester": RITA,
                    "backup_id": gate.backup_id,
                }
            ),
        )

    gate = host.gate(production)
    with untouched(production):
        assert ReasonCode.BACKUP_UNKNOWN in codes(plan())
        record_evidence(host.office, gate)
        prove(host, gate)
        assert codes(plan()) == {ReasonCode.LOAD_PROOF_MISSING, ReasonCode.APPROVALS_MISSING}
        record_evidence(
            host.office,
            LoadProof(
                backup_id=gate.backup_id,
                manifest_digest=gate.manifest_digest,
                proven_at=utc_now(),
            ),
        )
        made = plan()
        assert codes(made) == {ReasonCode.APPROVALS_MISSING}
        with pytest.raises(Refused):
            planning.authorize(host.office, made.plan_digest)
        host.sign(made.plan_digest, RITA, ANN)
        assert plan().decision.allowed
