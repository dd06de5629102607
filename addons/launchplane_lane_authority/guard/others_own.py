"""Whether what stands under a lane's name is another lane's own database."""

from launchplane_lane_contracts.judgement import is_anothers_own
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.reading import DatabaseReading

from .tokens import PublicKeys


def others_own(database: DatabaseReading, keys: PublicKeys, lane: Lane) -> Lane | None:
    """The other lane whose own it is: by its tag, or, where that was lost, by its marker.

    A tag or a marker that came with a copy says nothing of the database that it is in.
    """
    entry, row = database.entry, database.marker_row
    tag = entry.tag if entry is not None else None
    if entry is not None and tag is not None and tag.database_oid == entry.oid:
        return tag.lane if tag.lane != lane else None
    if row is None:
        return None
    verdict = keys.judge_marker_token(row.token)
    if verdict.order is None or not is_anothers_own(database, verdict, lane):
        return None
    return verdict.order.lane
