"""The permits that an operation had before the one that it has now."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; an operation of before was never retried."""
    op.add_column(
        "operations",
        sa.Column("earlier_permits", sa.Text, nullable=False, server_default="[]"),
    )
