"""The way in for every door: says which packages are missing, or runs the command.

Standard library alone, and nothing that an old Python could not read: it must be able to say that
it is too old. The doors are the console
script, the folder run by its path, and `odoo lane_authority`.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import sys
from collections.abc import Sequence
from datetime import datetime, timezone

NEEDED = ("launchplane_lane_contracts", "pydantic", "jwt", "cryptography", "psycopg2")
"""What has to be importable, beside the guard itself."""
COULD_NOT_TELL = 51
"""The exit code; its name lives in the contracts, which may be what is missing."""
RECEIPT_NAME = "LAUNCHPLANE_LANE_AUTHORITY_RESULT_B64"


def enter(version: str, arguments: Sequence[str] | None = None) -> int:
    """Run one command. Answers 51, with words and a receipt, where a package is missing."""
    missing = [name for name in NEEDED if not _is_there(name)]
    if missing:
        return refuse(
            version,
            arguments,
            f"The guard needs Python packages that are not there: {', '.join(missing)}. Install "
            "launchplane-lane-authority with its extra `guard` for this Python "
            f"({sys.executable}), or bring a guard bundle made on the host.",
        )
    try:
        from launchplane_lane_guard.command_line import main

        # It reads the files of the command that is asked for, before it does anything.
        return main(arguments)
    except ImportError as problem:
        # It is there and does not load: too old, or made for another system.
        return refuse(
            version,
            arguments,
            f"A Python package that the guard needs does not load for this Python "
            f"({sys.executable}): {problem}. Install launchplane-lane-authority with its extra "
            "`guard` for it, or bring a guard bundle made on the host.",
        )


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        # Something stands in its place that is no package.
        return False


def refuse(version: str, arguments: Sequence[str] | None, message: str) -> int:
    """Say it in words, and in the one line, which the contracts can't write here."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    receipt = {
        "schema_version": 1,
        "command": given[0] if given else "",
        "outcome": "could_not_tell",
        "nonce": "",
        "permit_id": None,
        "reasons": [],
        "message": message,
        "set_aside": None,
        "ran": None,
        "result": None,
        "reading": None,
        # Its shorter name is too young for an old Python.
        "answered_at": datetime.now(timezone.utc).isoformat().replace("+00:00", "Z"),  # noqa: UP017
        "guard_version": version,
        # No rule book was read.
        "rulebook_version": 0,
    }
    encoded = base64.b64encode(json.dumps(receipt).encode()).decode()
    sys.stderr.write(f"{RECEIPT_NAME}={encoded}\n{message}\n")
    sys.stderr.flush()
    return COULD_NOT_TELL
