"""The database itself refuses to change what is written once, in tables of which more changes."""

from collections.abc import Iterator

from alembic import op

revision = "0009"
down_revision = "0008"

ONCE = {
    "proposals": ("digest", "kind", "document", "proposer", "proposed_at"),
    "operations": ("operation_id", "lane", "plan", "plan_digest", "requester", "created_at"),
    "kept_data": (
        *("lane", "name", "operation_id", "database_oid", "generation", "nonce", "permit_id"),
        *("set_aside_at", "has_filestore"),
    ),
    "lanes": ("lane",),
}
"""Columns that are never written again."""
LATER = {"proposals": ("applied_at",), "operations": ("begun_at",)}
"""Columns that are empty at first, and then written once."""
KEYS = {
    "proposals": ("digest",),
    "operations": ("operation_id",),
    "kept_data": ("lane", "name"),
    "lanes": ("lane",),
}


def upgrade() -> None:
    """Add the triggers; no row is touched."""
    statements = _sqlite() if op.get_bind().dialect.name == "sqlite" else _postgresql()
    for statement in statements:
        op.execute(statement)


def _changes(table: str, differs: str) -> str:
    """The condition under which an update changes what it must not."""
    found = [f"OLD.{column} {differs} NEW.{column}" for column in ONCE[table]]
    found += [
        f"(OLD.{column} IS NOT NULL AND OLD.{column} {differs} NEW.{column})"
        for column in LATER.get(table, ())
    ]
    if table == "lanes":
        found.append("NEW.next_generation < OLD.next_generation")
    if table == "kept_data":
        found.append("(OLD.authoritative AND NOT NEW.authoritative)")
        # Only what stands kept again, after it was released or had gone back, has another end.
        found.append(
            f"(OLD.kept_until IS NOT NULL AND OLD.kept_until {differs} NEW.kept_until "
            "AND OLD.gone_back_at IS NULL AND OLD.released_at IS NULL)"
        )
    return " OR ".join(found)


def _sqlite() -> Iterator[str]:
    for table, keys in KEYS.items():
        changed = f"BEGIN SELECT RAISE(ABORT, '{table}: what is written once stays'); END"
        removed = f"BEGIN SELECT RAISE(ABORT, '{table}: no row is ever removed'); END"
        yield (
            f"CREATE TRIGGER {table}_written_once BEFORE UPDATE ON {table} "
            f"WHEN {_changes(table, 'IS NOT')} {changed}"
        )
        yield f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {removed}"
        # INSERT OR REPLACE deletes without asking the trigger above.
        same_row = " AND ".join(f"{key} = NEW.{key}" for key in keys)
        yield (
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same_row}) {removed}"
        )


def _postgresql() -> Iterator[str]:
    yield (
        "CREATE FUNCTION lane_authority_written_once() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '%: what is written once stays', TG_TABLE_NAME; END $$"
    )
    for table in KEYS:
        yield (
            f"CREATE TRIGGER {table}_written_once BEFORE UPDATE ON {table} FOR EACH ROW "
            f"WHEN ({_changes(table, 'IS DISTINCT FROM')}) "
            "EXECUTE FUNCTION lane_authority_written_once()"
        )
        for what, each in (("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            yield (
                f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION lane_authority_append_only()"
            )
