"""Two sets of policies beside each other: what tightens, what loosens, and who must approve."""

import json
from enum import StrEnum

from .contract import Contract
from .lane import Lane
from .policy import Policy
from .policy_change import approvers_for_change, loosening


class Effect(StrEnum):
    """What one change does to what is allowed."""

    TIGHTENS = "tightens"
    LOOSENS = "loosens"
    NEITHER = "neither"


class LaneChange(StrEnum):
    """What becomes of one lane."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class FieldChange(Contract):
    """One field that differs."""

    field: str
    """The field."""
    before: str
    """Its value in the old policy, in JSON."""
    after: str
    """Its value in the new policy, in JSON."""
    effect: Effect
    """What this change does; what cannot be compared loosens."""


class LaneComparison(Contract):
    """The old and the new policy of one lane."""

    lane: Lane
    """The lane."""
    change: LaneChange
    """What becomes of it."""
    effect: Effect
    """What the change does as a whole; it loosens as soon as any part of it does."""
    fields: tuple[FieldChange, ...] = ()
    """Every field that differs, in the order of the policy."""
    loosens: tuple[str, ...] = ()
    """What becomes allowed that was refused, in words."""
    approvers_required: int
    """Approvers asked for besides the proposer."""


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
        # Without a policy nothing is allowed, so this can only tighten.
        return LaneComparison(
            lane=lane, change=LaneChange.REMOVED, effect=Effect.TIGHTENS, approvers_required=0
        )
    loosens = loosening(old, new)
    fields = field_changes(old, new) if old is not None else ()
    if old is None:
        change = LaneChange.ADDED
    else:
        change = LaneChange.CHANGED if fields else LaneChange.UNCHANGED
    if loosens:
        effect = Effect.LOOSENS
    elif any(each.effect is Effect.TIGHTENS for each in fields):
        effect = Effect.TIGHTENS
    else:
        effect = Effect.NEITHER
    return LaneComparison(
        lane=lane,
        change=change,
        effect=effect,
        fields=fields,
        loosens=loosens,
        approvers_required=approvers_for_change(old, new),
    )


def field_changes(old: Policy, new: Policy) -> tuple[FieldChange, ...]:
    """Every field that differs, and what its change by itself does."""
    before, after = old.to_plain(), new.to_plain()
    return tuple(
        FieldChange(
            field=name,
            before=json.dumps(before[name], ensure_ascii=False),
            after=json.dumps(after[name], ensure_ascii=False),
            effect=_effect(name, old, new),
        )
        for name in Policy.model_fields
        if before[name] != after[name]
    )


def _effect(name: str, old: Policy, new: Policy) -> Effect:
    """What a field does, seen by itself and as part of the whole change.

    One field changed alone may look looser than the whole does: a lane that goes live loses its
    end as provisional, and nothing becomes allowed by that.
    """
    alone = old.model_copy(update={name: getattr(new, name)})
    if set(loosening(old, alone)).intersection(loosening(old, new)):
        return Effect.LOOSENS
    return Effect.TIGHTENS if loosening(alone, old) else Effect.NEITHER
