"""Kept data that no operation set aside: what was declared lost, or is of a retired lane."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Let the operation be absent."""
    with op.batch_alter_table("kept_data") as table:
        table.alter_column("operation_id", existing_type=sa.Text, nullable=True)
