"""What people want to know of a plan before they sign it, and no signature covers."""

from typing import Annotated

from pydantic import Field

from .contract import (
    Contract,
    Duration,
    OperationIdField,
    PersonField,
    UtcInstant,
    VersionedContract,
)
from .reading import ByteCount
from .snapshot_place import NewSince


class Guarantee(Contract):
    """One thing that protects the lane through the rebuild, and whether it does here."""

    words: str
    """What is promised."""
    holds: bool
    """Whether it holds for this plan."""
    detail: str = ""
    """What was seen of it, or why it does not hold."""


class ForecastBytes(Contract):
    """How many bytes there are of something, where that can be known."""

    count: ByteCount | None
    """How many; None where nobody can tell."""
    detail: str
    """Of what, or why nobody can tell."""


class ForecastPeople(Contract):
    """Who must sign, and who could."""

    approvers_required: Annotated[int, Field(ge=0)]
    """Approvers asked for besides the requester, who never counts as one."""
    requester_signs: bool
    """Whether the requester's own signature is asked for too."""
    could_approve: tuple[PersonField, ...]
    """Whose signature would count as an approver's now, by name."""
    signed: tuple[PersonField, ...]
    """Who signed already, the requester among them."""


class Forecast(VersionedContract):
    """What a plan comes to."""

    server: str
    """The server that is acted on."""
    reached_by: tuple[str, ...]
    """The command by which the guard is reached that acts there."""
    to_keep: ForecastBytes
    """What is set aside and kept."""
    to_copy: ForecastBytes
    """What has to be copied for that."""
    to_come: ForecastBytes
    """What takes its place."""
    kept_until: UtcInstant | None
    """Until when (UTC) what is replaced would be kept at least, were it over at once."""
    last_operation: OperationIdField | None
    """The last settled rebuild of the lane of the same kind."""
    last_took: Duration | None
    """How long that one took, from setting aside to settled."""
    people: ForecastPeople
    """Who must sign."""
    new_since: NewSince | None = None
    """What the lane's server has written since the backup: what comes lacks it, and it is kept."""
    guarantees: tuple[Guarantee, ...]
    """What protects the lane through it."""
