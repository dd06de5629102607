"""Where sequences stand. They know no snapshots: it is their place when they are read."""

from collections.abc import Sequence

from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.fingerprint import SequenceFingerprint

from . import fingerprint_catalogue as catalogue
from .database import query_through
from .fingerprint_rows import NAMES_OF_A_STATEMENT, table_name
from .snapshot import passing_locks


def sequences_seen(
    session: Connection, own_tables: Sequence[int]
) -> list[tuple[SequenceFingerprint, bool]]:
    """Where each sequence stands now, and whether it belongs to one of these tables.

    The session is one of `snapshot.one_moment`. Raises psycopg2.Error.
    """
    query = query_through(session)
    known = catalogue.read_sequences(query, own_tables)
    places: list[tuple[int, bool]] = []
    for first in range(0, len(known), NAMES_OF_A_STATEMENT):
        some = known[first : first + NAMES_OF_A_STATEMENT]
        statement = " UNION ALL ".join(
            f"SELECT {place} AS place, last_value, is_called FROM "  # noqa: S608 - quoted names
            + table_name(session, each.schema_name, each.name)
            for place, each in enumerate(some)
        )
        with passing_locks(session):
            places += [(last, called) for _place, last, called in sorted(query(statement, ()))]
    return [
        (
            SequenceFingerprint(
                schema_name=each.schema_name,
                name=each.name,
                definition=each.definition,
                last_value=last,
                is_called=called,
            ),
            each.ours,
        )
        for each, (last, called) in zip(known, places, strict=True)
    ]
