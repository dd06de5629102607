"""The parts together: real lanes, real Odoo, the operator's commands."""
