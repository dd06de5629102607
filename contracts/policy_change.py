"""Does a change of policy only tighten? Whatever cannot be compared counts as loosening."""

import json
from collections.abc import Callable

from .approval import APPROVERS_FOR_GRAVE
from .contract import Contract
from .policy import Policy
from .vocabulary import RolloutState, Weight


class PolicyDifference(Contract):
    """One field that two policies of a lane have different values in."""

    field: str
    """The field."""
    old: str
    """Its value before, as JSON."""
    new: str
    """Its value afterwards, as JSON."""
    loosens: bool
    """Whether the new value allows, or may allow, what the old one refused."""
    words: str
    """What that means, in words."""


def policy_differences(old: Policy, new: Policy) -> tuple[PolicyDifference, ...]:
    """Every field that differs, in the order of the policy's fields."""
    before, after = old.to_plain(), new.to_plain()
    found = []
    for field, (loosens, looser, stricter) in _FIELDS.items():
        if before[field] == after[field]:
            continue
        is_looser = loosens(old, new)
        found.append(
            PolicyDifference(
                field=field,
                old=json.dumps(before[field], ensure_ascii=False),
                new=json.dumps(after[field], ensure_ascii=False),
                loosens=is_looser,
                words=looser if is_looser else stricter,
            )
        )
    return tuple(found)


def loosening(old: Policy | None, new: Policy) -> tuple[str, ...]:
    """What the change allows that was refused before, in words; empty when it only tightens.

    An unknown lane is allowed nothing, so its first policy always loosens.
    """
    if old is None:
        return ("the lane had no policy, under which nothing is allowed",)
    return tuple(each.words for each in policy_differences(old, new) if each.loosens)


def weight_of_change(old: Policy | None, new: Policy) -> Weight:
    """Loosening is grave; tightening is routine, so that nobody hesitates to do it."""
    return Weight.GRAVE if loosening(old, new) else Weight.ROUTINE


def approvers_for_change(old: Policy | None, new: Policy) -> int:
    """Approvers asked for besides the requester, where no lower number was set."""
    return APPROVERS_FOR_GRAVE if loosening(old, new) else 0


Loosens = Callable[[Policy, Policy], bool]
"""Whether the change of one field from the first policy to the second loosens."""


def _turned(field: str, *, to: bool) -> Loosens:
    """Whether a flag that differs was turned to the value that allows more."""
    return lambda old, new: getattr(new, field) is to


def _lasts_longer(old: Policy, new: Policy) -> bool:
    if old.provisional_until is None:
        return False
    if new.provisional_until is None:
        return not new.authoritative_data
    return new.provisional_until > old.provisional_until


def _is_another_target(old: Policy, new: Policy) -> bool:
    if old.provider_target is None:
        return False
    return new.provider_target is None or not old.provider_target.same_as(new.provider_target)


_FIELDS: dict[str, tuple[Loosens, str, str]] = {
    "lane": (lambda old, new: True, "the policies are of different lanes", ""),
    "rollout_state": (
        lambda old, new: old.rollout_state is RolloutState.PRODUCTION,
        "the lane is no longer real production",
        "the lane's rollout state changes, which decides nothing by itself",
    ),
    "authoritative_data": (
        _turned("authoritative_data", to=False),
        "the data no longer counts as the only true copy",
        "the data counts as the only true copy from now on",
    ),
    "bootstrap_empty_allowed": (
        _turned("bootstrap_empty_allowed", to=True),
        "a rebuild from nothing becomes allowed",
        "a rebuild from nothing is allowed no more",
    ),
    "restore_from_upstream_allowed": (
        _turned("restore_from_upstream_allowed", to=True),
        "a restore from upstream becomes allowed",
        "a restore from upstream is allowed no more",
    ),
    "upstream_source": (
        # Two sources cannot be compared, so naming one always counts as loosening.
        lambda old, new: new.upstream_source is not None,
        "another upstream source",
        "no upstream source is named any more",
    ),
    "requires_backup_before_destroy": (
        _turned("requires_backup_before_destroy", to=False),
        "no backup is asked for any more",
        "a backup is asked for from now on",
    ),
    "requires_restore_proof": (
        _turned("requires_restore_proof", to=False),
        "no restore proof is asked for any more",
        "a restore proof is asked for from now on",
    ),
    "requires_runtime_identity": (
        _turned("requires_runtime_identity", to=False),
        "the runtime is not asked any more",
        "the runtime is asked from now on",
    ),
    "backup_max_age": (
        lambda old, new: new.backup_max_age > old.backup_max_age,
        "backups may be older",
        "backups must be younger",
    ),
    "replaced_kept_for": (
        lambda old, new: new.replaced_kept_for < old.replaced_kept_for,
        "what is replaced is kept for less long",
        "what is replaced is kept for longer",
    ),
    "provisional_until": (
        _lasts_longer,
        "the lane stays provisional for longer",
        "the lane is provisional for a shorter time, or no more",
    ),
    "provider_target": (
        _is_another_target,
        "another provider target",
        "a provider target is asked for from now on",
    ),
}
"""For each field of a policy: when its change loosens, what that means, and what the rest means."""
