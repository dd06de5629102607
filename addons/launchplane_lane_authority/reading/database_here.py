"""The database that this Odoo is connected to, seen from within."""

import psycopg2
from odoo.sql_db import BaseCursor

from launchplane_lane_contracts.catalogue import read_databases, read_server
from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.inside import read_inside
from launchplane_lane_contracts.reading import DatabaseReading

from ..guard.database import Query, first_line
from .cursor_query import query_through_cursor

_NEUTRALISED = "SELECT value FROM ir_config_parameter WHERE key = 'database.is_neutralized'"
_TRUE_WORDS = ("true", "t", "1", "yes", "y", "on")


def read_database_here(cursor: BaseCursor) -> DatabaseReading:
    """What stands here. Never raises over what is broken; problems stand in the answer."""
    return read_database_or_not(cursor)[0]


def read_database_or_not(cursor: BaseCursor) -> tuple[DatabaseReading, bool]:
    """The same, and whether all of it could be read: what could not proves nothing."""
    query = query_through_cursor(cursor)
    name = DatabaseName(cursor.dbname)
    try:
        with cursor.savepoint(flush=False):
            reading = _from_outside(query, name)
    except psycopg2.Error as problem:
        return DatabaseReading(name=name, problem=first_line(problem)), False
    try:
        with cursor.savepoint(flush=False):
            inside = read_inside(query)
    except psycopg2.Error as problem:
        return reading.model_copy(update={"marker_problem": first_line(problem)}), False
    found = reading.model_copy(
        update={
            "holds_relations": inside.holds_relations,
            "marker_table_oid": inside.marker_table_oid,
            "marker_row": inside.marker_row,
            "marker_problem": inside.marker_problem,
        }
    )
    return found, True


def _from_outside(query: Query, name: DatabaseName) -> DatabaseReading:
    entry = next((each for each in read_databases(query) if each.name == name), None)
    # The neighbours are nobody's business here.
    return DatabaseReading(name=name, server=read_server(query), entry=entry, holds_relations=True)


def is_neutralised(cursor: BaseCursor) -> bool | None:
    """Whether Odoo's neutralisation has run here; None when it cannot be read."""
    try:
        with cursor.savepoint(flush=False):
            rows = query_through_cursor(cursor)(_NEUTRALISED, ())
    except psycopg2.Error:
        return None
    return bool(rows) and str(rows[0][0]).strip().lower() in _TRUE_WORDS
