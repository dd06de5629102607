"""`attest`: what the guard says for a runtime that is down, in the words of that runtime.

It needs no order, since it changes nothing: it is asked over the same road as `show`, and whether
an attestation may stand for an answer is decided on the host, explicitly and on the record.
"""

from launchplane_lane_contracts.contract import RULEBOOK_VERSION
from launchplane_lane_contracts.reading import LaneReading, RuntimeReading


def attest(reading: LaneReading) -> RuntimeReading:
    """What a running Odoo would answer of the same place, as far as it can be seen without one."""
    row = reading.database.marker_row
    return RuntimeReading(
        runtime_identity=reading.runtime_identity,
        identity=reading.database.identity(),
        marker_generation=row.generation if row is not None else None,
        filestore_path=reading.filestore.path,
        filestore_tag=reading.filestore.tag,
        # No Odoo runs here, so nothing of what only a running one knows is claimed.
        registry_loaded=False,
        neutralised=None,
        stays_listed_when_locked=False,
        addon_version="",
        rulebook_version=RULEBOOK_VERSION,
    )
