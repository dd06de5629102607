"""What is asked and answered over HTTP, beyond the contracts themselves."""

from typing import Annotated

from pydantic import StringConstraints

from launchplane_lane_contracts.contract import BackupIdField, Contract, DatabaseNameField
from launchplane_lane_contracts.descriptor import DriverAction
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.policy import LiveTarget
from launchplane_lane_contracts.read_model import LaneView
from launchplane_lane_contracts.reasons import Reason
from launchplane_lane_contracts.request import FreshVolumes
from launchplane_lane_contracts.vocabulary import DataSource, Operation


class PlanQuestion(Contract):
    """A request without its requester, who is the person of the token."""

    lane: Lane
    """The lane."""
    operation: Operation
    """What is asked for."""
    data_source: DataSource
    """Where the data is to come from."""
    reason: Annotated[str, StringConstraints(max_length=2000)] = ""
    """Why, in that person's words."""
    backup_id: BackupIdField | None = None
    """The backup to restore; with `backup_restore` only."""
    kept_database: DatabaseNameField | None = None
    """The kept database to bring back; with `kept` only."""
    provider_target: LiveTarget | None = None
    """What Launchplane is about to act on, as it is live."""
    fresh_volumes: FreshVolumes | None = None
    """The volumes that change, where they do."""
    attest_runtime: bool = False
    """Whether the guard may attest for a runtime that is down."""


class PlanAnswer(Contract):
    """A plan, and the digest that people sign."""

    plan_digest: str
    """What is reviewed and signed."""
    allowed: bool
    """Whether it may be done."""
    plan: Plan
    """All of it."""


class LaneAnswer(Contract):
    """One lane."""

    views: tuple[LaneView, ...]
    """What each driver says of it; ours is the last."""
    actions: tuple[DriverAction, ...]
    """What can be asked for now; a disabled one carries its reasons."""


class LanesAnswer(Contract):
    """Every lane."""

    views: tuple[LaneView, ...]
    """What each driver says of each."""


class Problem(Contract):
    """Why there is no answer."""

    error: str
    """In words."""
    reasons: tuple[Reason, ...] = ()
    """Every reason, with its way on."""
