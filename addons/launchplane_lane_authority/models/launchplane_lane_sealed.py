"""Why no row of ours can be changed through Odoo's object layer."""

from odoo import api, models
from odoo.exceptions import AccessError


class LaunchplaneLaneSealed(models.AbstractModel):
    """A table that Odoo may read and never write, superuser mode included.

    Every road that Odoo's object layer has to a row ends here: the public methods, and the
    private ones that a caller could reach past them.
    """

    _name = "launchplane.lane.sealed"
    _description = "Launchplane records that cannot be edited"

    @api.model
    def _refuse(self):
        raise AccessError(
            self.env._(
                "Launchplane's records cannot be created, changed or deleted from within Odoo. "
                "They change when the Launchplane host signs an order for this lane. "
                "To protect this database more strictly, use 'Protect this database' in the "
                "settings; for everything else, ask the operator of the Launchplane host."
            )
        )

    @api.model_create_multi
    def create(self, vals_list):  # pylint: disable=method-required-super
        """Refused. Raises AccessError."""
        self._refuse()

    def write(self, vals):  # pylint: disable=method-required-super
        """Refused. Raises AccessError."""
        self._refuse()

    def unlink(self):  # pylint: disable=method-required-super
        """Refused. Raises AccessError."""
        self._refuse()

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        self._refuse()

    @api.model
    def _create(self, data_list):
        self._refuse()

    def _write(self, vals):
        self._refuse()

    def _write_multi(self, vals_list):
        self._refuse()
