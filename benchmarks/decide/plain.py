"""The same rules as somebody would write them by hand: `if` after `if`, yes or no, no reasons."""

from datetime import datetime, timedelta

from launchplane_lane_contracts.observation import Observation
from launchplane_lane_contracts.policy import Policy
from launchplane_lane_contracts.request import Request
from launchplane_lane_contracts.vocabulary import (
    UNFINISHED_PHASES,
    DatabaseState,
    DataSource,
    FilestoreState,
    KeepState,
    MarkerState,
    OperationPhase,
    RoomState,
    RuntimeState,
    TagState,
    TargetOrigin,
)


def allows(policy: Policy | None, request: Request, seen: Observation, now: datetime) -> bool:
    """Whether it may be done."""
    if policy is None or not seen.store_trusted or not seen.clock_trusted:
        return False
    record, database, marker, filestore = seen.record, seen.database, seen.marker, seen.filestore
    if not (policy.lane == request.lane == seen.lane == record.lane):
        return False
    source, unfinished = request.data_source, record.unfinished

    retries = (
        unfinished is not None
        and unfinished.phase in UNFINISHED_PHASES
        and request.retries == unfinished.operation_id
        and request.operation is unfinished.operation
        and source is unfinished.data_source
    )
    if not retries and (unfinished is not None or request.retries is not None):
        return False
    identity = record.identity
    remains = False
    if (
        retries
        and unfinished is not None
        and unfinished.phase is not OperationPhase.STARTED
        and source is not DataSource.EXISTING
        and (identity is None or database.system_identifier == identity.system_identifier)
    ):
        if database.state is DatabaseState.ABSENT:
            remains = True
        elif database.state in (DatabaseState.INITIALISED, DatabaseState.UNINITIALISED):
            oid, tag = database.oid, database.tag
            recorded = {kept.database_oid for kept in record.kept}
            if identity is not None:
                recorded.add(identity.database_oid)
            remains = (
                oid is not None
                and oid not in recorded
                and (
                    tag is None
                    or tag.database_oid != oid
                    or (tag.lane == seen.lane and tag.state is TagState.PENDING)
                )
                and not marker.is_anothers_own
            )

    authoritative = policy.authoritative_data
    if policy.provisional_until is not None and now >= policy.provisional_until:
        authoritative = True
    if remains:
        authoritative = authoritative or (unfinished is not None and unfinished.authoritative)
    else:
        authoritative = authoritative or marker.authoritative or marker.claimed

    if source is DataSource.EMPTY and (authoritative or not policy.bootstrap_empty_allowed):
        return False
    if source is DataSource.UPSTREAM_RESTORE and (
        authoritative or not policy.restore_from_upstream_allowed
    ):
        return False

    if database.state not in (
        DatabaseState.ABSENT,
        DatabaseState.UNINITIALISED,
        DatabaseState.INITIALISED,
    ):
        return False
    if source is DataSource.EXISTING and database.state is not DatabaseState.INITIALISED:
        return False
    if source is not DataSource.EXISTING and not database.may_rename:
        return False

    accepted = (
        retries
        and unfinished is not None
        and marker.state is MarkerState.PENDING
        and marker.permit_id is not None
        and marker.permit_id == unfinished.permit_id
    )
    if not remains and not accepted:
        if database.state is DatabaseState.INITIALISED:
            if marker.state is not MarkerState.BOUND:
                return False
        elif marker.state not in (MarkerState.BOUND, MarkerState.NOT_APPLICABLE):
            return False

    if remains:
        if filestore.state in (
            FilestoreState.FOREIGN,
            FilestoreState.ELSEWHERE,
            FilestoreState.UNREADABLE,
        ):
            return False
    elif database.state is DatabaseState.INITIALISED:
        if filestore.state is not FilestoreState.OURS:
            return False
    elif filestore.state not in (
        FilestoreState.ABSENT,
        FilestoreState.EMPTY,
        FilestoreState.OURS,
    ):
        return False

    if seen.room.state is RoomState.NOT_ENOUGH:
        return False
    if seen.keep.state is not KeepState.READY and not (
        seen.keep.state is KeepState.OTHER_VOLUME
        and (
            seen.room.state is RoomState.ENOUGH
            or source is DataSource.EXISTING
            or filestore.state in (FilestoreState.ABSENT, FilestoreState.EMPTY)
        )
    ):
        return False

    runtime = seen.runtime.state
    if runtime is RuntimeState.ATTESTED and not request.attest_runtime:
        runtime = RuntimeState.SILENT
    if runtime is RuntimeState.SILENT:
        if authoritative or policy.requires_runtime_identity:
            return False
    elif runtime not in (RuntimeState.AGREES, RuntimeState.ATTESTED):
        return False

    nothing_there = (
        database.state in (DatabaseState.ABSENT, DatabaseState.UNINITIALISED)
        and marker.state is MarkerState.NOT_APPLICABLE
        and filestore.state in (FilestoreState.ABSENT, FilestoreState.EMPTY)
    )
    if not remains and not nothing_there:
        gate, proof = seen.present.gate, seen.present.data_proof
        given_up = record.declared_lost and source is not DataSource.EXISTING
        needs_gate = not given_up and (authoritative or policy.requires_backup_before_destroy)
        needs_proof = not given_up and (authoritative or policy.requires_restore_proof)
        of_this_data = (
            gate is not None
            and identity is not None
            and gate.lane == record.lane
            and gate.generation == record.generation
            and gate.system_identifier == identity.system_identifier
            and gate.database_oid == identity.database_oid
            and gate.filestore_path == record.filestore_path
        )
        if (needs_gate or needs_proof) and not of_this_data:
            return False
        if gate is not None and needs_gate:
            age = now - gate.snapshot_at
            fresh = timedelta(0) <= age <= policy.backup_max_age
            if not fresh and retries and unfinished is not None and unfinished.begun_at:
                age = unfinished.begun_at - gate.snapshot_at
                fresh = timedelta(0) <= age <= policy.backup_max_age
            if not fresh:
                return False
        if needs_proof and (
            gate is None
            or proof is None
            or proof.backup_id != gate.backup_id
            or proof.manifest_digest != gate.manifest_digest
            or proof.proven_at > now
        ):
            return False
        if authoritative and source is not DataSource.EXISTING:
            people = {
                each.person
                for each in seen.approvals
                if timedelta(0) <= now - each.signed_at < timedelta(hours=24)
            }
            if request.requester not in people:
                return False
            if len(people) - 1 < seen.thresholds.consequential:
                return False

    incoming = seen.incoming
    if source is DataSource.UPSTREAM_RESTORE:
        if incoming.declared_upstream is None or policy.upstream_source is None:
            return False
        if incoming.declared_upstream != policy.upstream_source:
            return False
        place = incoming.upstream_place
        if (
            place is not None
            and place.system_identifier == database.system_identifier
            and place.database_oid == database.oid
        ):
            return False
    if source is DataSource.BACKUP_RESTORE:
        backup, load_proof = incoming.backup, incoming.backup_load_proof
        if backup is None or backup.backup_id != request.backup_id or backup.lane != seen.lane:
            return False
        if (
            load_proof is None
            or load_proof.backup_id != backup.backup_id
            or load_proof.manifest_digest != backup.manifest_digest
            or load_proof.proven_at > now
        ):
            return False
    if source is DataSource.KEPT:
        kept = incoming.kept
        if kept is None or kept.lane != seen.lane or kept.name != request.kept_database:
            return False
        if not incoming.kept_is_unchanged:
            return False

    target, live = policy.provider_target, request.provider_target
    if target is not None:
        if live is None or live.read_from is TargetOrigin.RECORD:
            return False
        if (live.target_id, live.name) != (target.target_id, target.name):
            return False
        if frozenset(live.domains) != frozenset(target.domains):
            return False
    return True
