"""A production lane with a place for backups, worked on from the command line."""

import json
from pathlib import Path
from typing import Any

from launchplane_lane_contracts.backup_answers import BackupCaptured, BackupProven
from launchplane_lane_contracts.contract import BackupId
from launchplane_lane_contracts.evidence import BackupGate, LoadProof
from launchplane_lane_contracts.reasons import ReasonCode as Code
from launchplane_lane_driver.lane_office import utc_now
from launchplane_lane_driver.recording_evidence import record_evidence
from tests.driver.small_host import SmallHost, SmallLane, untouched


class Books:
    """A production lane with a place for backups."""

    def __init__(self, host: SmallHost, lane: SmallLane, backups: Path) -> None:
        self.host, self.lane, self.backups = host, lane, backups
        host.configure(backups=json.dumps(str(backups)))

    def guard(self, *arguments: str) -> dict[str, Any]:
        """One command of the guard, in the lane's runtime."""
        environment = {**self.lane.environment(), "LANE_AUTHORITY_BACKUPS": str(self.backups)}
        done = self.host.forks.start("guard", arguments, environment).wait()
        receipt = json.loads(done.stdout.splitlines()[-1])
        assert done.code == 0, receipt["message"]
        return dict(receipt["result"])

    def captured(self) -> BackupGate:
        """A backup of the lane as it is now, on record."""
        gate = BackupCaptured.from_plain(self.guard("capture")).gate
        record_evidence(self.host.office, gate)
        return gate

    def proven(self, gate: BackupGate, *, loads: bool = True) -> None:
        """Its proofs, on record."""
        proof = BackupProven.from_plain(self.guard("prove", gate.backup_id)).data_proof
        assert proof is not None
        record_evidence(self.host.office, proof)
        if loads:
            self.loads(gate.backup_id)

    def loads(self, backup: str) -> None:
        """An Odoo was loaded on it, on record."""
        gate, _proof = self.host.office.store.backup(BackupId(backup))
        assert gate is not None
        record_evidence(
            self.host.office,
            LoadProof(
                backup_id=gate.backup_id,
                manifest_digest=gate.manifest_digest,
                proven_at=utc_now(),
            ),
        )

    def write(self, name: str) -> None:
        """Somebody works."""
        self.lane.execute(f"INSERT INTO res_partner (name) VALUES ('{name}')", self.lane.database)

    def run(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """One command on the host."""
        done = self.host.operate(*arguments, "--json")
        assert done.code == code, done.stdout + done.stderr
        return dict(json.loads(done.stdout)) if done.stdout.startswith("{") else {}

    def plan(self, gate: BackupGate, code: int = 0) -> dict[str, Any]:
        """The plan to restore a backup."""
        return self.run(
            *("plan", str(self.lane.lane), "restore/backup_restore"),
            *("--backup", gate.backup_id),
            code=code,
        )

    def refused(self, gate: BackupGate, *codes: Code) -> None:
        """It is refused for this, and nothing is touched."""
        with untouched(self.lane):
            plan = self.plan(gate, code=50)
        found = {each["code"] for each in plan["decision"]["reasons"]}
        assert {code.value for code in codes} <= found, found

    def authorized(self, gate: BackupGate) -> str:
        """Planned, signed, authorized."""
        digest = self.plan(gate, code=50)["digest"]
        self.host.sign(digest, "rita", "ann")
        return str(self.run("authorize", digest)["operation_id"])

    def partners(self, database: str) -> set[str]:
        """The names in a database, kept or not."""
        self.lane.cluster.execute(f'ALTER DATABASE "{database}" WITH ALLOW_CONNECTIONS true')
        rows = self.lane.cluster.execute("SELECT name FROM res_partner", database)
        return {str(name) for (name,) in rows}
