"""Whether a lane came to its end."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; none of the lanes that there are was retired."""
    op.add_column(
        "lanes", sa.Column("retired", sa.Boolean, nullable=False, server_default=sa.false())
    )
