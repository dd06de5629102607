"""The reason that somebody gives for a change that others sign."""

from launchplane_lane_contracts.errors import BadInput

LONGEST_REASON = 2000
"""Characters of it that can be recorded."""


def require_reason(why: str) -> None:
    """Raise BadInput for none, and for one that could not be recorded once it was signed."""
    if not why.strip() or len(why) > LONGEST_REASON:
        raise BadInput(f"Say why, in at most {LONGEST_REASON} characters.")
