"""What the control plane signs: orders that the guard carries out, and nothing else."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from .contract import (
    DatabaseNameField,
    DigestField,
    FilestorePathField,
    NonceField,
    PermitIdField,
    UtcInstant,
    VersionedContract,
)
from .decision import Obligations
from .lane import Lane
from .marker import Generation, Marker, MarkerRow, ObjectId
from .observation import Observation
from .policy import Policy
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
    rulebook_version: int
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


class UndoOrder(Order):
    """Put kept data back; what stands under the name is kept instead."""

    kind: Literal["undo"] = "undo"
    """Tells the orders apart."""
    permit_id: PermitIdField
    """The permit whose set-aside is undone."""
    remains_name: DatabaseNameField
    """The name under which what stands there now is kept."""
    generation: Generation
    """The generation that the lane will have."""


class WitnessOrder(VersionedContract):
    """Asks a running Odoo what it sees. Reading only."""

    kind: Literal["witness"] = "witness"
    """Tells the orders apart."""
    lane: Lane
    """The lane that must answer."""
    expected_generation: Generation | None
    """The last generation that was settled."""


AnyOrder = Annotated[Permit | PrepareOrder | StampOrder | UndoOrder, Field(discriminator="kind")]
"""One of the orders that change something on a lane's server."""

ANY_ORDER: TypeAdapter[Permit | PrepareOrder | StampOrder | UndoOrder] = TypeAdapter(AnyOrder)


def header_type(kind: str) -> str:
    """The JWT `typ` of an order, so that one kind can never be taken for another."""
    return f"launchplane-{kind}+jwt"
