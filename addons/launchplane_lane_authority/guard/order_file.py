"""Reading the file that a signed order is in."""

import sys
from pathlib import Path

from launchplane_lane_contracts.errors import BadInput

LARGEST_ORDER_BYTES = 1_000_000


def read_order(source: str) -> str:
    """The token in a file; `-` is standard input. Raises BadInput when there is none."""
    try:
        if source == "-":
            # Bytes, since the locale decides what standard input makes of what is no text.
            text = sys.stdin.buffer.read(LARGEST_ORDER_BYTES).decode()
        else:
            with Path(source).open(encoding="utf-8") as stream:
                text = stream.read(LARGEST_ORDER_BYTES)
    except (OSError, ValueError) as problem:
        # No text, or a path that cannot be one: both are a ValueError.
        raise BadInput(f"The order in {source} could not be read: {problem}.") from None
    if not text.strip():
        raise BadInput(f"There is no order in {'standard input' if source == '-' else source}.")
    return text.strip()
