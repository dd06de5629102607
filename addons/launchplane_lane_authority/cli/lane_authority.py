"""`odoo lane_authority COMMAND`: the guard's door for those who have Odoo at hand.

Odoo takes an ImportError in this file for an unknown command, so nothing is imported at its top
but the standard library and Odoo's own command.
"""

import runpy
import sys
from pathlib import Path

from odoo.cli import Command

GUARD = Path(__file__).resolve().parents[1] / "guard"


class LaneAuthority(Command):
    """Read this lane, and change it by signed orders only."""

    name = "lane_authority"

    def run(self, cmdargs):
        """Run the guard beside this file, in this process; no database's registry is loaded."""
        sys.argv = [self.prog, *cmdargs]
        runpy.run_path(str(GUARD), run_name="__main__")
