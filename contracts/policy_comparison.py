"""Two sets of policies beside each other: what tightens, what loosens, and who must approve."""

from enum import StrEnum

from .contract import Contract
from .lane import Lane
from .policy import Policy
from .policy_change import PolicyDifference, approvers_for_change, loosening, policy_differences


class LaneChange(StrEnum):
    """What becomes of one lane."""

    ADDED = "added"
    REMOVED = "removed"
    LOOSENED = "loosened"
    TIGHTENED = "tightened"
    UNCHANGED = "unchanged"


class LaneComparison(Contract):
    """The old and the new policy of one lane."""

    lane: Lane
    """The lane."""
    change: LaneChange
    """What becomes of it as a whole: it is loosened as soon as any part of it is."""
    differences: tuple[PolicyDifference, ...] = ()
    """Every field that differs, where the lane is in both."""
    loosens: tuple[str, ...] = ()
    """What becomes allowed that was refused, in words."""
    approvers_required: int
    """Approvers asked for besides the proposer, where no lower number was set."""


def compare_policies(
    old: tuple[Policy, ...], new: tuple[Policy, ...]
) -> tuple[LaneComparison, ...]:
    """Every lane that either has, those of `new` first, each once."""
    before = {policy.lane: policy for policy in old}
    after = {policy.lane: policy for policy in new}
    lanes = [*after, *(lane for lane in before if lane not in after)]
    return tuple(_compare(lane, before.get(lane), after.get(lane)) for lane in lanes)


def _compare(lane: Lane, old: Policy | None, new: Policy | None) -> LaneComparison:
    if new is None:
        # Without a policy nothing is allowed, so nobody need approve that.
        return LaneComparison(lane=lane, change=LaneChange.REMOVED, approvers_required=0)
    loosens = loosening(old, new)
    differences = () if old is None else policy_differences(old, new)
    if old is None:
        change = LaneChange.ADDED
    elif loosens:
        change = LaneChange.LOOSENED
    else:
        change = LaneChange.TIGHTENED if differences else LaneChange.UNCHANGED
    return LaneComparison(
        lane=lane,
        change=change,
        differences=differences,
        loosens=loosens,
        approvers_required=approvers_for_change(old, new),
    )
