"""What a driver answers when the host asks."""

from typing import Annotated

from pydantic import StringConstraints

from launchplane_lane_contracts.contract import Contract
from launchplane_lane_contracts.descriptor import DriverDescriptor
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
    descriptor: DriverDescriptor | None = None
    """What Launchplane's screens show of it; a driver that only vetoes has none."""


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
