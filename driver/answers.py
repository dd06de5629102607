"""What a driver answers when the host asks."""

from typing import Annotated

from pydantic import StringConstraints

from launchplane_lane_contracts.contract import Contract, UtcInstant
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.reasons import Reason


class DriverDescription(Contract):
    """Who answers."""

    driver_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
    """The driver's own name."""
    label: str
    """The same for people."""
    version: str
    """Its version."""
    rulebook_version: int
    """The rule book that it runs."""


class Verdict(Contract):
    """Yes, or no with all the reasons."""

    driver_id: str
    """Who says so."""
    allowed: bool
    """Whether it may go on."""
    reasons: tuple[Reason, ...] = ()
    """Why not."""
    message: str = ""
    """What was done, for people."""
    operation_id: str | None = None
    """The operation that it is about."""


class LaneView(Contract):
    """One lane as an operator sees it."""

    lane: Lane
    """The lane."""
    rollout_state: str
    """As recorded, or `unknown`."""
    authority: str
    """Whether its data is the only true copy, in a word or two."""
    allowed_sources: tuple[str, ...]
    """What it may be rebuilt from."""
    database: str
    """What stands under its name."""
    marker: str
    """What its marker is worth."""
    runtime: str
    """What its runtime said."""
    locked: bool
    """Whether PostgreSQL refuses to drop it."""
    generation: int | None
    """The generation on record."""
    last_rebuild: str
    """The newest operation, in words."""
    unfinished: str
    """The operation in progress and the ways on; empty when there is none."""
    kept: tuple[str, ...]
    """What is kept, and until when."""
    kept_due: UtcInstant | None
    """When (UTC) the first of it need no longer be kept."""
    protected_from: UtcInstant | None
    """When a provisional lane becomes protected (UTC)."""
