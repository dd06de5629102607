"""What the witnesses answer: bare facts, not yet judged."""

from typing import Annotated

from pydantic import Field

from .contract import (
    Contract,
    DatabaseNameField,
    DigestField,
    FilestorePathField,
    PermitIdField,
    SystemIdentifierField,
    UtcInstant,
    VersionedContract,
)
from .evidence import SideData
from .lane import Lane
from .marker import EngineTag, FilestoreTag, MarkerRow, ObjectId, PhysicalIdentity
from .policy import UpstreamSource
from .snapshot_place import SnapshotPlace
from .vocabulary import KeepState, ShadowState

ByteCount = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class RuntimeIdentity(Contract):
    """What Launchplane put into the container's environment, as far as we look at it."""

    lane: Lane
    """The lane that the container runs for."""
    environment_kind: str = ""
    """Launchplane's word for the kind of environment."""
    deployment_record_id: str = ""
    """Launchplane's record of the deployment that started the container."""
    artifact_id: str = ""
    """The image's artifact."""
    source_git_ref: str = ""
    """The source that the image was built from."""


class ServerReading(Contract):
    """The PostgreSQL server and the role that looks at it."""

    system_identifier: SystemIdentifierField
    """What initdb gave the cluster."""
    version: int
    """`server_version_num`."""
    now: UtcInstant
    """The server's clock (UTC)."""
    in_recovery: bool
    """Whether it is a replica."""
    role: str
    """The role that is logged in."""
    role_is_superuser: bool
    """Whether that role may do anything."""
    role_may_create_databases: bool
    """Whether that role has CREATEDB, without which it may not rename one."""
    place: SnapshotPlace | None = None
    """Where it stands, as it counts itself; None from a reader that does not say it."""


class DatabaseEntry(Contract):
    """One database in the server's catalogue, seen from outside."""

    name: DatabaseNameField
    """Its name."""
    oid: ObjectId
    """Its oid."""
    owned: bool
    """Whether the role that looks at it is (a member of) its owner."""
    locked: bool
    """Whether it is a template, which PostgreSQL refuses to drop."""
    takes_connections: bool
    """Whether anybody may connect."""
    tag: EngineTag | None
    """Our tag, where it has one that can be read."""
    size_bytes: ByteCount | None = None
    """Its size, where it is kept data and the size may be seen."""


class ContentsReading(Contract):
    """What an Odoo database holds, for people who are to say whose data it is."""

    users: Count
    """How many active users it has."""
    last_activity: UtcInstant | None = None
    """The last login that it knows of (UTC)."""


class DatabaseReading(Contract):
    """The lane's database and its neighbours."""

    name: DatabaseNameField
    """The name that the lane is configured with."""
    problem: str | None = None
    """Why the server or the database could not be read."""
    server: ServerReading | None = None
    """The server, where it answered."""
    entry: DatabaseEntry | None = None
    """What stands under the name."""
    neighbours: tuple[DatabaseEntry, ...] = ()
    """The server's other databases."""
    size_bytes: ByteCount | None = None
    """The size of what stands under the name."""
    holds_relations: bool | None = None
    """Whether any user relation or large object exists in it; None when it was not read."""
    marker_table_oid: ObjectId | None = None
    """The oid of the marker's table."""
    marker_row: MarkerRow | None = None
    """The marker row."""
    marker_problem: str | None = None
    """Why a marker that is there could not be read."""
    marker_digest: DigestField | None = None
    """Digest of the marker's rows as text; None where there is none, or they were not read."""
    contents: ContentsReading | None = None
    """What is in it; None where it is no Odoo, or it was not read."""

    def identity(self) -> PhysicalIdentity | None:
        """The physical identity of what stands under the name, where it has a marker table."""
        if self.server is None or self.entry is None or self.marker_table_oid is None:
            return None
        return PhysicalIdentity(
            system_identifier=self.server.system_identifier,
            database_oid=self.entry.oid,
            database_name=self.entry.name,
            marker_table_oid=self.marker_table_oid,
        )


class FilestoreReading(Contract):
    """The lane's filestore folder."""

    path: FilestorePathField
    """The folder that the lane is configured with."""
    problem: str | None = None
    """Why it could not be read."""
    exists: bool = False
    """Whether there is a folder."""
    holds_files: bool = False
    """Whether anything but our tag is in it."""
    is_mount_point: bool = False
    """Whether the folder itself is a mount point, which cannot be renamed."""
    tag: FilestoreTag | None = None
    """Its tag."""
    tag_problem: str | None = None
    """Why a tag that is there could not be read."""


class BeginRecord(Contract):
    """What the keep remembers of one permit that was begun."""

    permit_id: PermitIdField
    """The permit."""
    begun_at: UtcInstant
    """When `begin` noted it (UTC)."""
    set_aside: bool
    """Whether everything was set aside."""
    ended: bool
    """Whether it was settled, undone or aborted."""
    going_back: bool = False
    """Whether what it set aside has begun to go back, and may have come half-way."""


class KeptFilestore(Contract):
    """One filestore folder in the keep."""

    name: str
    """Its folder, which is the name of the kept database."""
    tag: FilestoreTag | None
    """Its tag."""


class KeepReading(Contract):
    """The folder beside the filestore where things are set aside."""

    state: KeepState
    """Whether it can be used."""
    path: FilestorePathField | None = None
    """Where it is."""
    free_bytes: ByteCount | None = None
    """Room on its volume."""
    copied_bytes: ByteCount | None = None
    """What setting the served folder aside would copy into it; None where a rename does it."""
    problem: str | None = None
    """Why it cannot be used."""
    filestores: tuple[KeptFilestore, ...] = ()
    """What lies in it."""
    begun: tuple[BeginRecord, ...] = ()
    """Permits that were begun here."""
    sides: tuple[SideData, ...] = ()
    """Data that was restored beside the lane, verified, and waits for the name."""


class ShadowReading(Contract):
    """The hard links in the keep that outlive a filestore which somebody empties."""

    state: ShadowState
    """Whether the data that is served has a shadow, or could have one."""
    path: FilestorePathField | None = None
    """Where it is, or would be."""
    files: Annotated[int, Field(ge=0)] = 0
    """How many files it held when it was last refreshed."""
    refreshed_at: UtcInstant | None = None
    """When that was (UTC)."""
    problem: str | None = None
    """Why there is none, or why it could not be read."""


class DeclarationReading(Contract):
    """What the lane's image says of the upstream source that the tenant declared."""

    path: FilestorePathField | None = None
    """The file that the image names; None where it names none."""
    problem: str | None = None
    """Why no declaration of this lane could be read from it."""
    upstream_source: UpstreamSource | None = None
    """The source that is declared; None where there is none."""


class LaneReading(VersionedContract):
    """Everything that the guard sees from inside the lane's runtime."""

    lane: Lane | None
    """The lane that the environment names, where it names one."""
    runtime_identity: RuntimeIdentity | None
    """The environment's identity, where it is there and well formed."""
    identity_problem: str | None = None
    """Why the environment's identity could not be read."""
    database: DatabaseReading
    """The database."""
    filestore: FilestoreReading
    """The files."""
    keep: KeepReading
    """The keep."""
    shadow: ShadowReading | None = None
    """The shadow of the files; None from a guard that knows of none."""
    declaration: DeclarationReading | None = None
    """The tenant's declaration in the image; None from a guard that knows of none."""
    read_at: UtcInstant
    """When it was read, by the guard's clock (UTC)."""
    guard_version: str
    """The guard's version."""
    rulebook_version: int
    """The version of the guard's rule book."""


class RuntimeReading(VersionedContract):
    """What the running Odoo answers over HTTP."""

    runtime_identity: RuntimeIdentity | None
    """The environment's identity, where it is there and well formed."""
    identity: PhysicalIdentity | None
    """The database that this Odoo is connected to."""
    marker_generation: int | None
    """The generation in that database's marker row, unverified."""
    filestore_path: FilestorePathField | None
    """The folder that this Odoo serves files from."""
    filestore_tag: FilestoreTag | None
    """The tag in that folder."""
    registry_loaded: bool
    """Whether the database's registry is loaded."""
    neutralised: bool | None
    """Whether the database was neutralised; None when it could not be read."""
    stays_listed_when_locked: bool
    """Whether this Odoo goes on serving its database once that is locked."""
    quarantine_loaded: bool | None = None
    """Whether quarantine holds in every database of it; None from an addon that does not say."""
    addon_version: str
    """The addon's version."""
    rulebook_version: int
    """The version of the addon's rule book."""


class RuntimeWitness(Contract):
    """What the host has of the second witness: an answer or the reason for its silence."""

    reading: RuntimeReading | None = None
    """The answer."""
    problem: str | None = None
    """Why there is none."""
    attested_by: str | None = None
    """Who ordered that the guard attest for a runtime that is down."""
