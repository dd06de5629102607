"""Whether Odoo's `neutralize` ran here, and on whose data."""

import json
from dataclasses import replace

import psycopg2
from odoo.sql_db import BaseCursor

from launchplane_lane_contracts.marker import EVENT_TABLE

from .cursor_query import query_through_cursor
from .database_here import is_neutralised
from .lane_here import LaneHere

_LAST = f"""
    SELECT document FROM public.{EVENT_TABLE} WHERE kind = 'neutralised' ORDER BY id DESC LIMIT 1
"""  # noqa: S608 - a constant, not input


def with_neutralisation(cursor: BaseCursor, here: LaneHere) -> LaneHere:
    """The same, and what is known of a neutralisation. Never raises."""
    if not is_neutralised(cursor):
        return here
    return replace(here, neutralised=True, neutralised_copy_of=_copy_of(cursor))


def _copy_of(cursor: BaseCursor) -> str:
    """The lane whose marker went off, or nothing where none did."""
    try:
        with cursor.savepoint(flush=False):
            rows = query_through_cursor(cursor)(_LAST, ())
        found = json.loads(rows[0][0]) if rows else {}
    except (psycopg2.Error, ValueError):
        return ""
    return "" if found.get("own") else str(found.get("lane", ""))
