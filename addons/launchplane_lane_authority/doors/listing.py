"""A locked lane stays on Odoo's list of databases, so that it is served like any other.

Odoo leaves out what is a template, and the lock makes a template. A database is a lane's own where
it is pinned, or where its engine tag says so and was written for this very database.
"""

import logging

import odoo.service.db
import odoo.service.server
import psycopg2
from odoo.tools import config

from launchplane_lane_contracts.vocabulary import TagState

from ..server_wide.hooking import is_put_before, put_before
from .catalogue_reading import catalogue

_logger = logging.getLogger(__name__)


def keep_locked_databases_listed():
    """In every process of the server, those included that it forks later."""
    put_before(odoo.service.db, "list_dbs", _list_dbs)
    # It has taken the function by its name.
    odoo.service.server.list_dbs = odoo.service.db.list_dbs


def stays_listed_when_locked(database: str) -> bool:
    """Whether Odoo goes on listing and serving this database once it is locked.

    Asked in a worker that loaded the addon only with its registry it is no: another worker would
    not find the database.
    """
    if not config["dbfilter"] and database in (config["db_name"] or ()):
        return True
    return is_loaded_server_wide() and is_put_before(odoo.service.db, "list_dbs")


def is_loaded_server_wide() -> bool:
    """Whether the server loads the addon before any database."""
    return "launchplane_lane_authority" in config["server_wide_modules"]


def _list_dbs(original, force=False):
    found = original(force)
    if config["db_name"] and not config["dbfilter"]:
        # Odoo answers what is pinned, and does not look at the catalogue.
        return found
    try:
        return sorted({*found, *_locked_lanes()})
    except psycopg2.Error as problem:
        _logger.warning("Locked databases could not be listed: %s", problem)
        return found


def _locked_lanes():
    pinned = config["db_name"] or ()
    for entry in catalogue():
        if not (entry.locked and entry.takes_connections and entry.owned):
            continue
        tag = entry.tag
        is_a_lane = (
            tag is not None and tag.state is not TagState.KEPT and tag.database_oid == entry.oid
        )
        if entry.name != config["db_template"] and (is_a_lane or entry.name in pinned):
            yield str(entry.name)
