"""The dialog behind *Protect this database*."""

from odoo import fields, models


class LaunchplaneLaneClaim(models.TransientModel):
    """Asks for a reason, then for protection."""

    _name = "launchplane.lane.claim"
    _description = "Protect this database"

    reason = fields.Text(
        required=True,
        help="Whoever wants to rebuild this lane will read it.",
    )

    def action_protect(self):
        """Protect the database, and show the settings as they are then."""
        self.ensure_one()
        self.env["launchplane.lane.marker"]._claim(self.reason)
        return {"type": "ir.actions.client", "tag": "reload"}
