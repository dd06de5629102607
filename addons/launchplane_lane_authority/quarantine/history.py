"""When a quarantine began and ended, in the history of the database itself."""

import json
import logging

import psycopg2

from launchplane_lane_contracts.marker import EVENT_TABLE

from ..guard.marker_table import write_event
from ..reading.cursor_query import query_through_cursor
from .evidence import find_evidence

_logger = logging.getLogger(__name__)

BEGAN = "quarantine"
ENDED = "quarantine_ended"
# Any number does, as long as all processes take the same.
_LOCK = "SELECT pg_try_advisory_xact_lock(7193412650)"
_LAST = f"""
    SELECT kind, document FROM public.{EVENT_TABLE}
     WHERE kind IN ('{BEGAN}', '{ENDED}') ORDER BY id DESC LIMIT 1
"""  # noqa: S608 - constants, not input


def note_what_has_changed(cursor, quarantine):
    """Write it down where the last event says something else, and commit.

    A database without the table, or one that cannot be written to, has no history.
    """
    query = query_through_cursor(cursor)
    cursor.rollback()
    try:
        # Else what others noted while the lock was waited for could not be seen.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        ((is_there,),) = query("SELECT to_regclass(%s)", (f"public.{EVENT_TABLE}",))
        if is_there is None or query(_LOCK, ()) != [(True,)]:
            return
        last = query(_LAST, ())
        noted = _said(last[0]) if last else (ENDED, None)
        if _is_new(quarantine, *noted):
            # The answer may be seconds old, and another process may have noted what is newer.
            quarantine = find_evidence(cursor)
        if _is_new(quarantine, *noted):
            if quarantine is None:
                write_event(query, ENDED, "odoo", {})
            else:
                write_event(query, BEGAN, "odoo", {"cause": quarantine.cause.value})
        cursor.commit()
    except psycopg2.Error as problem:
        cursor.rollback()
        _logger.debug("The history was not written: %s", problem)


def _is_new(quarantine, kind, cause):
    """Whether the last event, of this kind and cause, says something else."""
    if quarantine is None:
        return kind == BEGAN
    return (kind, cause) != (BEGAN, quarantine.cause)


def _said(event):
    """The kind and cause of an event."""
    kind, document = event
    try:
        return kind, json.loads(document).get("cause")
    except (ValueError, AttributeError):
        return kind, None
