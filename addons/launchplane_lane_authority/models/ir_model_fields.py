"""Uninstalling the addon keeps the columns of its tables."""

from odoo import models

from .ir_model import LASTING_MODELS


class IrModelFields(models.Model):
    """Spares the columns of `LASTING_MODELS`."""

    _inherit = "ir.model.fields"

    def _drop_column(self):
        """Leave the columns of the marker's and the events' tables in place."""
        lasting = self.filtered(lambda field: field.model in LASTING_MODELS)
        return super(IrModelFields, self - lasting)._drop_column()
