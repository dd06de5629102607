"""The block in the general settings."""

from dataclasses import fields as dataclass_fields
from datetime import UTC, datetime

from odoo import api, fields, models

from ..screen.lane_screen import LaneScreen, lane_screen

PREFIX = "launchplane_"


class ResConfigSettings(models.TransientModel):
    """Whose data this is and what may happen to it. Everything here is read, nothing is set."""

    _inherit = "res.config.settings"

    launchplane_authority = fields.Char(string="Protection", compute="_compute_launchplane")
    launchplane_tone = fields.Char(compute="_compute_launchplane")
    launchplane_summary = fields.Text(string="In short", compute="_compute_launchplane")
    launchplane_lane = fields.Char(string="Lane", compute="_compute_launchplane")
    launchplane_rollout = fields.Text(string="Rollout", compute="_compute_launchplane")
    launchplane_days_left = fields.Integer(
        string="Days until it becomes protected", compute="_compute_launchplane"
    )
    launchplane_sources = fields.Html(
        string="What may replace this data", compute="_compute_launchplane"
    )
    launchplane_requirements = fields.Html(
        string="What a rebuild needs first", compute="_compute_launchplane"
    )
    launchplane_marker_label = fields.Char(string="Marker", compute="_compute_launchplane")
    launchplane_marker_tone = fields.Char(compute="_compute_launchplane")
    launchplane_marker_meaning = fields.Text(compute="_compute_launchplane")
    launchplane_marker_remedy = fields.Text(string="What to do", compute="_compute_launchplane")
    launchplane_lock_label = fields.Char(string="Lock", compute="_compute_launchplane")
    launchplane_lock_tone = fields.Char(compute="_compute_launchplane")
    launchplane_lock_text = fields.Text(compute="_compute_launchplane")
    launchplane_quarantine_label = fields.Char(string="Quarantine", compute="_compute_launchplane")
    launchplane_quarantine_tone = fields.Char(compute="_compute_launchplane")
    launchplane_quarantine_text = fields.Text(compute="_compute_launchplane")
    launchplane_arrival = fields.Text(string="Last rebuild", compute="_compute_launchplane")
    launchplane_kept = fields.Text(string="What is kept", compute="_compute_launchplane")
    launchplane_may_claim = fields.Boolean(compute="_compute_launchplane")

    # The texts depend on the database itself, of which no field tells.
    @api.depends("company_id")
    def _compute_launchplane(self):
        here = self.env["launchplane.lane.marker"]._read_here()
        screen = lane_screen(self.env, here, datetime.now(UTC))
        for settings in self:
            for field in dataclass_fields(LaneScreen):
                settings[PREFIX + field.name] = getattr(screen, field.name)
