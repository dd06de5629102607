"""The events' table, which the guard and claims add to."""

import json

from odoo import api, fields, models

from ..guard.marker_table import CREATE_EVENT_TABLE
from ..reading.cursor_query import query_through_cursor
from ..screen.event_words import event_sentence


class LaunchplaneLaneEvent(models.Model):
    """What happened to this database, oldest events never removed."""

    _name = "launchplane.lane.event"
    _description = "Launchplane lane event"
    _inherit = ["launchplane.lane.sealed"]
    _auto = False
    _log_access = False
    _rec_name = "kind"
    _order = "happened_at desc, id desc"

    happened_at = fields.Datetime(string="When", readonly=True)
    kind = fields.Char(readonly=True)
    actor = fields.Char(string="By", readonly=True)
    document = fields.Text(string="Details", readonly=True)
    sentence = fields.Text(string="What happened", compute="_compute_sentence")

    def init(self):
        """Make the table where the guard has not made it yet; one that is there stays as it is."""
        query_through_cursor(self.env.cr)(CREATE_EVENT_TABLE, ())

    @api.depends("kind", "document")
    def _compute_sentence(self):
        for event in self:
            try:
                details = json.loads(event.document or "{}")
            except ValueError:
                details = {}
            event.sentence = event_sentence(self.env, event.kind or "", details)
