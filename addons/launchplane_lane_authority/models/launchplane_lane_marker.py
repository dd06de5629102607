"""The marker's table: read here, written by signed orders; and the one thing Odoo may ask for."""

from datetime import UTC, datetime

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..guard.marker_table import CREATE_MARKER_TABLE, write_claim, write_event
from ..quarantine.evidence import judge_evidence
from ..reading.cursor_query import query_through_cursor
from ..reading.lane_here import read_lane_here
from ..reading.neutralisation import with_neutralisation
from ..screen.badge_words import badge_words
from ..server_wide.post_load import post_load


class LaunchplaneLaneMarker(models.Model):
    """The one row that says whose data this database holds."""

    _name = "launchplane.lane.marker"
    _description = "Launchplane lane marker"
    _inherit = ["launchplane.lane.sealed"]
    _auto = False
    _log_access = False
    _rec_name = "lane"

    token = fields.Text(string="Signed order", readonly=True)
    state = fields.Char(readonly=True)
    lane = fields.Char(readonly=True)
    rollout_state = fields.Char(readonly=True)
    authoritative = fields.Boolean(string="Only true copy", readonly=True)
    generation = fields.Integer(readonly=True)
    nonce = fields.Char(readonly=True)
    written_at = fields.Datetime(readonly=True)
    claimed = fields.Boolean(string="Protected from within Odoo", readonly=True)
    claim_reason = fields.Text(readonly=True)
    claimed_by = fields.Char(readonly=True)
    claimed_at = fields.Datetime(readonly=True)

    def init(self):
        """Make the table where the guard has not made it yet; one that is there stays as it is."""
        query_through_cursor(self.env.cr)(CREATE_MARKER_TABLE, ())

    def _register_hook(self):
        """What holds for the whole server, where something else imported the addon before Odoo."""
        super()._register_hook()
        post_load()

    @api.model
    def _read_here(self):
        """The marker as this running Odoo judges it: a `LaneHere`."""
        return with_neutralisation(self.env.cr, read_lane_here(self.env.cr))

    @api.model
    def lane_badge(self):
        """What the badge in the top bar says to people who work here, or False."""
        if not self.env.user._is_internal():
            return False
        here = self.sudo()._read_here()
        return badge_words(
            self.env, here, judge_evidence(here, self.env.cr.dbname), datetime.now(UTC)
        )

    @api.model
    def _claim(self, reason):
        """Ask for protection of this data. It only tightens, and only a signed order ends it.

        Raises AccessError for anybody but an administrator, UserError where there is no marker
        or the protection was asked for already.
        """
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(
                self.env._("Only an administrator, who may open the settings, can do this.")
            )
        reason = (reason or "").strip()
        if not reason:
            raise UserError(
                self.env._("Say why this database needs protection, for those who read it later.")
            )
        query = query_through_cursor(self.env.cr)
        login = self.env.user.login
        if not write_claim(query, reason, login):
            raise UserError(self._why_it_cannot_be_claimed(query))
        write_event(query, "claim", login, {"reason": reason})
        self.invalidate_model()
        self.env["launchplane.lane.event"].invalidate_model()

    @api.model
    def _why_it_cannot_be_claimed(self, query):
        if query("SELECT 1 FROM public.launchplane_lane_marker WHERE id = 1", ()):
            return self.env._("This database is protected already, at an administrator's request.")
        return self.env._(
            "Launchplane does not know this database yet, so there is nothing to protect it from: "
            "it may not be rebuilt. Ask the operator of the Launchplane host to enrol this lane "
            "as the only true copy of its data."
        )
