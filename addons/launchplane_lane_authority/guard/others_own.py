"""Whether what stands under a lane's name is another lane's own database."""

import jwt
from pydantic import ValidationError

from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import Marker, MarkerRow
from launchplane_lane_contracts.reading import DatabaseReading

from .token_form import read_claims


def others_own(database: DatabaseReading, lane: Lane) -> Lane | None:
    """The other lane whose own it is: by its tag, or, where that was lost, by its marker.

    A tag or a marker that came with a copy says nothing of the database that it is in. Whether the
    marker's signature is good does not matter: its key may be unknown here, and all that it can do
    is speak against touching the database.
    """
    entry, row, here = database.entry, database.marker_row, database.identity()
    tag = entry.tag if entry is not None else None
    if entry is not None and tag is not None and tag.database_oid == entry.oid:
        return tag.lane if tag.lane != lane else None
    marker = marker_claimed(row) if row is not None else None
    if marker is None or marker.lane == lane or here is None:
        return None
    # It may have been given another name.
    named = here.model_copy(update={"database_name": marker.identity.database_name})
    return marker.lane if marker.identity == named else None


def marker_claimed(row: MarkerRow) -> Marker | None:
    """The marker in a row's token, whoever signed it; a pending row has none in it."""
    try:
        return Marker.from_plain(read_claims(row.token)["order"]["marker"])
    except (jwt.PyJWTError, ValidationError, KeyError, TypeError):
        return None
