"""Records that a backup was taken, and that it was restored and compared."""

from typing import Annotated

from pydantic import Field

from .contract import (
    BackupIdField,
    Contract,
    DatabaseNameField,
    DigestField,
    Duration,
    FilestorePathField,
    NonceField,
    OperationIdField,
    PermitIdField,
    SystemIdentifierField,
    UtcInstant,
    VersionedContract,
)
from .lane import Lane
from .marker import Generation, ObjectId
from .policy import UpstreamSource
from .snapshot_place import SnapshotPlace


class BackupGate(VersionedContract):
    """One backup was captured."""

    backup_id: BackupIdField
    """The backup."""
    lane: Lane
    """The lane whose data it holds."""
    generation: Generation
    """The generation of that data."""
    system_identifier: SystemIdentifierField
    """The cluster that it was taken from."""
    database_oid: ObjectId
    """The database that it was taken from."""
    filestore_path: FilestorePathField
    """The folder that its files were taken from."""
    snapshot_at: UtcInstant
    """The moment that it holds (UTC)."""
    manifest_digest: DigestField
    """Digest of its manifest."""
    snapshot: SnapshotPlace | None = None
    """The same moment as the server counts; None where nobody said it."""


class DataProof(VersionedContract):
    """A backup was restored into a scratch database and gave the same rows and files."""

    backup_id: BackupIdField
    """The backup."""
    manifest_digest: DigestField
    """Digest of the manifest that was proven."""
    proven_at: UtcInstant
    """When (UTC)."""
    took: Duration | None = None
    """How long restoring and comparing took: what a real restore would take."""
    fingerprint_digest: DigestField | None = None
    """Digest of the content fingerprint that the restored database had."""
    source_digest: DigestField | None = None
    """Digest of all files of the folder that was captured; of kept data only, which rests."""


class LoadProof(VersionedContract):
    """An Odoo registry was loaded on a restored backup."""

    backup_id: BackupIdField
    """The backup."""
    manifest_digest: DigestField
    """Digest of the manifest that was proven."""
    proven_at: UtcInstant
    """When (UTC)."""
    took: Duration | None = None
    """How long the load command took."""


class KeptData(Contract):
    """Data of this lane that an earlier rebuild set aside."""

    lane: Lane
    """The lane whose data it is."""
    name: DatabaseNameField
    """The name that the database is kept under."""
    database_oid: ObjectId
    """Its oid."""
    generation: Generation
    """The generation of that data."""
    nonce: NonceField | None = None
    """The nonce of its marker, where the host knew it."""
    permit_id: PermitIdField
    """The permit under which it was set aside."""
    set_aside_at: UtcInstant
    """When (UTC)."""
    kept_until: UtcInstant | None = None
    """Until when (UTC) it is kept at least; None while the rebuild is not settled."""
    authoritative: bool
    """Whether policy or marker called it authoritative when it was set aside."""
    has_filestore: bool
    """Whether a filestore folder was set aside with it."""


class SourcePlace(Contract):
    """Where the upstream source was found to stand."""

    system_identifier: SystemIdentifierField
    """Its cluster."""
    database_oid: ObjectId
    """Its database."""


class SideData(VersionedContract):
    """Data that was restored beside the lane and verified there; it only waits for the name."""

    operation_id: OperationIdField
    """The operation that it was brought for."""
    name: DatabaseNameField
    """The side database."""
    database_oid: ObjectId
    """Its oid."""
    source: str
    """Where it came from, in words."""
    fingerprint_digest: DigestField
    """Digest of its content as it came, equal to the source's."""
    files: Annotated[int, Field(ge=0)]
    """How many files came with it, each one that its rows name but for these:"""
    lacking: tuple[str, ...] = ()
    """Files that were missing or damaged when the backup was captured, and accepted as such."""
    neutralised: bool
    """Whether it was neutralised since."""
    verified_at: UtcInstant
    """When all of that was so (UTC)."""


class IncomingData(Contract):
    """What is known of the data that is to come."""

    declared_upstream: UpstreamSource | None = None
    """The upstream source that the tenant's declaration names."""
    declaration_problem: str = ""
    """Why no such source is known, where the lane's image was asked for it."""
    upstream_place: SourcePlace | None = None
    """Where that source was found to stand; None when nobody could look."""
    backup: BackupGate | None = None
    """The backup that is to be restored."""
    backup_load_proof: LoadProof | None = None
    """Its load proof."""
    kept: KeptData | None = None
    """The kept data that is to come back, as the host recorded it."""
    kept_is_unchanged: bool = False
    """Whether it was seen with the oid and the tag that were recorded."""
    side: SideData | None = None
    """What was restored beside the lane and takes its name; None where a materialiser comes."""


class UpstreamDeclaration(VersionedContract):
    """What the tenant's own repository names as a lane's upstream source."""

    lane: Lane
    """The lane."""
    source: UpstreamSource
    """The source that it names."""
    declared_at: UtcInstant
    """When the declaration was read (UTC)."""


Evidence = BackupGate | DataProof | LoadProof | UpstreamDeclaration
"""What is recorded beside a lane, and what its plans are then judged by."""


class PresentEvidence(Contract):
    """What is known of a backup of the data that is there now."""

    gate: BackupGate | None = None
    """The newest gate of the lane."""
    data_proof: DataProof | None = None
    """The proof of that gate's backup."""
