"""No scheduled action runs in quarantine; each stays due, and runs when the quarantine ends."""

import logging

import psycopg2
from odoo.addons.base.models.ir_cron import IrCron
from odoo.sql_db import db_connect

from ..server_wide.hooking import put_before
from .held_back import held_back
from .history import note_what_has_changed
from .reading import quarantine_of

_logger = logging.getLogger(__name__)


def hold_scheduled_actions_back():
    """In cron threads and cron workers alike, which both go through these."""
    put_before(IrCron, "_process_jobs", _process_jobs)
    put_before(IrCron, "_process_job", _process_job)
    put_before(IrCron, "method_direct_trigger", _method_direct_trigger)


def _process_jobs(original, db_name):
    """Before the registry is loaded: not a job is touched."""
    try:
        with db_connect(db_name).cursor() as cursor:
            found = quarantine_of(cursor)
            note_what_has_changed(cursor, found)
    except psycopg2.Error:
        # Odoo itself says what is wrong with the connection; each job is looked at again.
        found = None
    if found is None:
        original(db_name)
    else:
        _logger.debug("Database %s runs no scheduled action: it is in quarantine.", db_name)


def _process_job(original, model, cron_cr, job):
    """A job that was taken while the quarantine began, or by an override of the loop."""
    if quarantine_of(cron_cr) is None:
        original(model, cron_cr, job)
    else:
        _logger.info("Job %r (%s) is held back by the quarantine.", job["cron_name"], job["id"])


def _method_direct_trigger(original, jobs):
    """The button *Run manually*: the person who presses it reads why nothing runs."""
    found = quarantine_of(jobs.env.cr)
    if found is not None:
        raise held_back(jobs.env, found)
    return original(jobs)
