"""Whether a database may be lost, as far as it can be told from within."""

from datetime import UTC, datetime

from launchplane_lane_contracts.orders import LowerOrder, StampOrder
from launchplane_lane_contracts.policy import effective_policy

from .lane_here import LaneHere


def is_protected(here: LaneHere) -> bool:
    """Whether its marker says so, or said so once and cannot be trusted any more."""
    reading, row = here.reading, here.reading.marker_row
    if reading.problem is not None or reading.marker_problem is not None:
        return True
    if row is None:
        return False
    if row.authoritative or row.claimed or here.order is None:
        return True
    if not isinstance(here.order, StampOrder | LowerOrder):
        return False
    return effective_policy(
        here.order.marker.policy,
        datetime.now(UTC),
        marker_authoritative=here.order.marker.authoritative,
        claimed=row.claimed,
    ).authoritative
