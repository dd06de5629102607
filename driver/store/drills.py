"""Drills that share a store: each lane is one drill's at a time, and a dead one's is free again."""

from sqlalchemy.orm import Session

from launchplane_lane_contracts.contract import UtcInstant
from launchplane_lane_contracts.lane import Lane

from .schema import DrillClaimRow


def claim(session: Session, lane: Lane, holder: str, *, now: UtcInstant, until: UtcInstant) -> bool:
    """Take a lane, or keep one that is the holder's; False while it is another's.

    Writers of the store come one after another, so nobody takes it in between.
    """
    row = session.get(DrillClaimRow, str(lane))
    if row is None:
        session.add(DrillClaimRow(lane=str(lane), holder=holder, claimed_until=until))
        return True
    if row.holder != holder and row.claimed_until > now:
        return False
    row.holder, row.claimed_until = holder, until
    return True


def give_back(session: Session, lane: Lane, holder: str) -> None:
    """Let others have a lane; one that is another's by now stays theirs."""
    row = session.get(DrillClaimRow, str(lane))
    if row is not None and row.holder == holder:
        session.delete(row)
