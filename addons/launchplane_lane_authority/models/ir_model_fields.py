"""Uninstalling the addon keeps the columns of its tables."""

from odoo import api, models
from odoo.exceptions import UserError

from .ir_model import LASTING_MODELS


class IrModelFields(models.Model):
    """Spares the columns of `LASTING_MODELS`."""

    _inherit = "ir.model.fields"

    @api.model_create_multi
    def create(self, vals_list):
        """Raises UserError for a field that somebody adds: those tables are not Odoo's."""
        for values in vals_list:
            model = self.env["ir.model"].browse(values.get("model_id")).model or values.get("model")
            if model in LASTING_MODELS:
                raise UserError(
                    self.env._(
                        "Launchplane's records have the fields that they need. Add yours to "
                        "another model."
                    )
                )
        return super().create(vals_list)

    def _drop_column(self):
        """Leave the columns of the marker's and the events' tables in place."""
        lasting = self.filtered(lambda field: field.model in LASTING_MODELS)
        return super(IrModelFields, self - lasting)._drop_column()
