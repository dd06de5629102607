"""Every reason for a refusal. Codes are stable and never change their meaning."""

from enum import StrEnum

from .contract import Contract


class ReasonCode(StrEnum):
    """Why not. Each has a test that provokes it and a paragraph in docs/reasons.md."""

    POLICY_UNKNOWN = "policy_unknown"
    POLICY_OTHER_LANE = "policy_other_lane"
    POLICY_EXPIRED = "policy_expired"
    SOURCE_NOT_ALLOWED = "source_not_allowed"
    DATABASE_RENAMED = "database_renamed"
    DATABASE_MISSING = "database_missing"
    DATABASE_CLOSED = "database_closed"
    DATABASE_UNREADABLE = "database_unreadable"
    DATABASE_DISPUTED = "database_disputed"
    DATABASE_NOT_THERE = "database_not_there"
    ROLE_MAY_NOT_RENAME = "role_may_not_rename"
    MARKER_ABSENT = "marker_absent"
    MARKER_UNVERIFIABLE = "marker_unverifiable"
    MARKER_TAMPERED = "marker_tampered"
    MARKER_FOREIGN = "marker_foreign"
    MARKER_COPIED = "marker_copied"
    MARKER_ROLLED_BACK = "marker_rolled_back"
    MARKER_AHEAD = "marker_ahead"
    MARKER_PENDING = "marker_pending"
    ENGINE_TAG_LOST = "engine_tag_lost"
    FILESTORE_FOREIGN = "filestore_foreign"
    FILESTORE_STALE = "filestore_stale"
    FILESTORE_UNTAGGED = "filestore_untagged"
    FILESTORE_ELSEWHERE = "filestore_elsewhere"
    FILESTORE_MISSING = "filestore_missing"
    FILESTORE_UNREADABLE = "filestore_unreadable"
    FILES_INCOMPLETE = "files_incomplete"
    SHADOW_IMPOSSIBLE = "shadow_impossible"
    KEEP_NOT_CONFIGURED = "keep_not_configured"
    KEEP_OTHER_VOLUME = "keep_other_volume"
    KEEP_UNUSABLE = "keep_unusable"
    ROOM_NOT_ENOUGH = "room_not_enough"
    RUNTIME_SILENT = "runtime_silent"
    RUNTIME_OTHER_LANE = "runtime_other_lane"
    RUNTIME_OTHER_DEPLOYMENT = "runtime_other_deployment"
    RUNTIME_OTHER_DATABASE = "runtime_other_database"
    BACKUP_GATE_MISSING = "backup_gate_missing"
    BACKUP_GATE_OTHER_DATA = "backup_gate_other_data"
    BACKUP_GATE_STALE = "backup_gate_stale"
    DATA_PROOF_MISSING = "data_proof_missing"
    SOURCE_UNDECLARED = "source_undeclared"
    SOURCE_DISAGREES = "source_disagrees"
    SOURCE_DIFFERS = "source_differs"
    SOURCE_IS_THE_LANE_ITSELF = "source_is_the_lane_itself"
    BACKUP_UNKNOWN = "backup_unknown"
    BACKUP_OTHER_LANE = "backup_other_lane"
    LOAD_PROOF_MISSING = "load_proof_missing"
    BACKUPS_UNUSABLE = "backups_unusable"
    BACKUP_DAMAGED = "backup_damaged"
    KEPT_UNKNOWN = "kept_unknown"
    KEPT_CHANGED = "kept_changed"
    PROVIDER_TARGET_UNKNOWN = "provider_target_unknown"
    PROVIDER_TARGET_NOT_LIVE = "provider_target_not_live"
    PROVIDER_TARGET_DIFFERS = "provider_target_differs"
    APPROVALS_MISSING = "approvals_missing"
    APPROVERS_NOT_ON_RECORD = "approvers_not_on_record"
    LANE_BUSY = "lane_busy"
    OPERATION_UNFINISHED = "operation_unfinished"
    RETRY_OTHER_OPERATION = "retry_other_operation"
    STORE_ROLLED_BACK = "store_rolled_back"
    CLOCK_UNRELIABLE = "clock_unreliable"
    ENVIRONMENT_OTHER_LANE = "environment_other_lane"
    ENVIRONMENT_OTHER_DATABASE = "environment_other_database"
    ENVIRONMENT_OTHER_FILESTORE = "environment_other_filestore"
    ORDER_REFUSED = "order_refused"
    ORDER_EXPIRED = "order_expired"
    PERMIT_ALREADY_BEGUN = "permit_already_begun"
    PERMIT_NOT_BEGUN = "permit_not_begun"
    COMMAND_DIFFERS = "command_differs"
    READINGS_MOVED = "readings_moved"
    SET_ASIDE_IMPOSSIBLE = "set_aside_impossible"
    RESULT_NOT_AS_PERMITTED = "result_not_as_permitted"
    MATERIALISER_FAILED = "materialiser_failed"
    PLAN_CHANGED = "plan_changed"
    GUARD_SILENT = "guard_silent"
    UNDO_IMPOSSIBLE = "undo_impossible"
    DRIVER_UNAVAILABLE = "driver_unavailable"
    ALREADY_ENROLLED = "already_enrolled"
    NOTHING_TO_ENROL = "nothing_to_enrol"
    NOTHING_TO_DO = "nothing_to_do"
    POLICY_PROTECTS = "policy_protects"
    OLD_PLACE_UNSETTLED = "old_place_unsettled"
    ORIGINAL_NOT_SEEN = "original_not_seen"
    NO_OPERATION_AUTHORIZED = "no_operation_authorized"
    RUNTIME_NOT_ANSWERING = "runtime_not_answering"
    CONNECTION_POOLED = "connection_pooled"
    RELEASE_IMPOSSIBLE = "release_impossible"
    RELEASE_NEEDS_PROOF = "release_needs_proof"
    KEPT_NOT_AS_PROVEN = "kept_not_as_proven"
    SOURCE_INCOMPLETE = "source_incomplete"
    COPY_DIFFERS = "copy_differs"
    NOT_NEUTRALISED = "not_neutralised"
    SIDE_GONE = "side_gone"


class Reason(Contract):
    """One reason: what is wrong, with the facts, and the lawful way on."""

    code: ReasonCode
    """The stable code."""
    message: str
    """One or two sentences for a person."""
    remedy: str
    """What to do, lawfully. Never a way round, a secret or a phrase to paste."""
    facts: dict[str, str] = {}
    """The facts by name, for programs."""


def reason(code: ReasonCode, message: str, remedy: str, **facts: object) -> Reason:
    """Make a reason; facts that are None are left out."""
    return Reason(
        code=code,
        message=message,
        remedy=remedy,
        facts={name: str(value) for name, value in facts.items() if value is not None},
    )
