"""Odoo's own ways to drop or rename a database, as the server offers them over HTTP and RPC.

`odoo db` is another program, which loads no addon: there PostgreSQL's lock alone stands in the way.
"""

import odoo.service.db
import psycopg2
from odoo.exceptions import UserError
from odoo.sql_db import db_connect
from odoo.tools import config

from launchplane_lane_contracts.naming import LONGEST_NAME
from launchplane_lane_contracts.vocabulary import MarkerState, TagState

from ..reading.lane_here import read_lane_here
from ..reading.protection import is_protected
from ..server_wide.hooking import put_before
from .catalogue_reading import catalogue

WAY_ON = (
    "To replace this data, let the operator of the Launchplane host plan and authorize a rebuild "
    "(lane-authority plan): what is here is then set aside, not deleted."
)
COPY = (
    ", though it stands in another place than that data; if it is a mere copy, neutralise it first "
    "(odoo neutralize), which takes the marker off it"
)


def guard_the_database_service():
    """The database manager, its RPC, and whatever in the server calls these functions."""
    put_before(odoo.service.db, "exp_drop", _exp_drop)
    put_before(odoo.service.db, "exp_rename", _exp_rename)


def _exp_drop(original, db_name):
    _refuse_if_protected(db_name, "deleted")
    return original(db_name)


def _exp_rename(original, old_name, new_name):
    _refuse_if_protected(old_name, "renamed")
    return original(old_name, new_name)


def _refuse_if_protected(name, done):
    """Raise UserError where the database may not be touched, or cannot be looked at."""
    if not config["list_db"]:
        # Odoo itself refuses, and says nothing of the database.
        return
    try:
        why = _why_protected(name)
    except psycopg2.Error as problem:
        text = str(problem).strip().splitlines()
        why = f"it could not be read whose data it holds ({text[0] if text else 'no answer'})"
    if why:
        # There is no user here, and so no language to translate it to.
        message = f"Database {name} is not {done}: {why}. {WAY_ON}"
        raise UserError(message)


def _why_protected(asked):
    # What is longer PostgreSQL cuts off, and does it to the database of that name.
    name = asked.encode()[:LONGEST_NAME].decode(errors="ignore")
    entry = next((each for each in catalogue() if each.name == name), None)
    if entry is None:
        return ""
    tag = entry.tag
    if tag is not None and tag.state is TagState.KEPT and tag.database_oid == entry.oid:
        return f"it is kept data of lane {tag.lane}, which only the release of kept data may delete"
    if not entry.takes_connections:
        return "it is closed, so it cannot be read whose data it holds"
    with db_connect(name).cursor() as cursor:
        here = read_lane_here(cursor)
    if entry.locked:
        owner = f" as the data of lane {tag.lane}" if tag is not None else ""
        return f"PostgreSQL has it locked{owner}"
    if not is_protected(here):
        return ""
    row = here.reading.marker_row
    if row is None:
        return f"its marker cannot be trusted ({here.marker.detail})"
    why = f"it is marked as data of lane {row.lane} that may not be lost"
    return why + (COPY if here.marker.state is MarkerState.COPIED else "")
