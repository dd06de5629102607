"""Which database is the lane's own, where this Odoo may serve others as well."""

import os

from odoo.tools import config

DATABASE_VARIABLE = "ODOO_DB_NAME"


def database_of_the_lane() -> str | None:
    """The one that the environment names, else the one that is pinned."""
    named = os.environ.get(DATABASE_VARIABLE, "")
    pinned = config["db_name"] or ()
    return named or (pinned[0] if len(pinned) == 1 else None)
