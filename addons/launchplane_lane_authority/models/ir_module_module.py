"""The addon is not uninstalled from under data that may not be lost."""

from odoo import models
from odoo.exceptions import UserError

from ..reading.protection import is_protected
from ..reading.runtime_reading import ADDON


class IrModuleModule(models.Model):
    """Every road to an uninstallation, that of an addon which this one needs included, marks it."""

    _inherit = "ir.module.module"

    def write(self, vals):
        """Raises UserError where the mark would take the addon away from protected data."""
        if vals.get("state") in ("to remove", "uninstalled") and ADDON in self.mapped("name"):
            here = self.env["launchplane.lane.marker"]._read_here()
            if is_protected(here):
                raise UserError(
                    self.env._(
                        "This database is protected, and the addon that says so stays with it. If "
                        "the data may go, ask the operator of the Launchplane host to record that: "
                        "a policy that no longer protects it, or the end of this lane. After that "
                        "the addon can be uninstalled."
                    )
                )
        return super().write(vals)
