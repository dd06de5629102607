"""Which of the driver's actions can be asked for on one lane now, and why not."""

from launchplane_lane_contracts.descriptor import DriverAction
from launchplane_lane_contracts.read_model import LaneView
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .descriptor import descriptor

OF_AN_OPERATION = ("before_provider_effect", "finish_rebuild", "undo_rebuild")


def lane_actions(view: LaneView) -> tuple[DriverAction, ...]:
    """Every action; one that is disabled carries its reasons."""
    return descriptor(_why_not(view)).actions


def _why_not(view: LaneView) -> dict[str, tuple[Reason, ...]]:
    if view.unfinished is not None:
        held = reason(
            ReasonCode.OPERATION_UNFINISHED,
            f"Operation {view.unfinished.operation_id} holds lane {view.lane}.",
            "End it first: "
            + " or ".join(each.command for each in view.unfinished.ways_on if each.possible),
            operation_id=view.unfinished.operation_id,
        )
        return {"authorize_rebuild": (held,)}
    nothing = reason(
        ReasonCode.NO_OPERATION_AUTHORIZED,
        f"No operation is authorized on lane {view.lane}.",
        "Plan the operation and authorize it.",
        lane=view.lane,
    )
    found: dict[str, tuple[Reason, ...]] = dict.fromkeys(OF_AN_OPERATION, (nothing,))
    if not any(each.enabled for each in view.choices):
        # The same reason stands in the way of many choices; it is told once.
        once = {each.canonical(): each for choice in view.choices for each in choice.reasons}
        found["authorize_rebuild"] = tuple(once.values())
    return found
