"""A promotion that dies half-way is rolled back as the same operation, under the same backup."""

from launchplane_lane_contracts.evidence import DataProof
from launchplane_lane_contracts.vocabulary import DataSource, Operation
from launchplane_lane_driver.lane_office import utc_now
from launchplane_lane_driver.operations.steps import permit_of
from launchplane_lane_driver.recording_evidence import record_evidence
from tests.driver.nights.night import Night, in_order
from tests.driver.small_host import SmallHost, SmallLane
from tests.guard import fingerprint


def proven_backup(host: SmallHost, lane: SmallLane) -> str:
    """A backup of what stands there is on record, with its proof; its name."""
    gate = host.gate(lane)
    proof = DataProof(
        backup_id=gate.backup_id, manifest_digest=gate.manifest_digest, proven_at=utc_now()
    )
    record_evidence(host.office, gate)
    record_evidence(host.office, proof)
    return gate.backup_id


def test_a_promotion_that_died_half_way(host: SmallHost, production: SmallLane) -> None:
    before, backup = production.data(), proven_backup(host, production)
    begun = host.begin(production, Operation.RECREATE, DataSource.EXISTING)
    # The new image changes the schema, and dies on its way; Odoo does not start any more.
    production.execute("ALTER TABLE res_partner RENAME name TO full_name", production.database)
    production.runtime.stop()
    assert host.operate("finish", begun.operation_id, "--failed").code == 50
    assert host.operate("undo", begun.operation_id).code == 50
    with Night(host, "A promotion died half-way") as night:
        assert "so there is nothing to put back" in night.type("lane")
        night.type("retry OPERATION --attest-runtime")
        # The image of before is deployed again, and a person puts the schema right.
        production.execute("ALTER TABLE res_partner RENAME full_name TO name", production.database)
        production.runtime.start()
        night.type("finish OPERATION")
    assert (production.data(), in_order(host, production)) == (before, True)
    assert fingerprint.databases(production.cluster)[production.database].locked
    settled = host.office.store.operation(begun.operation_id)
    gate = permit_of(host.office, settled).observation.present.gate
    assert gate is not None
    assert (settled.phase, gate.backup_id) == ("settled", backup)
    # The next promotion is a routine one again.
    assert host.plan(production, Operation.RECREATE, DataSource.EXISTING).decision.allowed
