"""Databases as PostgreSQL's catalogue has them, read from the database that is always there."""

from contextlib import closing

from odoo.sql_db import db_connect

from launchplane_lane_contracts.catalogue import read_databases
from launchplane_lane_contracts.reading import DatabaseEntry

from ..reading.cursor_query import query_through_cursor


def catalogue() -> tuple[DatabaseEntry, ...]:
    """Every database of the server but its own three. Raises psycopg2.Error."""
    with closing(db_connect("postgres").cursor()) as cursor:
        return read_databases(query_through_cursor(cursor))
