"""What people should hear of although nobody asked."""

from enum import StrEnum

from launchplane_lane_contracts.contract import Contract, UtcInstant
from launchplane_lane_contracts.lane import Lane


class NoticeKind(StrEnum):
    """What happened."""

    PROVISIONAL_ENDS_SOON = "provisional_ends_soon"
    PROVISIONAL_HAS_ENDED = "provisional_has_ended"
    OTHER_DATA_SEEN = "other_data_seen"
    REFUSED_ON_PRODUCTION = "refused_on_production"
    REBUILD_SETTLED = "rebuild_settled"
    REBUILD_UNFINISHED = "rebuild_unfinished"


class Notice(Contract):
    """One thing to be told."""

    kind: NoticeKind
    """What it is."""
    lane: Lane
    """The lane."""
    message: str
    """What happened, in a sentence."""
    remedy: str = ""
    """What to do about it; empty when there is nothing to do."""
    at: UtcInstant
    """When (UTC)."""
    facts: dict[str, str] = {}
    """The facts by name, for programs."""
