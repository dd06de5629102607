"""`backup prune`: backups that nothing leans on go, once they are older than they are kept for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from launchplane_lane_contracts.backup_answers import BackupListed, BackupsListed
from launchplane_lane_contracts.contract import BackupId
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.evidence import BackupGate
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.orders import PruneOrder
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_contracts.receipt import Outcome

from .. import guard_client
from ..evidence import USUAL_BACKUP_MAX_AGE, is_of_recorded_data, proof_of
from ..lane_office import LaneOffice, utc_now
from ..order_head import order_head
from ..store.store import LARGEST_STEP_BACK
from .asking import place, result_of
from .pins import pinned_backups


@dataclass(frozen=True)
class Retained:
    """One backup in the folder, and why it stays, if it does."""

    backup: BackupListed
    why: str
    """Empty where it goes."""

    def to_plain(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "backup_id": self.backup.gate.backup_id,
            "snapshot_at": self.backup.gate.snapshot_at.isoformat(),
            "size_bytes": self.backup.size_bytes,
            "kept_because": self.why,
        }


def look(office: LaneOffice, lane: Lane, keep_for: timedelta) -> tuple[Retained, ...]:
    """Every backup of the lane in its folder, and why each stays. Raises CouldNotTell, Refused."""
    listed, now = in_the_folder(office, lane), utc_now()
    reasons = _leaned_on(office, lane, [each.gate for each in listed.backups])
    revision = office.store.policy(lane)
    # What may still be a gate is never old.
    longest = max(keep_for, revision.policy.backup_max_age if revision else USUAL_BACKUP_MAX_AGE)
    return tuple(
        Retained(each, reasons.get(each.gate.backup_id) or _young(each.gate, now, longest))
        for each in listed.backups
    )


def in_the_folder(office: LaneOffice, lane: Lane) -> BackupsListed:
    """What the guard finds in the lane's folder. Raises CouldNotTell, Refused."""
    configuration = office.configuration(lane)
    arguments = ["backups", *place(configuration)]
    receipt = guard_client.ask(configuration, arguments, timeout=configuration.guard_timeout)
    if receipt.outcome is not Outcome.DONE:
        raise guard_client.failure_of(receipt)
    found = result_of(receipt, BackupsListed)
    if found is None:
        raise CouldNotTell("The guard did not say which backups there are. Look at its guard.")
    return found


def prune(office: LaneOffice, lane: Lane, keep_for: timedelta) -> tuple[Retained, ...]:
    """Remove what nothing leans on, and say of each backup why it stayed or that it went.

    Raises Refused, CouldNotTell.
    """
    _require_clock(office, lane)
    found = look(office, lane, keep_for)
    going = tuple(each.backup.gate.backup_id for each in found if not each.why)
    if going:
        _remove(office, lane, going)
    return found


def _require_clock(office: LaneOffice, lane: Lane) -> None:
    """Raise Refused where the lane's server has another time: by one ahead, all backups are old.

    Raises CouldNotTell where it cannot be read: a lane that is gone may need every backup.
    """
    office.require_clock()
    server, now = guard_client.show(office.configuration(lane)).database.server, utc_now()
    if server is None:
        raise CouldNotTell(
            f"The server of lane {lane} cannot be read, so no backup of it is removed. Look at the "
            f"lane (`lane-authority lane {lane}`); then run the same command again."
        )
    if abs(server.now - now) > LARGEST_STEP_BACK:
        raise Refused.because(
            reason(
                ReasonCode.CLOCK_UNRELIABLE,
                f"This host's clock says {now:%Y-%m-%d %H:%M:%S} UTC, and that of the lane's "
                f"server {server.now:%Y-%m-%d %H:%M:%S}. No backup was removed.",
                "Correct the clock that is wrong (time synchronisation), then prune again.",
                detail=str(server.now),
            )
        )


def _remove(office: LaneOffice, lane: Lane, going: tuple[BackupId, ...]) -> None:
    configuration = office.configuration(lane)
    order = PruneOrder(
        **order_head(lane, configuration.database, configuration.filestore_path),
        backups=going,
    )
    guard_client.carry_out(
        configuration, "prune", office.sign(order), order.nonce, options=place(configuration)
    )
    office.store.note("backups_pruned", lane, {"backups": list(going)}, utc_now())


def _young(gate: BackupGate, now: datetime, longest: timedelta) -> str:
    return "it is younger than backups are kept for" if now - gate.snapshot_at <= longest else ""


def _leaned_on(office: LaneOffice, lane: Lane, there: list[BackupGate]) -> dict[BackupId, str]:
    """Backups that stay whatever their age, each with what leans on it. The first reason stands."""
    # Everything: what a lane leans on may be older than much that came after it.
    recorded = office.store.evidence(lane, everything=True)
    record = office.store.host_record(lane)
    newest_first = sorted(there, key=lambda gate: gate.snapshot_at, reverse=True)
    proven = [each for each in newest_first if proof_of(each, recorded.data_proofs)]
    loading = [each for each in proven if proof_of(each, recorded.load_proofs)]
    present = [each for each in newest_first if is_of_recorded_data(each, record)]
    found: dict[BackupId, str] = {}

    def stays(gates: list[BackupGate], why: str) -> None:
        for gate in gates[:1]:
            found.setdefault(gate.backup_id, why)

    for pinned in pinned_backups(office.store, lane):
        found[pinned] = (
            "data was released on its proof; two approvers may give it up (`backup give-up`)"
        )
    stays(proven, "it is the last proven one of this lane")
    stays(loading, "it is the last one of this lane that Odoo was seen to load on")
    stays(present, "it is the newest of the data that is there now")
    for kept in record.kept:
        of_kept = [
            each
            for each in proven
            if (each.generation, each.database_oid) == (kept.generation, kept.database_oid)
        ]
        stays(of_kept, f"the release of {kept.name} would lean on it")
    if record.unfinished is not None:
        for each in newest_first:
            found.setdefault(each.backup_id, "an operation on the lane is unfinished")
    return found
