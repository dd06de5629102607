"""Backup gates, proofs and declared sources: what plans are judged by, and nobody edits."""

import sqlalchemy as sa
from alembic import op

from launchplane_lane_driver.store.columns import UtcColumn

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table; a backup has one gate, and a row is never changed."""
    op.create_table(
        "evidence",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("backup_id", sa.Text, nullable=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("recorded_at", UtcColumn, nullable=False),
    )
    is_gate = sa.text("kind = 'gate'")
    op.create_index(
        "one_gate_per_backup",
        "evidence",
        ["backup_id"],
        unique=True,
        sqlite_where=is_gate,
        postgresql_where=is_gate,
    )
    op.create_index("evidence_of_a_lane", "evidence", ["lane", "kind", "number"])
    statements = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    for statement in statements:
        op.execute(statement)


_REFUSE = "BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END"

_SAME_ROW = (
    "EXISTS (SELECT 1 FROM evidence WHERE number = NEW.number OR "
    "(kind = 'gate' AND NEW.kind = 'gate' AND backup_id = NEW.backup_id))"
)

SQLITE = (
    f"CREATE TRIGGER evidence_no_update BEFORE UPDATE ON evidence {_REFUSE}",
    f"CREATE TRIGGER evidence_no_delete BEFORE DELETE ON evidence {_REFUSE}",
    # INSERT OR REPLACE deletes without asking the trigger above.
    f"CREATE TRIGGER evidence_no_replace BEFORE INSERT ON evidence WHEN {_SAME_ROW} {_REFUSE}",
)

POSTGRESQL = (
    "CREATE TRIGGER evidence_append_only BEFORE UPDATE OR DELETE ON evidence "
    "FOR EACH ROW EXECUTE FUNCTION lane_authority_append_only()",
    "CREATE TRIGGER evidence_no_truncate BEFORE TRUNCATE ON evidence "
    "FOR EACH STATEMENT EXECUTE FUNCTION lane_authority_append_only()",
)
