"""What must be read inside the lane's database: whether it holds anything, and its marker."""

from dataclasses import dataclass

from pydantic import ValidationError

from .catalogue import Query
from .marker import MARKER_TABLE, MarkerRow
from .vocabulary import RolloutState, RowState

_HOLDS_ANYTHING = """
    SELECT EXISTS (
        SELECT 1 FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
           AND n.nspname NOT LIKE 'pg\\_toast%%' AND n.nspname NOT LIKE 'pg\\_temp%%'
    ) OR EXISTS (SELECT 1 FROM pg_catalog.pg_largeobject_metadata)
"""
_MARKER_TABLE = """
    SELECT c.oid::bigint, c.relkind::text FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND c.relname = %s
"""
_MARKER_ROW = f"""
    SELECT token, state, lane, rollout_state, authoritative, generation, nonce, claimed
      FROM public.{MARKER_TABLE} ORDER BY id LIMIT 2
"""  # noqa: S608 - a constant, not input


@dataclass(frozen=True)
class InsideReading:
    """What stands inside."""

    holds_relations: bool
    marker_table_oid: int | None = None
    marker_row: MarkerRow | None = None
    marker_problem: str | None = None


def read_inside(query: Query) -> InsideReading:
    """Read the database that `query` is connected to. Raises what the query raises."""
    ((holds,),) = query(_HOLDS_ANYTHING, ())
    tables = query(_MARKER_TABLE, (MARKER_TABLE,))
    if not tables:
        return InsideReading(holds_relations=bool(holds))
    ((oid, kind),) = tables
    if kind != "r":
        return InsideReading(bool(holds), marker_problem=f"{MARKER_TABLE} is not a plain table")
    missing = _missing_columns(query, int(oid))
    if missing:
        return InsideReading(
            bool(holds), int(oid), marker_problem=f"{MARKER_TABLE} lacks {', '.join(missing)}"
        )
    rows = query(_MARKER_ROW, ())
    if not rows:
        return InsideReading(bool(holds), int(oid))
    if len(rows) > 1:
        return InsideReading(
            bool(holds), int(oid), marker_problem=f"{MARKER_TABLE} holds more than one row"
        )
    try:
        row = _row(rows[0])
    except (ValidationError, ValueError):
        return InsideReading(
            bool(holds), int(oid), marker_problem="the marker row cannot be understood"
        )
    return InsideReading(bool(holds), int(oid), marker_row=row)


def _missing_columns(query: Query, table: int) -> list[str]:
    found = {
        name
        for (name,) in query(
            "SELECT attname::text FROM pg_catalog.pg_attribute "
            "WHERE attrelid = %s::oid AND attnum > 0 AND NOT attisdropped",
            (table,),
        )
    }
    return sorted(set(MarkerRow.model_fields) - found)


def _row(values: tuple[object, ...]) -> MarkerRow:
    found = dict(zip(MarkerRow.model_fields, values, strict=True))
    found["state"] = RowState(str(found["state"]))
    found["rollout_state"] = RolloutState(str(found["rollout_state"]))
    return MarkerRow.model_validate(found)
