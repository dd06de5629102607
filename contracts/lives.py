"""The lives of a lane other than a rebuild: what each would do, and what a signature covers."""

from typing import Annotated

from pydantic import Field

from .contract import (
    BackupIdField,
    DatabaseNameField,
    DigestField,
    FilestorePathField,
    NonceField,
    OperationId,
    OperationIdField,
    PersonField,
    SystemIdentifierField,
    VersionedContract,
)
from .lane import Lane
from .marker import Generation, ObjectId
from .orders import KeptReference, ProvenByBackup
from .vocabulary import DatabaseState, FilestoreState, MarkerState, OldPlace, Weight


class LifeDocument(VersionedContract):
    """What people sign when they let a lane go through something that is no rebuild."""

    lane: Lane
    """The lane."""
    requester: PersonField
    """Who asks."""
    reason: Annotated[str, Field(max_length=2000)] = ""
    """Why, in that person's words."""

    @property
    def weight(self) -> Weight:
        """How many people must sign it."""
        return Weight.CONSEQUENTIAL

    @property
    def ends(self) -> OperationId | None:
        """The operation that ends with it though it is unfinished; None for all lives but one."""
        return None


class Adoption(LifeDocument):
    """What stands at the lane's own place is taken as its data again, as the only true copy."""

    system_identifier: SystemIdentifierField
    """The cluster."""
    database: DatabaseNameField
    """The database's name."""
    database_oid: ObjectId
    """The database's oid."""
    filestore_path: FilestorePathField
    """The folder of its files."""
    policy_revision: Annotated[int, Field(ge=1)]
    """The policy that the new marker shows."""
    recorded_generation: Generation | None
    """The generation last recorded; None where none was."""
    marker: MarkerState
    """What the marker that is there is worth."""
    marker_digest: DigestField | None
    """Digest of the marker's row, which is replaced; None where there is none."""
    files: FilestoreState
    """Whose the files say that they are."""
    only_a_tag_was_lost: bool
    """Whether signature, place and writing of the marker are as recorded, and only a tag is not."""

    @property
    def weight(self) -> Weight:
        """A lost tag is written again by whoever finds it lost."""
        return Weight.ROUTINE if self.only_a_tag_was_lost else Weight.CONSEQUENTIAL


class Release(LifeDocument):
    """Kept data of the lane is dropped."""

    kept: KeptReference
    """Which."""
    has_filestore: bool
    """Whether a folder of files goes with it."""
    authoritative: bool
    """Whether policy or marker called it the only true copy, when it was set aside or now."""
    proof: ProvenByBackup | None
    """The proof of a backup of this very data, where there is one."""
    early: bool
    """Whether it goes before the time until which it is kept."""

    @property
    def weight(self) -> Weight:
        """Two approvers give authoritative data up; one lets data go early."""
        if self.authoritative and self.proof is None:
            return Weight.GRAVE
        return Weight.CONSEQUENTIAL if self.early else Weight.ROUTINE


class BackupGivenUp(LifeDocument):
    """A backup on whose proof kept data was dropped may go: what was in it is given up."""

    backup_id: BackupIdField
    """The backup."""
    held: Annotated[tuple[DatabaseNameField, ...], Field(min_length=1, max_length=10_000)]
    """The kept data that was dropped because this backup holds it."""

    @property
    def weight(self) -> Weight:
        """As a release of that data without a proof."""
        return Weight.GRAVE


class Restamping(LifeDocument):
    """The same data gets its marker again, signed with the key that signs now."""

    policy_revision: Annotated[int, Field(ge=1)]
    """The policy that the new marker shows."""
    generation: Generation
    """The generation, which stays."""
    authoritative: bool
    """Whether it is the only true copy: it stays so, or becomes it by the policy in force."""
    marker_digest: DigestField
    """Digest of the marker's row, which is replaced."""

    @property
    def weight(self) -> Weight:
        """Nothing is allowed by it that was not before."""
        return Weight.ROUTINE


class Move(LifeDocument):
    """The lane's data stands on another server from now on."""

    policy_revision: Annotated[int, Field(ge=1)]
    """The policy that the new marker shows."""
    recorded_generation: Generation
    """The generation last recorded, at the old place."""
    authoritative: bool
    """Whether the data is the only true copy."""
    from_system_identifier: SystemIdentifierField
    """The cluster of the old place."""
    from_oid: ObjectId
    """The oid of the database there."""
    system_identifier: SystemIdentifierField
    """The cluster of the new place."""
    database: DatabaseNameField
    """The database's name at the new place."""
    database_oid: ObjectId
    """Its oid there."""
    filestore_path: FilestorePathField
    """The folder of its files there."""
    marker_digest: DigestField
    """Digest of the marker's row that came along, which is replaced."""
    files: FilestoreState
    """Whose the files say that they are."""
    old_place: OldPlace
    """How it is known that the data is no longer live at the old place."""
    old_guard: Annotated[tuple[str, ...], Field(max_length=100)]
    """The command by which the old place was read; empty where nobody looked."""
    kept_taken: tuple[DatabaseNameField, ...]
    """Kept data that was taken along."""
    kept_proven: tuple[DatabaseNameField, ...]
    """Kept data that stays behind, of which a backup is proven."""
    kept_left: tuple[DatabaseNameField, ...]
    """Kept data that stays behind and is not the only true copy."""
    kept_given_up: tuple[DatabaseNameField, ...]
    """Kept data that stays behind, was the only true copy, and has no proven backup."""

    @property
    def weight(self) -> Weight:
        """Giving authoritative data up is graver than the move."""
        return Weight.GRAVE if self.kept_given_up else Weight.CONSEQUENTIAL


class Copying(LifeDocument):
    """What stands at the lane's place is accepted as a copy of another lane's data."""

    policy_revision: Annotated[int, Field(ge=1)]
    """The policy that the new marker shows."""
    recorded_generation: Generation | None
    """The generation last recorded of this lane; None where none was."""
    copy_of: Lane
    """The lane whose data it is a copy of."""
    generation_there: Generation
    """The generation of that lane that the marker names."""
    authoritative_there: bool
    """Whether marker, claim or that lane's policy calls it the only true copy."""
    original_seen: bool
    """Whether the original was read alive at its own place."""
    system_identifier: SystemIdentifierField
    """The cluster of the copy."""
    database: DatabaseNameField
    """The copy's name."""
    database_oid: ObjectId
    """The copy's oid."""
    filestore_path: FilestorePathField
    """The folder of its files."""
    marker_digest: DigestField
    """Digest of the marker's row, which is replaced."""


class Retirement(LifeDocument):
    """The lane comes to its end: what is there is set aside and kept, and nothing is allowed."""

    recorded_generation: Generation
    """The generation last recorded."""
    policy_revision: Annotated[int, Field(ge=1)]
    """The policy in force, which is replaced by one that allows nothing new."""
    authoritative: bool
    """Whether the data is the only true copy; it is kept as such."""
    database: DatabaseNameField
    """The lane's database name."""
    filestore_path: FilestorePathField
    """The lane's folder of files."""
    database_oid: ObjectId | None
    """The oid of the database that is set aside; None where none stands there."""
    has_filestore: bool
    """Whether a folder with files is set aside."""

    @property
    def weight(self) -> Weight:
        """As that of a rebuild, which sets the same data aside."""
        return Weight.CONSEQUENTIAL if self.authoritative else Weight.ROUTINE


class Lowering(LifeDocument):
    """The marker of the lane's data loses its authority, and a claim with it."""

    policy_revision: Annotated[int, Field(ge=1)]
    """The policy in force, which does not call the data the only true copy."""
    generation: Generation
    """The generation, which stays."""
    lowers_nonce: NonceField
    """The nonce of the marker that is lowered."""
    authoritative: bool
    """Whether that marker calls the data the only true copy."""
    claimed: bool
    """Whether protection was claimed inside Odoo."""
    carried_by: DigestField | None
    """The policy change whose signatures were given for this as well; None where none were."""

    @property
    def weight(self) -> Weight:
        """It was signed for with the policy, or is as grave as loosening one."""
        return Weight.GRAVE if self.carried_by is None else Weight.ROUTINE


class Loss(LifeDocument):
    """The lane's recorded data is given up as lost; what can be reached of it is set aside."""

    recorded_generation: Generation
    """The generation last recorded."""
    recorded_oid: ObjectId | None
    """The oid of the database last recorded; None after an earlier loss."""
    database: DatabaseNameField
    """The lane's database name."""
    filestore_path: FilestorePathField
    """The lane's folder of files."""
    found: DatabaseState
    """What was found under the name."""
    database_oid: ObjectId | None
    """The oid of what stands there and is set aside; None where none does."""
    generation_there: Generation
    """The generation of what stands there, as far as it is known."""
    has_filestore: bool
    """Whether a folder with files is set aside."""
    ends_operation: OperationIdField | None = None
    """The unfinished operation that ends with it: the data that it could give back is gone."""
    kept_gone: tuple[DatabaseNameField, ...] = ()
    """The names under which that data was kept, and is no more."""

    @property
    def ends(self) -> OperationId | None:
        """The unfinished operation, where the data that it could give back is gone."""
        return OperationId(self.ends_operation) if self.ends_operation is not None else None
