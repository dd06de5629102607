"""The first tables: policies, proposals, approvals, lanes, operations, kept data, the ledger."""

import sqlalchemy as sa
from alembic import op

from launchplane_lane_driver.store.columns import UtcColumn

revision = "0001"
down_revision = None

LIVE = sa.text("phase IN ('authorized', 'begun', 'materialised', 'started')")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "policy_revisions",
        sa.Column("lane", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("recorded_at", UtcColumn, nullable=False),
        sa.Column("change_digest", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "proposals",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("proposer", sa.Text, nullable=False),
        sa.Column("proposed_at", UtcColumn, nullable=False),
        sa.Column("applied_at", UtcColumn, nullable=True),
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("key_fingerprint", sa.Text, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("signed_at", UtcColumn, nullable=False),
        sa.Column("used_by", sa.Text, nullable=True),
    )
    op.create_index("one_approval_per_person", "approvals", ["digest", "person"], unique=True)
    op.create_table(
        "lanes",
        sa.Column("lane", sa.Text, primary_key=True),
        sa.Column("next_generation", sa.Integer, nullable=False),
        sa.Column("generation", sa.Integer, nullable=True),
        sa.Column("nonce", sa.Text, nullable=True),
        sa.Column("identity", sa.Text, nullable=True),
        sa.Column("filestore_path", sa.Text, nullable=True),
    )
    op.create_table(
        "operations",
        sa.Column("operation_id", sa.Text, primary_key=True),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("plan_digest", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("permit_id", sa.Text, nullable=True),
        sa.Column("permit_token", sa.Text, nullable=True),
        sa.Column("kept_name", sa.Text, nullable=True),
        sa.Column("requester", sa.Text, nullable=False),
        sa.Column("created_at", UtcColumn, nullable=False),
        sa.Column("updated_at", UtcColumn, nullable=False),
    )
    op.create_index(
        "one_live_operation_per_lane",
        "operations",
        ["lane"],
        unique=True,
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    )
    op.create_index("permit_of_one_operation", "operations", ["permit_id"], unique=True)
    op.create_table(
        "kept_data",
        sa.Column("lane", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column(
            "operation_id", sa.Text, sa.ForeignKey("operations.operation_id"), nullable=False
        ),
        # An oid has no sign and fills 32 bits.
        sa.Column("database_oid", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("nonce", sa.Text, nullable=True),
        sa.Column("permit_id", sa.Text, nullable=False),
        sa.Column("set_aside_at", UtcColumn, nullable=False),
        sa.Column("kept_until", UtcColumn, nullable=True),
        sa.Column("authoritative", sa.Boolean, nullable=False),
        sa.Column("has_filestore", sa.Boolean, nullable=False),
        sa.Column("gone_back_at", UtcColumn, nullable=True),
        sa.Column("released_at", UtcColumn, nullable=True),
    )
    op.create_table(
        "ledger",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", UtcColumn, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
    )
    statements = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    for statement in statements:
        op.execute(statement)


def _sqlite_append_only(table: str, same_row: str) -> tuple[str, ...]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    return (
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
        # INSERT OR REPLACE deletes without asking the trigger above.
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same_row}) {refuse}",
    )


SQLITE = (
    *_sqlite_append_only("policy_revisions", "lane = NEW.lane AND number = NEW.number"),
    *_sqlite_append_only("ledger", "sequence = NEW.sequence"),
    "CREATE TRIGGER approvals_no_delete BEFORE DELETE ON approvals "
    "BEGIN SELECT RAISE(ABORT, 'approvals are never deleted'); END",
    "CREATE TRIGGER approvals_no_replace BEFORE INSERT ON approvals "
    "WHEN EXISTS (SELECT 1 FROM approvals WHERE id = NEW.id "
    "OR (digest = NEW.digest AND person = NEW.person)) "
    "BEGIN SELECT RAISE(ABORT, 'a person signs one digest once'); END",
    "CREATE TRIGGER approvals_used_once BEFORE UPDATE ON approvals "
    "WHEN OLD.used_by IS NOT NULL OR NEW.used_by IS NULL OR "
    "(OLD.id, OLD.digest, OLD.person, OLD.key_fingerprint, OLD.signature, OLD.signed_at) IS NOT "
    "(NEW.id, NEW.digest, NEW.person, NEW.key_fingerprint, NEW.signature, NEW.signed_at) "
    "BEGIN SELECT RAISE(ABORT, 'an approval is used once and never changed'); END",
)

POSTGRESQL = (
    "CREATE FUNCTION lane_authority_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
    "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$",
    *(
        f"CREATE TRIGGER {table}_append_only BEFORE {what} ON {table} "
        f"FOR EACH {each} EXECUTE FUNCTION lane_authority_append_only()"
        for table, what, each in (
            ("policy_revisions", "UPDATE OR DELETE", "ROW"),
            ("ledger", "UPDATE OR DELETE", "ROW"),
            ("approvals", "DELETE", "ROW"),
        )
    ),
    *(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION lane_authority_append_only()"
        for table in ("policy_revisions", "ledger", "approvals")
    ),
    "CREATE FUNCTION lane_authority_used_once() RETURNS trigger LANGUAGE plpgsql AS $$ "
    "BEGIN "
    "IF OLD.used_by IS NOT NULL OR NEW.used_by IS NULL OR "
    "ROW(OLD.id, OLD.digest, OLD.person, OLD.key_fingerprint, OLD.signature, OLD.signed_at) "
    "IS DISTINCT FROM "
    "ROW(NEW.id, NEW.digest, NEW.person, NEW.key_fingerprint, NEW.signature, NEW.signed_at) "
    "THEN RAISE EXCEPTION 'an approval is used once and never changed'; END IF; "
    "RETURN NEW; END $$",
    "CREATE TRIGGER approvals_used_once BEFORE UPDATE ON approvals "
    "FOR EACH ROW EXECUTE FUNCTION lane_authority_used_once()",
)
