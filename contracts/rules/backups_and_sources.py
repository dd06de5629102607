"""Whether the data that is there is backed up, and the data that comes is the right one."""

from collections.abc import Iterator
from datetime import timedelta

from ..evidence import BackupGate
from ..observation import HostRecord
from ..reasons import Reason, ReasonCode, reason
from ..tenant_declaration import sources_disagree, undeclared
from ..vocabulary import DataSource
from .case import Case


def present_data_is_backed_up(case: Case) -> Iterator[Reason]:
    """The data that is there was backed up and proven, where that is asked."""
    if case.seen.nothing_to_set_aside or case.remains or _was_given_up(case):
        return
    gate, proof = case.seen.present.gate, case.seen.present.data_proof
    record = case.seen.record
    is_of_this_data = gate is not None and _is_of_recorded_data(gate, record)
    if case.effective.requires_backup_before_destroy:
        if gate is None:
            yield reason(
                ReasonCode.BACKUP_GATE_MISSING,
                "No backup of the data that is there has been recorded.",
                "Capture a backup of the lane as it is now, then plan again; data that cannot be "
                "backed up any more has to be declared lost (`lane-authority lost`), which one "
                "approver signs.",
            )
        elif not is_of_this_data:
            yield reason(
                ReasonCode.BACKUP_GATE_OTHER_DATA,
                f"The newest backup is of {gate.lane} generation {gate.generation}, not of the "
                f"data that is there (generation {record.generation or 'none'}).",
                "Capture a backup of the lane as it is now, then plan again. Data that the host "
                "has no record of has to be adopted first; data that cannot be backed up any more "
                "has to be declared lost (`lane-authority lost`), which one approver signs.",
                backup_id=gate.backup_id,
            )
        elif not _is_fresh(gate, case):
            yield reason(
                ReasonCode.BACKUP_GATE_STALE,
                f"The newest backup is of {gate.snapshot_at:%Y-%m-%d %H:%M} UTC; it may be at "
                f"most {case.policy.backup_max_age} old.",
                "Capture and prove a fresh backup, then plan again; data that cannot be backed up "
                "any more has to be declared lost (`lane-authority lost`), which one approver "
                "signs.",
                backup_id=gate.backup_id,
                snapshot_at=gate.snapshot_at,
            )
    if case.effective.requires_restore_proof and (
        gate is None
        or proof is None
        or (proof.backup_id, proof.manifest_digest) != (gate.backup_id, gate.manifest_digest)
        or proof.proven_at > case.now
        # Where no gate is asked for, a proof of other data still proves nothing of this.
        or not (is_of_this_data or case.effective.requires_backup_before_destroy)
    ):
        yield reason(
            ReasonCode.DATA_PROOF_MISSING,
            "It has not been proven that a backup of the data that is there can be restored.",
            "Restore the newest backup into a scratch database and compare it (a data proof), "
            "then plan again. Data of which no backup can be restored any more has to be declared "
            "lost, which one approver signs.",
            backup_id=gate.backup_id if gate else None,
        )


def _was_given_up(case: Case) -> bool:
    """Whether people declared the data lost, and it is set aside; data that stays is not lost."""
    return case.seen.record.declared_lost and case.request.data_source is not DataSource.EXISTING


def _is_of_recorded_data(gate: BackupGate, record: HostRecord) -> bool:
    return (
        record.identity is not None
        and gate.lane == record.lane
        and gate.generation == record.generation
        and gate.system_identifier == record.identity.system_identifier
        and gate.database_oid == record.identity.database_oid
        and gate.filestore_path == record.filestore_path
    )


def _is_fresh(gate: BackupGate, case: Case) -> bool:
    """Whether it is young enough now or, when an operation is retried, was when that began."""
    begun = case.seen.record.unfinished.begun_at if case.seen.record.unfinished else None
    instants = (case.now, begun) if case.retries else (case.now,)
    return any(
        timedelta(0) <= instant - gate.snapshot_at <= case.policy.backup_max_age
        for instant in instants
        if instant is not None
    )


def upstream_agrees(case: Case) -> Iterator[Reason]:
    """Record and declaration name the same upstream source."""
    if case.request.data_source is not DataSource.UPSTREAM_RESTORE:
        return
    recorded, declared = case.policy.upstream_source, case.seen.incoming.declared_upstream
    if declared is None:
        yield undeclared(case.seen.incoming.declaration_problem)
    elif recorded is not None and declared != recorded:
        yield sources_disagree(recorded, declared)
    place, database = case.seen.incoming.upstream_place, case.seen.database
    if place is not None and (place.system_identifier, place.database_oid) == (
        database.system_identifier,
        database.oid,
    ):
        yield reason(
            ReasonCode.SOURCE_IS_THE_LANE_ITSELF,
            "The upstream source was found to be the very database that would be rebuilt "
            f"(oid {place.database_oid}, cluster {place.system_identifier}).",
            "Correct the host name or the database of the upstream source, in the record and in "
            "the tenant's declaration, then plan again.",
            database_oid=place.database_oid,
            system_identifier=place.system_identifier,
        )


def backup_is_proven(case: Case) -> Iterator[Reason]:
    """The backup is one of this lane, and Odoo loads on it."""
    if case.request.data_source is not DataSource.BACKUP_RESTORE:
        return
    backup, proof = case.seen.incoming.backup, case.seen.incoming.backup_load_proof
    if backup is None or backup.backup_id != case.request.backup_id:
        yield reason(
            ReasonCode.BACKUP_UNKNOWN,
            f"Backup {case.request.backup_id} is not on record.",
            "Name a backup of this lane that is on record.",
            backup_id=case.request.backup_id,
        )
        return
    if backup.lane != case.seen.lane:
        yield reason(
            ReasonCode.BACKUP_OTHER_LANE,
            f"Backup {backup.backup_id} is one of lane {backup.lane}.",
            "Name a backup of this lane.",
            backup_id=backup.backup_id,
        )
    if (
        proof is None
        or (proof.backup_id, proof.manifest_digest) != (backup.backup_id, backup.manifest_digest)
        or proof.proven_at > case.now
    ):
        yield reason(
            ReasonCode.LOAD_PROOF_MISSING,
            f"It has not been proven that Odoo loads on backup {backup.backup_id}.",
            "Prove the backup with an Odoo registry loaded on it, then plan again.",
            backup_id=backup.backup_id,
        )


def kept_data_is_unchanged(case: Case) -> Iterator[Reason]:
    """The kept data is this lane's, and unchanged."""
    if case.request.data_source is not DataSource.KEPT:
        return
    kept = case.seen.incoming.kept
    if kept is None or kept.lane != case.seen.lane or kept.name != case.request.kept_database:
        yield reason(
            ReasonCode.KEPT_UNKNOWN,
            f"{case.request.kept_database} is not on record as kept data of this lane.",
            "Name a kept database of this lane; the lane's view lists them.",
            kept_database=case.request.kept_database,
        )
    elif not case.seen.incoming.kept_is_unchanged:
        yield reason(
            ReasonCode.KEPT_CHANGED,
            f"{kept.name} was not found with its files, the oid and the tag that were recorded "
            f"(oid {kept.database_oid}, generation {kept.generation}).",
            "Look for it on the lane's server: if it was renamed, give it its name back; if "
            "another database stands there, move that away. Where it is gone for good, restore a "
            "proven backup instead.",
            kept_database=kept.name,
        )
