"""Which drill is at which lane, and until when that counts: one that died loses its lane."""

import sqlalchemy as sa
from alembic import op

from launchplane_lane_driver.store.columns import UtcColumn

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table; nothing in it is a record of anything."""
    op.create_table(
        "drill_claims",
        sa.Column("lane", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("claimed_until", UtcColumn, nullable=False),
    )
