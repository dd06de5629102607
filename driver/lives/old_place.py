"""Where a lane's data was recorded: read by the guard there, or said to be stopped for good."""

from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import OldPlace

from ..guard_client import show
from .life import Seen

WAY_ON = (
    'Let the guard look at the old place (--old-guard "COMMAND", as the lane\'s guard command was '
    "there), after its database was dropped or closed (ALTER DATABASE ... ALLOW_CONNECTIONS "
    "false). Where it is stopped for good, say so with --old-place-stopped, which those who sign "
    "attest."
)


def read_old_place(seen: Seen) -> OldPlace | Reason:
    """What became of the old place, or why that is not known well enough.

    Silence alone says nothing: what cannot be read may come back.
    """
    recorded, asked = seen.record.identity, seen.asked
    assert recorded is not None
    if not asked.old_guard:
        if asked.old_place_is_stopped:
            return OldPlace.ATTESTED
        return _unsettled("nobody looked at the old place, and nobody says that it is stopped")
    configuration = seen.configuration.model_copy(update={"guard_command": asked.old_guard})
    database = show(configuration).database
    if database.server is None:
        if asked.old_place_is_stopped:
            return OldPlace.ATTESTED
        return _unsettled(
            "the old place cannot be read, and what is silent may come back: "
            f"{database.problem or 'it did not answer'}"
        )
    found = database.server.system_identifier
    if found != recorded.system_identifier:
        return _unsettled(
            f"that guard looks at cluster {found}, and the data is recorded on cluster "
            f"{recorded.system_identifier}"
        )
    entries = (*((database.entry,) if database.entry is not None else ()), *database.neighbours)
    there = next((each for each in entries if each.oid == recorded.database_oid), None)
    if there is None:
        return OldPlace.GONE
    if there.takes_connections:
        return _unsettled(
            f"the data (oid {there.oid}) still stands at the old place as {there.name} and takes "
            "connections"
        )
    return OldPlace.CLOSED


def _unsettled(detail: str) -> Reason:
    return reason(
        ReasonCode.OLD_PLACE_UNSETTLED,
        f"The data may still be live at its old place: {detail}.",
        WAY_ON,
        detail=detail,
    )
