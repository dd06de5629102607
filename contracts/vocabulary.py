"""The closed lists of words. An unknown word is an error wherever one is read."""

from enum import StrEnum


class RolloutState(StrEnum):
    """How far a lane has come on its way to real production."""

    PRODUCTION = "production"
    PROVISIONAL = "provisional"
    TESTING = "testing"


class Operation(StrEnum):
    """What is asked for."""

    BOOTSTRAP = "bootstrap"
    RECREATE = "recreate"
    RESTORE = "restore"


class DataSource(StrEnum):
    """Where the lane's data comes from when the operation is over."""

    EXISTING = "existing"
    EMPTY = "empty"
    UPSTREAM_RESTORE = "upstream_restore"
    BACKUP_RESTORE = "backup_restore"
    KEPT = "kept"


REQUESTS_THAT_EXIST = frozenset(
    {
        (Operation.BOOTSTRAP, DataSource.EMPTY),
        (Operation.RECREATE, DataSource.EXISTING),
        (Operation.RECREATE, DataSource.EMPTY),
        (Operation.RECREATE, DataSource.UPSTREAM_RESTORE),
        (Operation.RESTORE, DataSource.UPSTREAM_RESTORE),
        (Operation.RESTORE, DataSource.BACKUP_RESTORE),
        (Operation.RESTORE, DataSource.KEPT),
    }
)
"""The pairs of operation and data source that mean something. Anything else is not a request."""


class DatabaseState(StrEnum):
    """What stands under the lane's database name."""

    ABSENT = "absent"
    UNINITIALISED = "uninitialised"
    INITIALISED = "initialised"
    RENAMED = "renamed"
    MISSING = "missing"
    CLOSED = "closed"
    UNREADABLE = "unreadable"
    DISPUTED = "disputed"


class MarkerState(StrEnum):
    """What the marker in an initialised database is worth."""

    NOT_APPLICABLE = "not_applicable"
    BOUND = "bound"
    ABSENT = "absent"
    UNVERIFIABLE = "unverifiable"
    TAMPERED = "tampered"
    FOREIGN = "foreign"
    COPIED = "copied"
    ROLLED_BACK = "rolled_back"
    AHEAD = "ahead"
    PENDING = "pending"
    TAG_LOST = "tag_lost"


class FilestoreState(StrEnum):
    """Whose files stand in the lane's filestore folder."""

    ABSENT = "absent"
    EMPTY = "empty"
    OURS = "ours"
    FOREIGN = "foreign"
    STALE = "stale"
    UNTAGGED = "untagged"
    ELSEWHERE = "elsewhere"
    UNREADABLE = "unreadable"


class RuntimeState(StrEnum):
    """What the second witness said."""

    AGREES = "agrees"
    ATTESTED = "attested"
    SILENT = "silent"
    OTHER_LANE = "other_lane"
    OTHER_DEPLOYMENT = "other_deployment"
    OTHER_DATABASE = "other_database"


class KeepState(StrEnum):
    """Whether there is a place for what is set aside."""

    READY = "ready"
    NOT_CONFIGURED = "not_configured"
    OTHER_VOLUME = "other_volume"
    UNUSABLE = "unusable"


class RoomState(StrEnum):
    """Whether old and new fit on the lane's volume side by side."""

    ENOUGH = "enough"
    NOT_ENOUGH = "not_enough"
    UNKNOWN = "unknown"


class TargetOrigin(StrEnum):
    """Where the provider target in a request was read."""

    PROVIDER = "provider"
    RECORD = "record"
    TYPED = "typed"
    """An operator says so; whoever acts through the provider reads it there once more."""


class Weight(StrEnum):
    """How much a step may cost, which says how many people must sign it."""

    ROUTINE = "routine"
    CONSEQUENTIAL = "consequential"
    GRAVE = "grave"


class OldPlace(StrEnum):
    """What became of the place where moved data was recorded."""

    GONE = "gone"
    CLOSED = "closed"
    ATTESTED = "attested"


class ShadowState(StrEnum):
    """Whether the served files lie in the keep a second time, as hard links."""

    PRESENT = "present"
    ABSENT = "absent"
    IMPOSSIBLE = "impossible"


class Witnessing(StrEnum):
    """By which road the runtime witness came."""

    ANSWERED = "answered"
    ATTESTED = "attested"


class OperationPhase(StrEnum):
    """How far an operation has come in the store."""

    AUTHORIZED = "authorized"
    STARTED = "started"
    BEGUN = "begun"
    MATERIALISED = "materialised"
    SETTLED = "settled"
    UNDONE = "undone"
    ABORTED = "aborted"
    EXPIRED = "expired"
    FAILED = "failed"


UNFINISHED_PHASES = frozenset(
    {OperationPhase.STARTED, OperationPhase.BEGUN, OperationPhase.MATERIALISED}
)
"""Phases in which a lane's server may already have been changed."""

LIVE_PHASES = UNFINISHED_PHASES | {OperationPhase.AUTHORIZED}
"""Phases in which an operation holds its lane."""


class RowState(StrEnum):
    """What the marker row says of itself."""

    PENDING = "pending"
    SETTLED = "settled"


class TagState(StrEnum):
    """What an engine or filestore tag says about the data that it lies beside."""

    LIVE = "live"
    PENDING = "pending"
    KEPT = "kept"
