"""What an exception comes to for the caller: always one of ours, without a secret in its text."""

import psycopg2

from launchplane_lane_contracts.errors import CouldNotTell, LaneAuthorityError

from .database import first_line


def as_failure(problem: Exception) -> LaneAuthorityError:
    """The same as an error of ours."""
    if isinstance(problem, LaneAuthorityError):
        return problem
    if isinstance(problem, psycopg2.Error):
        return CouldNotTell(f"The server did not do it: {first_line(problem)}.")
    if isinstance(problem, OSError):
        return CouldNotTell(f"The system did not do it: {problem}.")
    # A fault of ours. Its text may hold anything, a secret too; its kind does not.
    return CouldNotTell(
        f"The guard met something that it does not know ({type(problem).__name__}). Look at the "
        "lane with `show`; then run the same command again, or undo the operation."
    )
