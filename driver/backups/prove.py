"""`backup prove`: the guard restores and compares a backup; what it proved goes on record."""

from launchplane_lane_contracts.backup_answers import BackupProven
from launchplane_lane_contracts.contract import BackupId
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.evidence import BackupGate
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .. import guard_client
from ..lane_office import LaneOffice, utc_now
from ..recording_evidence import record_evidence
from ..store.records import FailedProof
from .asking import place, result_of, where_proven

NAMED_ON_RECORD = 20
"""How many of the differences of a failed proof go on the record; their number is whole."""

NOT_WHAT_WAS_CAPTURED = {ReasonCode.BACKUP_DAMAGED, ReasonCode.BACKUP_UNKNOWN}
"""Reasons for which a guard that looked at it did not even restore it."""


def prove(
    office: LaneOffice, backup_id: BackupId, *, workers: int, load: bool = True
) -> BackupProven:
    """Have a recorded backup proven; what was proven is on record afterwards, and what failed too.

    With `load`, the lane's load command is run as well, where there is one. Raises Refused when
    anything differs, CouldNotTell, Busy.
    """
    gate = recorded_gate(office, backup_id)
    configuration = office.configuration(gate.lane)
    command = configuration.load_command if load else None
    arguments = [
        "prove",
        backup_id,
        f"--workers={workers}",
        *place(configuration),
        *(("--", *command) if command else ()),
    ]
    receipt = guard_client.ask(
        where_proven(configuration), arguments, timeout=configuration.backup_timeout
    )
    found = result_of(receipt, BackupProven)
    if found is None:
        failure = guard_client.failure_of(receipt)
        codes = {each.code for each in failure.reasons}
        if codes & NOT_WHAT_WAS_CAPTURED:
            _take_proofs(office, gate)
        # Without room nothing was tried, so that the backup may be as good as any.
        if codes != {ReasonCode.ROOM_NOT_ENOUGH}:
            _note(office, gate, {"failed": receipt.message})
        raise failure
    if found.backup_id != backup_id:
        raise CouldNotTell("The guard answered of another backup. Nothing was recorded.")
    if found.data_proof is None:
        _take_proofs(office, gate)
        listed = found.differences[:NAMED_ON_RECORD]
        _note(office, gate, {"differences": listed, "count": found.differences_count})
        raise guard_client.failure_of(receipt)
    record_evidence(office, found.data_proof)
    if found.load_proof is not None:
        record_evidence(office, found.load_proof)
    elif found.load is not None:
        _note(office, gate, {"load": found.load.words})
    return found


def _take_proofs(office: LaneOffice, gate: BackupGate) -> None:
    """What was proven of it before counts no more: nobody may destroy data because of it."""
    now = utc_now()
    failed = FailedProof(
        backup_id=gate.backup_id, manifest_digest=gate.manifest_digest, failed_at=now
    )
    office.store.record_failed_proof(failed, now=now)


def recorded_gate(office: LaneOffice, backup_id: BackupId) -> BackupGate:
    """The record of a backup. Raises Refused when there is none."""
    gate, _load_proof = office.store.backup(backup_id)
    if gate is None:
        raise Refused.because(
            reason(
                ReasonCode.BACKUP_UNKNOWN,
                f"No backup is on record as {backup_id}.",
                "Look at what there is with `lane-authority backup list LANE`, or import it first.",
                backup_id=backup_id,
            )
        )
    return gate


def _note(office: LaneOffice, gate: BackupGate, particulars: dict[str, object]) -> None:
    office.store.note(
        "backup_not_proven",
        gate.lane,
        {"backup_id": gate.backup_id, **particulars},
        utc_now(),
    )
