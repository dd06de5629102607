"""What this Odoo answers when the control plane asks: bare facts, not judged."""

from pathlib import Path

from odoo.modules.module import Manifest
from odoo.sql_db import BaseCursor
from odoo.tools import config

from launchplane_lane_contracts.contract import RULEBOOK_VERSION, FilestorePath
from launchplane_lane_contracts.reading import RuntimeIdentity, RuntimeReading

from ..doors.listing import is_loaded_server_wide, stays_listed_when_locked
from ..guard.filestore import read_tag
from .database_here import is_neutralised, read_database_here

ADDON = "launchplane_lane_authority"


def read_runtime(
    identity: RuntimeIdentity, cursor: BaseCursor | None, *, registry_loaded: bool
) -> RuntimeReading:
    """Read everything; `cursor` is None where Odoo serves without a database."""
    manifest = Manifest.for_addon(ADDON)
    without_database = RuntimeReading(
        runtime_identity=identity,
        identity=None,
        marker_generation=None,
        filestore_path=None,
        filestore_tag=None,
        registry_loaded=registry_loaded,
        neutralised=None,
        stays_listed_when_locked=False,
        addon_version=manifest.version if manifest else "",
        rulebook_version=RULEBOOK_VERSION,
        quarantine_loaded=is_loaded_server_wide(),
    )
    if cursor is None:
        return without_database
    reading = read_database_here(cursor)
    folder = Path(config.filestore(cursor.dbname))
    tag, _tag_problem = read_tag(folder)
    return without_database.model_copy(
        update={
            "identity": reading.identity(),
            "marker_generation": reading.marker_row.generation if reading.marker_row else None,
            "filestore_path": FilestorePath(str(folder)),
            "filestore_tag": tag,
            "neutralised": is_neutralised(cursor),
            "stays_listed_when_locked": stays_listed_when_locked(cursor.dbname),
        }
    )
