"""What positively says that this Odoo must not act: never a guess, never a missing key."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.orders import LowerOrder, StampOrder
from launchplane_lane_contracts.vocabulary import MarkerState

from ..guard.keep import Keep
from ..guard.settings import KEEP_VARIABLE
from ..reading.expected_generation import expected_generation
from ..reading.lane_database import database_of_the_lane
from ..reading.lane_here import LaneHere, read_lane_here


class Cause(StrEnum):
    """Why mail and scheduled actions are held back."""

    FOREIGN = "foreign"
    COPIED = "copied"
    TAMPERED = "tampered"
    PENDING = "pending"
    UNFINISHED = "unfinished"
    OLDER = "older"


@dataclass(frozen=True)
class Quarantine:
    """The evidence, and what it was read from."""

    cause: Cause
    here: LaneHere
    detail: str
    """For the log, in English."""


_BY_MARKER = {
    MarkerState.FOREIGN: Cause.FOREIGN,
    MarkerState.COPIED: Cause.COPIED,
    MarkerState.TAMPERED: Cause.TAMPERED,
    MarkerState.PENDING: Cause.PENDING,
}


def find_evidence(cursor) -> Quarantine | None:
    """Read the database, the lane's keep and what the host asked for. Never raises over them."""
    return judge_evidence(read_lane_here(cursor), cursor.dbname)


def judge_evidence(here: LaneHere, database: str) -> Quarantine | None:
    """What speaks against the database that was read, or None."""
    if here.could_not_read:
        return None
    cause = _BY_MARKER.get(here.marker.state)
    if cause is not None:
        return Quarantine(cause, here, here.marker.detail)
    unfinished = _unfinished_begin(here, database)
    if unfinished is not None:
        return Quarantine(Cause.UNFINISHED, here, f"the rebuild of permit {unfinished} has no end")
    settled = expected_generation(here.runtime_lane)
    if (
        settled is not None
        and isinstance(here.order, StampOrder | LowerOrder)
        and here.order.marker.generation < settled
    ):
        found = here.order.marker.generation
        return Quarantine(
            Cause.OLDER,
            here,
            f"the marker is of generation {found}, the host last settled {settled}",
        )
    return None


def _unfinished_begin(here: LaneHere, database: str) -> str | None:
    """The permit of a rebuild of this database that was begun and has not ended."""
    folder = os.environ.get(KEEP_VARIABLE, "")
    if not folder or here.runtime_lane is None or database != database_of_the_lane():
        return None
    keep = Keep(Path(folder))
    try:
        if keep.lane() != str(here.runtime_lane):
            return None
        return next((each.permit_id for each in keep.records() if not each.ended), None)
    except (OSError, CouldNotTell, ValueError):
        # A keep that cannot be read says nothing; the guard and the screen say that it can't be.
        return None
