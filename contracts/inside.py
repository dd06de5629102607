"""What must be read inside the lane's database: whether it holds anything, and its marker."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pydantic import ValidationError

from .catalogue import Query
from .marker import EVENT_TABLE, MARKER_TABLE, MarkerRow
from .vocabulary import RolloutState, RowState

_HOLDS_ANYTHING = """
    SELECT EXISTS (
        SELECT 1 FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
           AND n.nspname NOT LIKE 'pg\\_toast%%' AND n.nspname NOT LIKE 'pg\\_temp%%'
    ) OR EXISTS (SELECT 1 FROM pg_catalog.pg_largeobject_metadata)
"""
_TABLE = """
    SELECT c.oid::bigint, c.relkind::text FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND c.relname = %s
"""
_MARKER_ROW = f"""
    SELECT token, state, lane, rollout_state, authoritative, generation, nonce, claimed
      FROM public.{MARKER_TABLE} ORDER BY id LIMIT 2
"""  # noqa: S608 - a constant, not input
_MARKER_TEXT = f"""
    SELECT pg_catalog.row_to_json(m)::text FROM public.{MARKER_TABLE} m ORDER BY 1
"""  # noqa: S608 - a constant, not input
_EVENT_COLUMNS = frozenset({"id", "kind", "document"})
_CLAIM_ON_RECORD = f"""
    SELECT EXISTS (
        SELECT 1 FROM public.{EVENT_TABLE} c WHERE c.kind = 'claim' AND NOT EXISTS (
            SELECT 1 FROM public.{EVENT_TABLE} e
             WHERE e.id > c.id AND e.kind IN ('stamp', 'finish', 'demoted', 'lowered')
               AND pg_catalog.strpos(e.document, '"claim_kept": true') = 0
        )
    )
"""  # noqa: S608 - a constant, not input
"""Whether a claim was noted after which no order has written a row that ends it."""


@dataclass(frozen=True)
class InsideReading:
    """What stands inside."""

    holds_relations: bool
    marker_table_oid: int | None = None
    marker_row: MarkerRow | None = None
    marker_problem: str | None = None
    marker_digest: str | None = None


def digest_of_rows(rows: Iterable[tuple[object, ...]]) -> str | None:
    """SHA-256 over the text of the marker's rows; None where there is none."""
    texts = [str(text) for (text,) in rows]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest() if texts else None


def read_inside(query: Query) -> InsideReading:
    """Read the database that `query` is connected to. Raises what the query raises."""
    ((holds,),) = query(_HOLDS_ANYTHING, ())
    tables = query(_TABLE, (MARKER_TABLE,))
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
    digest = digest_of_rows(query(_MARKER_TEXT, ()))
    found = InsideReading(bool(holds), int(oid), marker_digest=digest)
    rows = query(_MARKER_ROW, ())
    if not rows:
        return found
    if len(rows) > 1:
        return replace(found, marker_problem=f"{MARKER_TABLE} holds more than one row")
    try:
        row = _row(rows[0])
    except (ValidationError, ValueError):
        return replace(found, marker_problem="the marker row cannot be understood")
    if not row.claimed and _claim_is_on_record(query):
        # The claim stands, and somebody wanted it gone.
        return replace(
            found,
            marker_row=row.model_copy(update={"claimed": True}),
            marker_problem="the claim of protection that the history tells of is not in the row",
        )
    return replace(found, marker_row=row)


def _claim_is_on_record(query: Query) -> bool:
    tables = query(_TABLE, (EVENT_TABLE,))
    if not tables or not _columns(query, int(tables[0][0])) >= _EVENT_COLUMNS:
        return False
    ((claimed,),) = query(_CLAIM_ON_RECORD, ())
    return bool(claimed)


def _missing_columns(query: Query, table: int) -> list[str]:
    return sorted(set(MarkerRow.model_fields) - _columns(query, table))


def _columns(query: Query, table: int) -> set[str]:
    return {
        str(name)
        for (name,) in query(
            "SELECT attname::text FROM pg_catalog.pg_attribute "
            "WHERE attrelid = %s::oid AND attnum > 0 AND NOT attisdropped",
            (table,),
        )
    }


def _row(values: tuple[object, ...]) -> MarkerRow:
    found = dict(zip(MarkerRow.model_fields, values, strict=True))
    found["state"] = RowState(str(found["state"]))
    found["rollout_state"] = RolloutState(str(found["rollout_state"]))
    return MarkerRow.model_validate(found)
