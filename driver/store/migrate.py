"""Brings the store's tables to the shape that this program needs."""

import threading
from pathlib import Path

from sqlalchemy import inspect, text

from launchplane_lane_contracts.errors import CouldNotTell

from .engine import StoreDatabase
from .schema import SCHEMA_REVISION

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
# Alembic keeps in globals which database it is at.
_one_at_a_time = threading.Lock()


def migrate(database: StoreDatabase) -> None:
    """Run the migrations that are missing.

    Raises CouldNotTell when a newer program has already changed the tables.
    """
    if _revision(database) == SCHEMA_REVISION:
        return
    # Most runs never need these, and they take long to load.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    with _one_at_a_time, database.changing_the_schema() as connection:
        configuration.attributes["connection"] = connection
        try:
            command.upgrade(configuration, "head")
        except CommandError as error:
            raise CouldNotTell(
                f"The store {database.place} was made by a newer launchplane-lane-authority than "
                "this one. Use that one."
            ) from error


def _revision(database: StoreDatabase) -> str | None:
    with database.reading() as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return None
        found = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found) if found is not None else None
