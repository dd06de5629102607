"""What is on record of a lane's backups, one line each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from launchplane_lane_contracts.evidence import BackupGate, DataProof, LoadProof
from launchplane_lane_contracts.lane import Lane

from ..evidence import is_of_recorded_data, proof_of
from ..lane_office import LaneOffice


@dataclass(frozen=True)
class BackupOnRecord:
    """One backup, and what was proven of it."""

    gate: BackupGate
    data_proof: DataProof | None
    load_proof: LoadProof | None
    of_present_data: bool
    """Whether it is of the data that the lane has now."""

    def to_plain(self, now: datetime) -> dict[str, Any]:
        """As JSON, with its age (seconds)."""
        return {
            "backup_id": self.gate.backup_id,
            "lane": str(self.gate.lane),
            "generation": self.gate.generation,
            "snapshot_at": self.gate.snapshot_at.isoformat(),
            "age_seconds": round((now - self.gate.snapshot_at).total_seconds()),
            "of_present_data": self.of_present_data,
            "data_proof": self.data_proof.to_plain() if self.data_proof else None,
            "load_proof": self.load_proof.to_plain() if self.load_proof else None,
        }

    def words(self, now: datetime) -> str:
        """As a line for people."""
        proven = "NOT PROVEN"
        if self.data_proof is not None:
            proven = f"proven {self.data_proof.proven_at:%Y-%m-%d %H:%M} UTC"
            if self.data_proof.took is not None:
                proven += f" in {in_words(self.data_proof.took)}"
        loads = "loads" if self.load_proof is not None else "not loaded"
        present = "" if self.of_present_data else ", of earlier data"
        snapshot = self.gate.snapshot_at
        return (
            f"{self.gate.backup_id}\n"
            f"    {snapshot:%Y-%m-%d %H:%M} UTC ({in_words(now - snapshot)} ago), generation "
            f"{self.gate.generation}{present}; {proven}; {loads}"
        )


def in_words(duration: timedelta) -> str:
    """A length of time as people say it."""
    seconds = max(0, round(duration.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def backups_on_record(office: LaneOffice, lane: Lane) -> Iterator[BackupOnRecord]:
    """The lane's backups, the newest moment first."""
    recorded, record = office.store.evidence(lane), office.store.host_record(lane)
    for gate in sorted(recorded.gates, key=lambda each: each.snapshot_at, reverse=True):
        yield BackupOnRecord(
            gate=gate,
            data_proof=proof_of(gate, recorded.data_proofs),
            load_proof=proof_of(gate, recorded.load_proofs),
            of_present_data=is_of_recorded_data(gate, record),
        )
