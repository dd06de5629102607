"""On which cluster kept data is: an oid says nothing on another one."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column; of what is there already it is unknown."""
    op.add_column("kept_data", sa.Column("system_identifier", sa.Text, nullable=True))
