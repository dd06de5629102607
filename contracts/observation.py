"""What the rule book looks at: the readings, judged one by one."""

from .approval import Approval, Thresholds
from .contract import (
    Contract,
    FilestorePathField,
    NonceField,
    OperationIdField,
    PermitIdField,
    SystemIdentifierField,
    UtcInstant,
)
from .evidence import IncomingData, KeptData, PresentEvidence
from .lane import Lane
from .marker import EngineTag, Generation, PhysicalIdentity
from .reading import ByteCount
from .vocabulary import (
    DatabaseState,
    DataSource,
    FilestoreState,
    KeepState,
    MarkerState,
    Operation,
    OperationPhase,
    RoomState,
    RuntimeState,
)


class UnfinishedOperation(Contract):
    """An operation that holds the lane."""

    operation_id: OperationIdField
    """The operation."""
    phase: OperationPhase
    """How far it came."""
    operation: Operation
    """What was asked for."""
    data_source: DataSource
    """Where the data was to come from."""
    permit_id: PermitIdField | None = None
    """The permit that was signed for it last."""
    earlier_permits: tuple[PermitIdField, ...] = ()
    """Permits that were signed for it before that one, oldest first."""
    begun_at: UtcInstant | None = None
    """When the data was set aside (UTC), where that is on record."""
    authoritative: bool = True
    """Whether the data that it found counted as the only true copy."""

    @property
    def permits(self) -> tuple[PermitIdField | None, ...]:
        """Every permit that was signed for it, oldest first."""
        return (*self.earlier_permits, self.permit_id)


class HostRecord(Contract):
    """What the host last recorded of the lane."""

    lane: Lane
    """The lane."""
    generation: Generation | None = None
    """The generation last settled; None when no data was ever recorded here."""
    declared_lost: bool = False
    """Whether people gave up the data of that generation, so that none of it is expected."""
    retired: bool = False
    """Whether the lane came to its end; data that is recorded for it again ends that."""
    nonce: NonceField | None = None
    """The nonce of the marker last settled."""
    identity: PhysicalIdentity | None = None
    """Where that data stood."""
    filestore_path: FilestorePathField | None = None
    """Where its files stood."""
    unfinished: UnfinishedOperation | None = None
    """The operation that holds the lane."""
    kept: tuple[KeptData, ...] = ()
    """What was set aside and not released."""


class DatabaseObservation(Contract):
    """The database, judged."""

    state: DatabaseState
    """What stands under the name."""
    detail: str = ""
    """What was seen, for people."""
    identity: PhysicalIdentity | None = None
    """Where the data stands, where it has a marker table."""
    oid: int | None = None
    """The oid of what stands under the name."""
    system_identifier: SystemIdentifierField | None = None
    """The cluster that answered."""
    tag: EngineTag | None = None
    """Its tag."""
    locked: bool = False
    """Whether PostgreSQL refuses to drop it."""
    may_rename: bool = True
    """Whether the role can set it aside."""
    rename_problem: str = ""
    """Why it cannot."""


class MarkerObservation(Contract):
    """The marker, judged."""

    state: MarkerState
    """What it is worth."""
    detail: str = ""
    """What was seen, for people."""
    authoritative: bool = False
    """Whether it says that the data is the only true copy."""
    claimed: bool = False
    """Whether protection was asked for inside Odoo."""
    generation: int | None = None
    """The generation that it names."""
    permit_id: PermitIdField | None = None
    """The permit that wrote it, where it is pending."""
    is_anothers_own: bool = False
    """Whether it was signed for another lane, and for the very database in which it stands."""


class FilestoreObservation(Contract):
    """The files, judged."""

    state: FilestoreState
    """Whose they are."""
    path: FilestorePathField
    """The folder."""
    detail: str = ""
    """What was seen, for people."""


class RuntimeObservation(Contract):
    """The second witness, judged."""

    state: RuntimeState
    """What it said."""
    detail: str = ""
    """What was seen, for people."""
    stays_listed_when_locked: bool = False
    """Whether it said that Odoo goes on serving a locked database."""


class KeepObservation(Contract):
    """The place for what is set aside."""

    state: KeepState
    """Whether it can be used."""
    detail: str = ""
    """What was seen, for people."""


class RoomObservation(Contract):
    """Whether old and new fit side by side."""

    state: RoomState = RoomState.UNKNOWN
    """What was found out."""
    needed_bytes: ByteCount | None = None
    """What is to come, and what has to be copied to be set aside."""
    free_bytes: ByteCount | None = None
    """What is free on the volume that it comes to."""


class Observation(Contract):
    """All that one decision is based on."""

    lane: Lane
    """The lane that was looked at."""
    record: HostRecord
    """What the host last recorded."""
    database: DatabaseObservation
    """The database."""
    marker: MarkerObservation
    """The marker."""
    filestore: FilestoreObservation
    """The files."""
    runtime: RuntimeObservation
    """The second witness."""
    keep: KeepObservation
    """The place for what is set aside."""
    room: RoomObservation = RoomObservation()
    """Whether old and new fit side by side."""
    present: PresentEvidence = PresentEvidence()
    """Backups of the data that is there."""
    incoming: IncomingData = IncomingData()
    """The data that is to come."""
    approvals: tuple[Approval, ...] = ()
    """Verified signatures under the plan's digest."""
    thresholds: Thresholds = Thresholds()
    """How many signatures this installation asks for."""
    store_trusted: bool = True
    """Whether the store is not behind the ledger head that is kept beside the key."""
    clock_trusted: bool = True
    """Whether the host's clock agrees with the ledger's and the server's."""
    clock_detail: str = ""
    """What was seen of the clocks, for people."""
    taken_at: UtcInstant
    """When the readings were judged (UTC)."""

    @property
    def nothing_to_set_aside(self) -> bool:
        """Whether neither rows nor files stand at the lane's place. A marker speaks against it."""
        return (
            self.database.state in (DatabaseState.ABSENT, DatabaseState.UNINITIALISED)
            and self.marker.state is MarkerState.NOT_APPLICABLE
            and self.filestore.state in (FilestoreState.ABSENT, FilestoreState.EMPTY)
        )
