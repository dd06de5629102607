"""The guard's readers over Odoo's own cursor."""

from collections.abc import Sequence
from typing import Any

from odoo.sql_db import BaseCursor

from ..guard.database import Query


def query_through_cursor(cursor: BaseCursor) -> Query:
    """Statements through a cursor that Odoo opened, inside its transaction."""

    def query(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        # What fails is an answer to the caller; the log is for what nobody expected.
        cursor.execute(statement, tuple(parameters), log_exceptions=False)
        return list(cursor.fetchall()) if cursor.description else []

    return query
