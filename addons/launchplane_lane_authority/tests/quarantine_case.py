"""A lane whose quarantine is asked anew each time."""

import tempfile
from pathlib import Path
from unittest.mock import patch

from odoo.tools import mute_logger

from launchplane_lane_contracts.marker import PhysicalIdentity

from ..quarantine.reading import forget, quarantine_of
from ..reading import expected_generation
from .lane_case import PROTECTED, LaneCase

LOGGER = "odoo.addons.launchplane_lane_authority.quarantine.reading"


class QuarantineCase(LaneCase):
    """Asks anew each time."""

    def setUp(self):
        """No answer is left from another test, and nothing that a host named."""
        super().setUp()
        self.enterContext(mute_logger(LOGGER))
        folder = tempfile.TemporaryDirectory(prefix="lane-data-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        # An absolute name: it lies elsewhere than in the server's own data folder.
        name = str(self.folder / "settled.json")
        self.startPatcher(patch.object(expected_generation, "FILE_NAME", name))
        self.addCleanup(forget)

    def cause(self):
        """Why it is in quarantine, or None."""
        forget()
        found = quarantine_of(self.env.cr)
        return found.cause if found else None

    def stamp_a_copy(self):
        """The marker of the lane itself, written for another database."""
        here = self.marker(PROTECTED).identity
        there = PhysicalIdentity(
            system_identifier=here.system_identifier,
            database_oid=here.database_oid + 1,
            database_name=here.database_name,
            marker_table_oid=here.marker_table_oid,
        )
        self.stamp(self.marker(PROTECTED, identity=there))
