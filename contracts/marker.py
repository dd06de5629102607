"""The marker and the tags: what lies in and beside the data and says whose it is."""

from typing import Annotated, Self

from pydantic import Field, ValidationError

from .contract import (
    Contract,
    DatabaseNameField,
    FilestorePathField,
    NonceField,
    PermitIdField,
    SystemIdentifierField,
    UtcInstant,
    VersionedContract,
)
from .lane import Lane
from .policy import Policy
from .vocabulary import DataSource, Operation, RolloutState, RowState, TagState

MARKER_TABLE = "launchplane_lane_marker"
"""The table in the lane's database, in schema `public`, that holds the one marker row."""

EVENT_TABLE = "launchplane_lane_event"
"""The table beside it, to which events are only ever added."""

ENGINE_TAG_PREFIX = "launchplane-lane-authority "
"""How a database comment of ours begins."""

FILESTORE_TAG_NAME = ".launchplane-lane-authority.json"
"""The file at the root of a filestore folder that carries its tag."""

ObjectId = Annotated[int, Field(ge=1, le=2**32 - 1)]
"""A PostgreSQL object identifier (oid)."""

Generation = Annotated[int, Field(ge=1)]
"""Counts up for each lane whenever other data takes its name."""


class PhysicalIdentity(Contract):
    """Facts that do not travel with a copy: one cluster, one database, one table in it."""

    system_identifier: SystemIdentifierField
    """What initdb gave the cluster (`pg_control_system()`)."""
    database_oid: ObjectId
    """The database's oid."""
    database_name: DatabaseNameField
    """The database's name."""
    marker_table_oid: ObjectId
    """The oid of the marker's table, which a restore makes anew."""


class Lineage(Contract):
    """Where the data under a marker came from."""

    operation: Operation | None = None
    """The rebuild that brought it; None when data that was there was enrolled."""
    data_source: DataSource | None = None
    """What the rebuild brought; None when data that was there was enrolled."""
    permit_id: PermitIdField | None = None
    """The permit that allowed it."""
    set_aside: DatabaseNameField | None = None
    """The name under which the data before it is kept."""
    kept_until: UtcInstant | None = None
    """Until when (UTC) that is kept at least."""


class MarkerRow(Contract):
    """The row as it stands in the database. All but the claim must say what its token says."""

    token: str
    """The signed order that wrote the row."""
    state: RowState
    """Whether the rebuild that wrote it is settled."""
    lane: str
    """The lane, written product/context/instance."""
    rollout_state: RolloutState
    """As the policy had it when the row was written."""
    authoritative: bool
    """Whether the data is the only true copy."""
    generation: int
    """The lane's generation."""
    nonce: str
    """The nonce of the order that wrote the row."""
    claimed: bool = False
    """Whether somebody inside Odoo asked for protection. It only ever tightens."""

    def says_the_same_as(self, other: "MarkerRow") -> bool:
        """Whether all but the claim is equal."""
        return self.model_copy(update={"claimed": other.claimed}) == other


class Marker(VersionedContract):
    """Whose data this is. Signed as part of the order that puts it into the database."""

    lane: Lane
    """The lane that the data belongs to."""
    policy: Policy
    """The lane's policy when this was written, for people to read; the host's record decides."""
    policy_revision: Annotated[int, Field(ge=1)]
    """The number of that policy's revision."""
    authoritative: bool
    """Whether the data is the only true copy."""
    generation: Generation
    """The lane's generation."""
    nonce: NonceField
    """New for each writing of the row."""
    identity: PhysicalIdentity
    """Where the data stands."""
    filestore_path: FilestorePathField
    """The folder of its files."""
    lineage: Lineage
    """Where the data came from."""
    stamped_at: UtcInstant
    """When the control plane signed it (UTC)."""

    def row(self, token: str) -> MarkerRow:
        """The row that the order `token` writes for this marker."""
        return MarkerRow(
            token=token,
            state=RowState.SETTLED,
            lane=str(self.lane),
            rollout_state=self.policy.rollout_state,
            authoritative=self.authoritative,
            generation=self.generation,
            nonce=self.nonce,
        )


class EngineTag(VersionedContract):
    """The marker in short, as a comment on the database; readable without connecting to it."""

    lane: Lane
    """The lane that the data belongs to."""
    generation: Generation
    """The generation of that data."""
    database_oid: ObjectId
    """The oid for which the tag was written; a copied tag does not fit its database."""
    state: TagState
    """Whether the data is live, pending or kept."""
    permit_id: PermitIdField | None = None
    """The permit that wrote it, where one did."""
    set_aside_at: UtcInstant | None = None
    """When it was set aside (UTC), where it was."""

    def text(self) -> str:
        """The comment."""
        return ENGINE_TAG_PREFIX + self.canonical().decode()

    @classmethod
    def from_comment(cls, comment: str | None) -> Self | None:
        """The tag in a database comment, or None when it holds none that can be read."""
        if comment is None or not comment.startswith(ENGINE_TAG_PREFIX):
            return None
        try:
            return cls.from_json(comment.removeprefix(ENGINE_TAG_PREFIX))
        except ValidationError:
            return None


class FilestoreTag(VersionedContract):
    """The same in a small file at the root of the filestore."""

    lane: Lane
    """The lane that the files belong to."""
    generation: Generation
    """The generation of the data that names them."""
    system_identifier: SystemIdentifierField
    """The cluster of that data."""
    database_oid: ObjectId | None
    """The database of that data; None while a rebuild has not made it yet."""
    state: TagState
    """Whether the files are live, pending or kept."""
    permit_id: PermitIdField | None = None
    """The permit that wrote it, where one did."""
