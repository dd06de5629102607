"""What the control plane signs: orders that the guard carries out, and nothing else."""

from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from .contract import (
    RULEBOOK_VERSION,
    BackupIdField,
    Contract,
    DatabaseNameField,
    DigestField,
    FilestorePathField,
    NonceField,
    OperationIdField,
    PermitIdField,
    PersonField,
    UtcInstant,
    VersionedContract,
)
from .decision import Obligations
from .evidence import BackupGate
from .lane import Lane
from .marker import Generation, Marker, MarkerRow, ObjectId
from .observation import Observation
from .policy import Policy, UpstreamSource
from .request import Request
from .vocabulary import RowState

AUDIENCE = "launchplane-lane-guard"
"""The `aud` of every order."""

ISSUER = "launchplane-lane-authority"
"""The `iss` of every order."""

RUNTIME_AUDIENCE = "launchplane-lane-runtime"
"""The `aud` of the token that asks a running Odoo."""


class Order(VersionedContract):
    """What all orders have in common."""

    lane: Lane
    """The lane that it is for."""
    nonce: NonceField
    """New for each order; the receipt repeats it."""
    database: DatabaseNameField
    """The database name that the lane's environment must have."""
    filestore_path: FilestorePathField
    """The filestore folder that the lane's environment must have."""
    issued_at: UtcInstant
    """When it was signed (UTC)."""
    begin_before: UtcInstant
    """The instant (UTC) after which it may no longer be started."""
    rulebook_version: Annotated[int, Field(ge=1)]
    """The version of the signer's rule book."""


class Permit(Order):
    """Leave to do exactly one rebuild. Single use."""

    kind: Literal["permit"] = "permit"
    """Tells the orders apart."""
    permit_id: PermitIdField
    """Never used twice."""
    plan_digest: DigestField
    """The plan that was reviewed."""
    request: Request
    """What was asked for."""
    policy: Policy
    """The policy in force when it was signed."""
    policy_revision: int
    """The number of that policy's revision."""
    generation: Generation
    """The generation that the lane will have."""
    obligations: Obligations
    """What must be true when it is over."""
    kept_name: DatabaseNameField
    """The name under which what is there is set aside."""
    observation: Observation
    """What the host saw and knew; the guard decides again from it and its own reading."""
    retries_permits: tuple[PermitIdField, ...] = ()
    """The permits of the same operation that were signed before, oldest first; it ends them."""

    def pending_row(self, token: str) -> MarkerRow:
        """The row that `finish` writes before the control plane has settled the rebuild."""
        return MarkerRow(
            token=token,
            state=RowState.PENDING,
            lane=str(self.lane),
            rollout_state=self.policy.rollout_state,
            authoritative=self.obligations.authoritative,
            generation=self.generation,
            nonce=self.nonce,
        )


class PrepareOrder(Order):
    """Make the marker's empty table in a database that has none, so that it has an identity."""

    kind: Literal["prepare"] = "prepare"
    """Tells the orders apart."""
    database_oid: ObjectId
    """The database in which it is made."""


class StampOrder(Order):
    """Write this marker: after a rebuild (`permit_id`), or over data that was there (enrol)."""

    kind: Literal["stamp"] = "stamp"
    """Tells the orders apart."""
    permit_id: PermitIdField | None
    """The rebuild that it settles; None when data that was there is enrolled."""
    marker: Marker
    """The marker to write. Its physical identity must be the one that is found."""
    lock: bool
    """Whether PostgreSQL must refuse to drop the database from now on."""
    replaces: DigestField | None = None
    """Digest of the very row that may be replaced though no rebuild brought it (adopt)."""
    document_digest: DigestField | None = None
    """The document that was carried out by it, where it is another life than a rebuild."""
    ends: tuple[PermitIdField, ...] = ()
    """Earlier permits of the same operation, which end with it."""
    as_it_stands: bool = False
    """Whether the data of before the permit never left its name, and the operation ends with it."""
    copy_of: Lane | None = None
    """The other lane whose marker it replaces: the data is a copy, and is neutralised before."""

    @model_validator(mode="after")
    def _a_copy_has_no_authority(self) -> Self:
        if self.copy_of is not None and (
            self.marker.authoritative or self.replaces is None or self.copy_of == self.lane
        ):
            raise ValueError(
                "a copy of another lane's data replaces that lane's row and has no authority"
            )
        return self


class UndoOrder(Order):
    """Put kept data back; what stands under the name is kept instead."""

    kind: Literal["undo"] = "undo"
    """Tells the orders apart."""
    permit_id: PermitIdField
    """The permit whose set-aside is undone."""
    earlier_permits: tuple[PermitIdField, ...] = ()
    """Permits of the same operation that were signed before it, oldest first."""
    remains_name: DatabaseNameField
    """The name under which what stands there now is kept."""
    generation: Generation
    """The generation that the lane will have."""


class SetAsideOrder(Order):
    """Keep what stands at the lane's place though no rebuild follows (declare lost)."""

    kind: Literal["set-aside"] = "set-aside"
    """Tells the orders apart."""
    permit_id: PermitIdField
    """Names what is kept, as a rebuild's permit would."""
    kept_name: DatabaseNameField
    """The name that it is kept under."""
    database_oid: ObjectId | None
    """The database that must stand there; None where there is none, and only files are kept."""
    generation: Generation
    """The generation of that data."""
    has_filestore: bool
    """Whether the served folder goes with it."""
    ends: tuple[PermitIdField, ...] = ()
    """Permits of an operation that ends with it, oldest first: what they set aside is gone."""


class MaterialiseOrder(Order):
    """Restore a source beside the lane and verify it there. Nothing of the lane is changed."""

    kind: Literal["materialise"] = "materialise"
    """Tells the orders apart."""
    operation_id: OperationIdField
    """The authorized operation that it is for."""
    plan_digest: DigestField
    """The plan that was reviewed."""
    upstream: UpstreamSource | None = None
    """The one upstream source that may be read; None where a backup is restored."""
    backup: BackupGate | None = None
    """The one backup that may be restored; None where an upstream source is read."""
    neutralise: bool
    """Whether what came must be neutralised before it may take the name."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.upstream is None) is (self.backup is None):
            raise ValueError("exactly one source is materialised")
        return self


class LowerOrder(Order):
    """Lower an authoritative marker, or a claim, in the database that was read and bound."""

    kind: Literal["lower"] = "lower"
    """Tells the orders apart."""
    lowers_nonce: NonceField
    """The nonce of the marker that is lowered; another one is left as it is."""
    lowers_digest: DigestField | None = None
    """Digest of the very row that was signed over: a claim that was made since stays."""
    marker: Marker
    """The marker to write instead: same identity and generation, not authoritative."""
    lock: bool
    """Whether PostgreSQL must still refuse to drop the database."""

    @model_validator(mode="after")
    def _lowers(self) -> Self:
        if self.marker.authoritative:
            raise ValueError("an order that lowers may not write an authoritative marker")
        if self.marker.nonce == self.lowers_nonce:
            raise ValueError("the new marker needs a nonce of its own")
        return self


class KeptReference(Contract):
    """Which kept database is meant: all of it must be what stands there."""

    name: DatabaseNameField
    """The name that it is kept under."""
    database_oid: ObjectId
    """Its oid."""
    generation: Generation
    """The generation of its data, as its tag says it."""
    permit_id: PermitIdField
    """The permit under which it was set aside, as its tag says it."""


class OpenOrder(Order):
    """Open kept databases for reading only, still locked: for a capture, or for pg_upgrade."""

    kind: Literal["open"] = "open"
    """Tells the orders apart."""
    kept: Annotated[tuple[KeptReference, ...], Field(min_length=1)]
    """The databases; pg_upgrade asks for all that there are."""


class ProvenByBackup(Contract):
    """A backup of this very data was restored and gave the same rows and files."""

    kind: Literal["proof"] = "proof"
    """Tells the bases apart."""
    backup_id: BackupIdField
    """The backup, which is pinned from now on."""
    manifest_digest: DigestField
    """Digest of the manifest that was proven."""
    fingerprint_digest: DigestField
    """Digest of the content fingerprint that the kept database must have."""
    filestore_digest: DigestField | None
    """Digest of the files that its folder must hold; None where no files were kept with it."""


class NotAuthoritative(Contract):
    """Neither policy nor marker called the data the only true copy, then or now."""

    kind: Literal["not_authoritative"] = "not_authoritative"
    """Tells the bases apart."""


class GivenUp(Contract):
    """People signed that data without a proven backup may go."""

    kind: Literal["given_up"] = "given_up"
    """Tells the bases apart."""
    by: Annotated[tuple[PersonField, ...], Field(min_length=1)]
    """Who signed."""


ReleaseBasis = Annotated[ProvenByBackup | NotAuthoritative | GivenUp, Field(discriminator="kind")]
"""Why kept data may go: exactly one reason."""


class ReleaseOrder(Order):
    """Drop kept data. Nothing else does."""

    kind: Literal["release"] = "release"
    """Tells the orders apart."""
    kept: KeptReference
    """The database that is dropped."""
    has_filestore: bool
    """Whether a folder of files was kept with it, which goes after it."""
    basis: ReleaseBasis
    """Why it may go."""

    @model_validator(mode="after")
    def _proof_covers_the_files(self) -> Self:
        if isinstance(self.basis, ProvenByBackup):
            proven = self.basis.filestore_digest is not None
            if proven is not self.has_filestore:
                raise ValueError("a proof covers the files exactly where files were kept")
        return self


class PruneOrder(Order):
    """Remove backups of the lane that nothing leans on any more."""

    kind: Literal["prune"] = "prune"
    """Tells the orders apart."""
    backups: Annotated[tuple[BackupIdField, ...], Field(min_length=1)]
    """The backups."""


class WitnessOrder(VersionedContract):
    """Asks a running Odoo what it sees. Reading only."""

    kind: Literal["witness"] = "witness"
    """Tells the orders apart."""
    lane: Lane
    """The lane that must answer."""
    expected_generation: Generation | None
    """The last generation that was settled."""


MarkerOrder = StampOrder | LowerOrder
"""An order that carries the whole marker which it writes."""

SignedOrder = (
    Permit
    | PrepareOrder
    | StampOrder
    | UndoOrder
    | SetAsideOrder
    | MaterialiseOrder
    | LowerOrder
    | OpenOrder
    | ReleaseOrder
    | PruneOrder
)
"""One of the orders that change something on a lane's server."""

AnyOrder = Annotated[SignedOrder, Field(discriminator="kind")]
"""The same, told apart by its kind."""

ANY_ORDER: TypeAdapter[SignedOrder] = TypeAdapter(AnyOrder)


def later_rule_book(plain_order: object) -> int | None:
    """The version of an order's rule book, where it is later than ours; of any plain form.

    Asked before the fields are read, of which another rule book may have others.
    """
    version = plain_order.get("rulebook_version") if isinstance(plain_order, dict) else None
    return version if isinstance(version, int) and version > RULEBOOK_VERSION else None


def header_type(kind: str) -> str:
    """The JWT `typ` of an order, so that one kind can never be taken for another."""
    return f"launchplane-{kind}+jwt"
