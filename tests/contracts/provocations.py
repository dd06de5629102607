"""For every reason of the rule book: an allowed case and the one fact that refuses it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from launchplane_lane_contracts.contract import BackupId, DatabaseName
from launchplane_lane_contracts.evidence import SourcePlace
from launchplane_lane_contracts.judgement import judge_room
from launchplane_lane_contracts.policy import ProviderTarget
from launchplane_lane_contracts.reasons import ReasonCode as Code
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    DataSource,
    FilestoreState,
    KeepState,
    MarkerState,
    Operation,
    OperationPhase,
    RuntimeState,
    TargetOrigin,
)

from .cases import (
    APPROVER,
    DATABASE_OID,
    NOW,
    OLD_MANIFEST,
    OTHER_LANE,
    REQUESTER,
    SERVER,
    UNFINISHED,
    UPSTREAM,
    Case,
    a_gate,
    allowed_case,
    an_approval,
    authoritative_case,
    changed,
    first_bootstrap,
    unfinished,
)

EMPTY = allowed_case(Operation.RECREATE, DataSource.EMPTY)
EXISTING = allowed_case(Operation.RECREATE, DataSource.EXISTING)
FROM_UPSTREAM = allowed_case(Operation.RESTORE, DataSource.UPSTREAM_RESTORE)
FROM_BACKUP = allowed_case(Operation.RESTORE, DataSource.BACKUP_RESTORE)
FROM_KEPT = allowed_case(Operation.RESTORE, DataSource.KEPT)
RETRY = EMPTY.change_all(
    {
        "observation.record.unfinished": unfinished(OperationPhase.BEGUN),
        "request.retries": UNFINISHED,
    }
)
AUTHORITATIVE = authoritative_case(Operation.RESTORE, DataSource.BACKUP_RESTORE)


@dataclass(frozen=True)
class Provocation:
    """One fact changed in an allowed case, and the codes that must come of it."""

    codes: frozenset[Code]
    case: Case
    path: str
    value: Any

    def provoked(self) -> Case:
        """The case with the fact changed."""
        return self.case.change(self.path, self.value)

    def __str__(self) -> str:
        return f"{'+'.join(sorted(self.codes))}: {self.path}"


def _one(code: Code, case: Case, path: str, value: Any) -> Provocation:
    return Provocation(frozenset({code}), case, path, value)


PROVOCATIONS = (
    _one(Code.POLICY_UNKNOWN, EMPTY, "policy", None),
    _one(Code.POLICY_OTHER_LANE, EMPTY, "policy.lane", OTHER_LANE),
    _one(Code.POLICY_OTHER_LANE, EMPTY, "request.lane", OTHER_LANE),
    Provocation(
        frozenset({Code.POLICY_OTHER_LANE, Code.BACKUP_GATE_OTHER_DATA}),
        EMPTY,
        "observation.record.lane",
        OTHER_LANE,
    ),
    _one(Code.POLICY_OTHER_LANE, EMPTY, "observation.lane", OTHER_LANE),
    Provocation(
        frozenset({Code.POLICY_EXPIRED, Code.SOURCE_NOT_ALLOWED}),
        EMPTY,
        "policy.provisional_until",
        NOW,
    ),
    _one(Code.SOURCE_NOT_ALLOWED, EMPTY, "policy.bootstrap_empty_allowed", False),
    _one(Code.SOURCE_NOT_ALLOWED, FROM_UPSTREAM, "policy.restore_from_upstream_allowed", False),
    _one(Code.SOURCE_NOT_ALLOWED, EMPTY, "observation.marker.authoritative", True),
    _one(Code.SOURCE_NOT_ALLOWED, EMPTY, "observation.marker.claimed", True),
    _one(Code.DATABASE_RENAMED, EMPTY, "observation.database.state", DatabaseState.RENAMED),
    _one(Code.DATABASE_MISSING, EMPTY, "observation.database.state", DatabaseState.MISSING),
    _one(Code.DATABASE_CLOSED, EMPTY, "observation.database.state", DatabaseState.CLOSED),
    _one(Code.DATABASE_UNREADABLE, EMPTY, "observation.database.state", DatabaseState.UNREADABLE),
    _one(Code.DATABASE_DISPUTED, EMPTY, "observation.database.state", DatabaseState.DISPUTED),
    _one(Code.DATABASE_NOT_THERE, EXISTING, "observation.database.state", DatabaseState.ABSENT),
    _one(Code.ROLE_MAY_NOT_RENAME, EMPTY, "observation.database.may_rename", False),
    _one(Code.MARKER_ABSENT, EMPTY, "observation.marker.state", MarkerState.ABSENT),
    _one(Code.MARKER_ABSENT, EMPTY, "observation.marker.state", MarkerState.NOT_APPLICABLE),
    _one(Code.MARKER_UNVERIFIABLE, EMPTY, "observation.marker.state", MarkerState.UNVERIFIABLE),
    _one(Code.MARKER_TAMPERED, EMPTY, "observation.marker.state", MarkerState.TAMPERED),
    _one(Code.MARKER_FOREIGN, EMPTY, "observation.marker.state", MarkerState.FOREIGN),
    _one(Code.MARKER_COPIED, EMPTY, "observation.marker.state", MarkerState.COPIED),
    _one(Code.MARKER_ROLLED_BACK, EMPTY, "observation.marker.state", MarkerState.ROLLED_BACK),
    _one(Code.MARKER_AHEAD, EMPTY, "observation.marker.state", MarkerState.AHEAD),
    _one(Code.MARKER_PENDING, EMPTY, "observation.marker.state", MarkerState.PENDING),
    _one(Code.ENGINE_TAG_LOST, EMPTY, "observation.marker.state", MarkerState.TAG_LOST),
    _one(Code.FILESTORE_FOREIGN, EMPTY, "observation.filestore.state", FilestoreState.FOREIGN),
    _one(Code.FILESTORE_STALE, EMPTY, "observation.filestore.state", FilestoreState.STALE),
    _one(Code.FILESTORE_UNTAGGED, EMPTY, "observation.filestore.state", FilestoreState.UNTAGGED),
    _one(Code.FILESTORE_ELSEWHERE, EMPTY, "observation.filestore.state", FilestoreState.ELSEWHERE),
    _one(
        Code.FILESTORE_UNREADABLE, EMPTY, "observation.filestore.state", FilestoreState.UNREADABLE
    ),
    _one(Code.FILESTORE_MISSING, EMPTY, "observation.filestore.state", FilestoreState.ABSENT),
    _one(Code.FILESTORE_MISSING, EMPTY, "observation.filestore.state", FilestoreState.EMPTY),
    _one(Code.KEEP_NOT_CONFIGURED, EMPTY, "observation.keep.state", KeepState.NOT_CONFIGURED),
    _one(Code.KEEP_OTHER_VOLUME, EMPTY, "observation.keep.state", KeepState.OTHER_VOLUME),
    _one(Code.KEEP_UNUSABLE, EMPTY, "observation.keep.state", KeepState.UNUSABLE),
    _one(Code.ROOM_NOT_ENOUGH, EMPTY, "observation.room", judge_room(2, 1)),
    _one(
        Code.KEEP_OTHER_VOLUME,
        EMPTY.change("observation.room", judge_room(2, None)),
        "observation.keep.state",
        KeepState.OTHER_VOLUME,
    ),
    _one(Code.RUNTIME_SILENT, EMPTY, "observation.runtime.state", RuntimeState.SILENT),
    _one(Code.RUNTIME_SILENT, EMPTY, "observation.runtime.state", RuntimeState.ATTESTED),
    _one(Code.RUNTIME_OTHER_LANE, EMPTY, "observation.runtime.state", RuntimeState.OTHER_LANE),
    _one(
        Code.RUNTIME_OTHER_DEPLOYMENT,
        EMPTY,
        "observation.runtime.state",
        RuntimeState.OTHER_DEPLOYMENT,
    ),
    _one(
        Code.RUNTIME_OTHER_DATABASE,
        EMPTY,
        "observation.runtime.state",
        RuntimeState.OTHER_DATABASE,
    ),
    _one(
        Code.BACKUP_GATE_MISSING,
        EMPTY.change("policy.requires_restore_proof", False),
        "observation.present.gate",
        None,
    ),
    _one(Code.BACKUP_GATE_OTHER_DATA, EMPTY, "observation.present.gate.generation", 6),
    _one(Code.BACKUP_GATE_OTHER_DATA, EMPTY, "observation.present.gate.database_oid", 9),
    _one(Code.BACKUP_GATE_OTHER_DATA, EMPTY, "observation.present.gate.system_identifier", "9"),
    _one(Code.BACKUP_GATE_OTHER_DATA, EMPTY, "observation.present.gate.filestore_path", "/else"),
    _one(Code.BACKUP_GATE_OTHER_DATA, EMPTY, "observation.present.gate.lane", OTHER_LANE),
    _one(Code.BACKUP_GATE_OTHER_DATA, EMPTY, "observation.record.identity", None),
    _one(
        Code.BACKUP_GATE_STALE,
        EMPTY,
        "observation.present.gate.snapshot_at",
        NOW - timedelta(hours=24, seconds=1),
    ),
    _one(
        Code.BACKUP_GATE_STALE,
        EMPTY,
        "observation.present.gate.snapshot_at",
        NOW + timedelta(seconds=1),
    ),
    _one(Code.DATA_PROOF_MISSING, EMPTY, "observation.present.data_proof", None),
    _one(
        Code.DATA_PROOF_MISSING,
        EMPTY,
        "observation.present.data_proof.manifest_digest",
        OLD_MANIFEST,
    ),
    _one(
        Code.DATA_PROOF_MISSING,
        EMPTY,
        "observation.present.data_proof.backup_id",
        BackupId("another-backup"),
    ),
    _one(
        Code.DATA_PROOF_MISSING,
        EMPTY,
        "observation.present.data_proof.proven_at",
        NOW + timedelta(seconds=1),
    ),
    _one(
        Code.DATA_PROOF_MISSING,
        EMPTY.change("policy.requires_backup_before_destroy", False),
        "observation.present.gate",
        changed(a_gate(), "generation", 6),
    ),
    _one(Code.SOURCE_UNDECLARED, FROM_UPSTREAM, "observation.incoming.declared_upstream", None),
    _one(
        Code.SOURCE_DISAGREES,
        FROM_UPSTREAM,
        "observation.incoming.declared_upstream",
        changed(UPSTREAM, "host", "new.example.org"),
    ),
    _one(
        Code.SOURCE_IS_THE_LANE_ITSELF,
        FROM_UPSTREAM,
        "observation.incoming.upstream_place",
        SourcePlace(system_identifier=SERVER, database_oid=DATABASE_OID),
    ),
    _one(Code.BACKUP_UNKNOWN, FROM_BACKUP, "observation.incoming.backup", None),
    _one(Code.BACKUP_UNKNOWN, FROM_BACKUP, "request.backup_id", BackupId("another-backup")),
    _one(Code.BACKUP_OTHER_LANE, FROM_BACKUP, "observation.incoming.backup.lane", OTHER_LANE),
    _one(Code.LOAD_PROOF_MISSING, FROM_BACKUP, "observation.incoming.backup_load_proof", None),
    _one(
        Code.LOAD_PROOF_MISSING,
        FROM_BACKUP,
        "observation.incoming.backup_load_proof.manifest_digest",
        "d" * 64,
    ),
    _one(
        Code.LOAD_PROOF_MISSING,
        FROM_BACKUP,
        "observation.incoming.backup_load_proof.proven_at",
        NOW + timedelta(seconds=1),
    ),
    _one(Code.KEPT_UNKNOWN, FROM_KEPT, "observation.incoming.kept", None),
    _one(Code.KEPT_UNKNOWN, FROM_KEPT, "observation.incoming.kept.lane", OTHER_LANE),
    _one(Code.KEPT_UNKNOWN, FROM_KEPT, "request.kept_database", DatabaseName("another")),
    _one(Code.KEPT_CHANGED, FROM_KEPT, "observation.incoming.kept_is_unchanged", False),
    _one(Code.PROVIDER_TARGET_UNKNOWN, EMPTY, "request.provider_target", None),
    _one(
        Code.PROVIDER_TARGET_NOT_LIVE,
        EMPTY,
        "request.provider_target.read_from",
        TargetOrigin.RECORD,
    ),
    _one(Code.PROVIDER_TARGET_DIFFERS, EMPTY, "request.provider_target.target_id", "app-2"),
    _one(Code.PROVIDER_TARGET_DIFFERS, EMPTY, "request.provider_target.name", "syo-prod"),
    _one(Code.PROVIDER_TARGET_DIFFERS, EMPTY, "request.provider_target.domains", ()),
    _one(
        Code.PROVIDER_TARGET_DIFFERS,
        EMPTY,
        "policy.provider_target",
        ProviderTarget(target_id="app-2", name="syo-prod"),
    ),
    _one(Code.APPROVALS_MISSING, AUTHORITATIVE, "observation.approvals", ()),
    _one(Code.APPROVALS_MISSING, AUTHORITATIVE, "observation.approvals", (an_approval(REQUESTER),)),
    _one(Code.APPROVALS_MISSING, AUTHORITATIVE, "observation.approvals", (an_approval(APPROVER),)),
    _one(
        Code.APPROVALS_MISSING,
        AUTHORITATIVE,
        "observation.approvals",
        (an_approval(REQUESTER), an_approval(REQUESTER)),
    ),
    _one(
        Code.APPROVALS_MISSING,
        AUTHORITATIVE,
        "observation.approvals",
        (
            an_approval(REQUESTER),
            changed(an_approval(APPROVER), "signed_at", NOW - timedelta(hours=24)),
        ),
    ),
    _one(
        Code.APPROVALS_MISSING,
        AUTHORITATIVE,
        "observation.approvals",
        (
            an_approval(REQUESTER),
            changed(an_approval(APPROVER), "signed_at", NOW + timedelta(seconds=1)),
        ),
    ),
    *(
        _one(
            Code.LANE_BUSY if phase is OperationPhase.AUTHORIZED else Code.OPERATION_UNFINISHED,
            EMPTY,
            "observation.record.unfinished",
            unfinished(phase),
        )
        for phase in (
            OperationPhase.AUTHORIZED,
            OperationPhase.STARTED,
            OperationPhase.BEGUN,
            OperationPhase.MATERIALISED,
        )
    ),
    _one(Code.RETRY_OTHER_OPERATION, EMPTY, "request.retries", UNFINISHED),
    *(
        Provocation(
            frozenset({Code.RETRY_OTHER_OPERATION, Code.OPERATION_UNFINISHED}), RETRY, path, value
        )
        for path, value in (
            ("request.retries", "another-operation"),
            ("request.operation", Operation.BOOTSTRAP),
        )
    ),
    Provocation(
        frozenset({Code.RETRY_OTHER_OPERATION, Code.LANE_BUSY}),
        RETRY,
        "observation.record.unfinished.phase",
        OperationPhase.AUTHORIZED,
    ),
    _one(Code.STORE_ROLLED_BACK, EMPTY, "observation.store_trusted", False),
    _one(Code.STORE_ROLLED_BACK, first_bootstrap(), "observation.store_trusted", False),
    _one(Code.CLOCK_UNRELIABLE, EMPTY, "observation.clock_trusted", False),
)
"""Every reason that the rule book yields, each at least once."""
