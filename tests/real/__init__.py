"""The real parts that the tests and the demo stand on: Odoo 19 and PostgreSQL.

One small tool fetches and unpacks Odoo, runs private PostgreSQL clusters and keeps an
initialised Odoo database as a template, so that nothing a user would meet as the real
thing has to be imitated. `python -m tests.real` is its command line.
"""

from tests.real.errors import RealPartMissing
from tests.real.odoo import OdooInstallation, find_odoo
from tests.real.postgres import PrivateCluster, Role
from tests.real.template import OdooTemplate, odoo_template

__all__ = [
    "OdooInstallation",
    "OdooTemplate",
    "PrivateCluster",
    "RealPartMissing",
    "Role",
    "find_odoo",
    "odoo_template",
]
