"""Putting a backup gate, a proof or a declared source on record."""

from datetime import datetime

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.evidence import BackupGate, Evidence, UpstreamDeclaration
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.observation import HostRecord
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .evidence import is_of_recorded_data
from .lane_office import LaneOffice, utc_now
from .store.store import LARGEST_STEP_BACK


def record_evidence(office: LaneOffice, found: Evidence) -> Lane:
    """Put a gate, a proof or a declared source on record, and say whose it is.

    Raises Refused when it is of data that was never recorded as that lane's, of a backup that is
    not on record, or from the future; BadInput for a second backup of one name.
    """
    now = utc_now()
    _refuse_the_future(found, now)
    if isinstance(found, BackupGate):
        _refuse_other_data(found, office.store.host_record(found.lane))
    return office.store.record_evidence(found, now=now)


def record_imported(office: LaneOffice, gate: BackupGate) -> Lane:
    """Put the gate of an imported backup on record, of whatever generation it is.

    Whose it is, the guard read from a marker that this control plane had signed. It speaks for the
    data that is there only where it is of that. Raises Refused for one from the future.
    """
    now = utc_now()
    _refuse_the_future(gate, now)
    return office.store.record_evidence(gate, now=now)


def _refuse_the_future(found: Evidence, now: datetime) -> None:
    said = _instant_of(found)
    if said <= now + LARGEST_STEP_BACK:
        return
    raise Refused.because(
        reason(
            ReasonCode.CLOCK_UNRELIABLE,
            f"What is to be recorded is of {said:%Y-%m-%d %H:%M:%S} UTC, and this clock says "
            f"{now:%Y-%m-%d %H:%M:%S}.",
            "Correct the clock that is wrong (time synchronisation), then capture and prove anew.",
            detail=str(said),
        )
    )


def _instant_of(found: Evidence) -> datetime:
    if isinstance(found, BackupGate):
        return found.snapshot_at
    if isinstance(found, UpstreamDeclaration):
        return found.declared_at
    return found.proven_at


def _refuse_other_data(gate: BackupGate, record: HostRecord) -> None:
    """Refuse the gate of data that is neither the lane's recorded data nor kept."""
    if is_of_recorded_data(gate, record) or any(
        (gate.generation, gate.database_oid) == (kept.generation, kept.database_oid)
        for kept in record.kept
    ):
        return
    raise Refused.because(
        reason(
            ReasonCode.BACKUP_GATE_OTHER_DATA,
            f"Backup {gate.backup_id} is of {gate.lane} generation {gate.generation}, oid "
            f"{gate.database_oid} on cluster {gate.system_identifier}, files "
            f"{gate.filestore_path}; "
            f"the lane's recorded data is generation {record.generation or 'none'}"
            + (
                f", oid {record.identity.database_oid} on cluster "
                f"{record.identity.system_identifier}, files {record.filestore_path}."
                if record.identity is not None
                else "."
            ),
            "Capture a backup of the lane as it is now. Data that the host has no record of has to "
            "be enrolled or adopted first.",
            backup_id=gate.backup_id,
        )
    )
