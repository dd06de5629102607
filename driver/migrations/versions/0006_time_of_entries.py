"""The highest time in the ledger, and the last correction of the clock, are found at once."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add both indexes; no entry is touched."""
    op.create_index("time_of_entries", "ledger", ["at", "sequence"])
    corrections = sa.text("kind = 'clock_corrected'")
    op.create_index(
        "clock_corrections",
        "ledger",
        ["sequence"],
        sqlite_where=corrections,
        postgresql_where=corrections,
    )
