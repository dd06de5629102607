"""Uninstalling the addon keeps its tables."""

from odoo import models

# Whose data this is must outlast the addon: uninstalling takes the screen away, not the truth.
LASTING_MODELS = ("launchplane.lane.marker", "launchplane.lane.event")


class IrModel(models.Model):
    """Spares the tables of `LASTING_MODELS`."""

    _inherit = "ir.model"

    def _drop_table(self):
        """Leave the marker's and the events' tables in place."""
        lasting = self.filtered(lambda model: model.model in LASTING_MODELS)
        return super(IrModel, self - lasting)._drop_table()
