"""When an operation began, and whether a lane's data was given up."""

import sqlalchemy as sa
from alembic import op

from launchplane_lane_driver.store.columns import UtcColumn

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the two columns; of what is there already nothing is known, which refuses."""
    op.add_column("operations", sa.Column("begun_at", UtcColumn, nullable=True))
    op.add_column(
        "lanes",
        sa.Column("declared_lost", sa.Boolean, nullable=False, server_default=sa.false()),
    )
