"""The last generation that the host said it settled, remembered for all of this server's processes.

It lies in Odoo's data folder: an older copy of the database would not know it. It is not signed;
whoever may write there can stop this Odoo anyway, and all that it can do is hold mail back.
"""

import json
import logging
import os
from pathlib import Path

from odoo.tools import config

from launchplane_lane_contracts.lane import Lane

_logger = logging.getLogger(__name__)

FILE_NAME = "launchplane_settled_generation.json"


def expected_generation(lane: Lane | None) -> int | None:
    """The highest generation that the host has named for this lane, or None."""
    if lane is None:
        return None
    try:
        found = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or found.get("lane") != str(lane):
        return None
    generation = found.get("generation")
    return generation if type(generation) is int else None


def remember_generation(lane: Lane, generation: int | None) -> None:
    """Remember what the host's question named. A lower one than before changes nothing."""
    known = expected_generation(lane)
    if generation is None or (known is not None and known >= generation):
        return
    path = _path()
    text = json.dumps({"lane": str(lane), "generation": generation})
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as problem:
        _logger.warning("%s could not be written: %s.", path, problem.strerror)


def _path() -> Path:
    return Path(config["data_dir"]) / FILE_NAME
