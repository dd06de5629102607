"""An addon of somebody else, which runs in the same Odoo and writes where it pleases."""

from odoo import api, models

MARKER = "launchplane.lane.marker"
EVENT = "launchplane.lane.event"


class LaunchplaneMeddler(models.AbstractModel):
    """Each method is one way that an addon has."""

    _name = "launchplane.meddler"
    _description = "Another addon"

    @api.model
    def write_as_superuser(self, model, values):
        """The plain way."""
        self.env[model].sudo().search([], limit=1).write(values)

    @api.model
    def create_as_superuser(self, model, values):
        """A record of its own."""
        self.env[model].sudo().create(values)

    @api.model
    def unlink_as_superuser(self, model, _values):
        """Nothing is left."""
        self.env[model].sudo().search([]).unlink()

    @api.model
    def assign_as_superuser(self, model, values):
        """Without a method's name."""
        record = self.env[model].sudo().search([], limit=1)
        for name, value in values.items():
            record[name] = value

    @api.model
    def past_the_refusal(self, model, values):
        """The methods that the refusal stands in front of, called on the base class."""
        record = self.env[model].sudo().search([], limit=1)
        models.BaseModel.write(record, values)
        record.flush_recordset()

    @api.model
    def unlink_past_the_refusal(self, model, _values):
        """The same to delete."""
        models.BaseModel.unlink(self.env[model].sudo().search([]))

    @api.model
    def create_past_the_refusal(self, model, values):
        """The same to create."""
        models.BaseModel.create(self.env[model].sudo(), [values])

    @api.model
    def sql(self, statement):
        """Past Odoo's object layer."""
        self.env.cr.execute(statement)
