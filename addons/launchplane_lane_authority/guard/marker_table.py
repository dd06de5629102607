"""The marker's table and the event table: made by SQL, before any addon is installed."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from launchplane_lane_contracts.marker import EVENT_TABLE, MARKER_TABLE, MarkerRow

from .database import Query

CREATE_MARKER_TABLE = f"""
    CREATE TABLE IF NOT EXISTS public.{MARKER_TABLE} (
        id integer PRIMARY KEY DEFAULT 1 CONSTRAINT {MARKER_TABLE}_only_row CHECK (id = 1),
        token text NOT NULL,
        state varchar NOT NULL,
        lane varchar NOT NULL,
        rollout_state varchar NOT NULL,
        authoritative boolean NOT NULL,
        generation integer NOT NULL,
        nonce varchar NOT NULL,
        written_at timestamp NOT NULL,
        claimed boolean NOT NULL DEFAULT false,
        claim_reason text,
        claimed_by varchar,
        claimed_at timestamp
    )
"""
CREATE_EVENT_TABLE = f"""
    CREATE TABLE IF NOT EXISTS public.{EVENT_TABLE} (
        id serial PRIMARY KEY,
        happened_at timestamp NOT NULL,
        kind varchar NOT NULL,
        actor varchar NOT NULL,
        document text NOT NULL
    )
"""
_COLUMNS = ("token", "state", "lane", "rollout_state", "authoritative", "generation", "nonce")


def create_tables(query: Query) -> None:
    """Make both tables where they are not there."""
    query(CREATE_MARKER_TABLE, ())
    query(CREATE_EVENT_TABLE, ())


def write_row(query: Query, row: MarkerRow, *, keep_claim: bool) -> bool:
    """Put the row in place of the one that is there, if any, and say whether it is claimed then.

    A claim belongs to the data, so it survives only where the data does (`keep_claim`).
    """
    values = (
        row.token,
        row.state.value,
        row.lane,
        row.rollout_state.value,
        row.authoritative,
        row.generation,
        row.nonce,
        datetime.now(UTC).replace(tzinfo=None),
    )
    columns = ", ".join((*_COLUMNS, "written_at"))
    updates = ", ".join(f"{name} = excluded.{name}" for name in (*_COLUMNS, "written_at"))
    claim = (
        ""
        if keep_claim
        else ", claimed = false, claim_reason = NULL, claimed_by = NULL, claimed_at = NULL"
    )
    ((claimed,),) = query(
        f"INSERT INTO public.{MARKER_TABLE} (id, {columns}) "  # noqa: S608 - constants only
        "VALUES (1, %s, %s, %s, %s, %s, %s, %s, %s) "
        f"ON CONFLICT (id) DO UPDATE SET {updates}{claim} RETURNING claimed",
        values,
    )
    return bool(claimed)


def write_claim(query: Query, why: str, by: str) -> bool:
    """Protect the row's data at somebody's request; False where there is none, or it is already."""
    return bool(
        query(
            f"UPDATE public.{MARKER_TABLE} SET claimed = true, "  # noqa: S608 - a constant
            "claim_reason = %s, claimed_by = %s, claimed_at = now() AT TIME ZONE 'UTC' "
            "WHERE id = 1 AND NOT claimed RETURNING lane",
            (why, by),
        )
    )


def hold_row(query: Query) -> tuple[str, datetime | None] | None:
    """The row's nonce, and since when (UTC) it is claimed; None where there is no row.

    Nobody else changes the row until the transaction ends.
    """
    rows = query(
        "SELECT nonce, CASE WHEN claimed THEN coalesce(claimed_at, written_at) END "  # noqa: S608
        f"FROM public.{MARKER_TABLE} WHERE id = 1 FOR UPDATE",
        (),
    )
    if not rows:
        return None
    ((nonce, claimed_at),) = rows
    return str(nonce), claimed_at.replace(tzinfo=UTC) if claimed_at is not None else None


def write_event(query: Query, kind: str, actor: str, document: Mapping[str, object]) -> None:
    """Add one event."""
    query(
        f"INSERT INTO public.{EVENT_TABLE} (happened_at, kind, actor, document) "  # noqa: S608
        "VALUES (%s, %s, %s, %s)",
        (
            datetime.now(UTC).replace(tzinfo=None),
            kind,
            actor,
            json.dumps(document, sort_keys=True, default=str),
        ),
    )
