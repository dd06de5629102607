"""Does a change of policy only tighten? Whatever cannot be compared counts as loosening."""

from .policy import Policy

APPROVERS_FOR_LOOSENING = 2


def loosening(old: Policy | None, new: Policy) -> tuple[str, ...]:
    """What the change allows that was refused before, in words; empty when it only tightens.

    An unknown lane is allowed nothing, so its first policy always loosens.
    """
    if old is None:
        return ("the lane had no policy, under which nothing is allowed",)
    if old.lane != new.lane:
        return ("the policies are of different lanes",)
    return tuple(words for loosens, words in _comparisons(old, new) if loosens)


def approvers_for_change(old: Policy | None, new: Policy) -> int:
    """Approvers asked for besides the requester."""
    return APPROVERS_FOR_LOOSENING if loosening(old, new) else 0


def _comparisons(old: Policy, new: Policy) -> tuple[tuple[bool, str], ...]:
    return (
        (
            old.authoritative_data and not new.authoritative_data,
            "the data no longer counts as the only true copy",
        ),
        (
            new.bootstrap_empty_allowed and not old.bootstrap_empty_allowed,
            "a rebuild from nothing becomes allowed",
        ),
        (
            new.restore_from_upstream_allowed and not old.restore_from_upstream_allowed,
            "a restore from upstream becomes allowed",
        ),
        (
            new.restore_from_upstream_allowed and new.upstream_source != old.upstream_source,
            "another upstream source",
        ),
        (
            old.requires_backup_before_destroy and not new.requires_backup_before_destroy,
            "no backup is asked for any more",
        ),
        (
            old.requires_restore_proof and not new.requires_restore_proof,
            "no restore proof is asked for any more",
        ),
        (
            old.requires_runtime_identity and not new.requires_runtime_identity,
            "the runtime is not asked any more",
        ),
        (new.backup_max_age > old.backup_max_age, "backups may be older"),
        (new.replaced_kept_for < old.replaced_kept_for, "what is replaced is kept for less long"),
        (_lasts_longer(old, new), "the lane stays provisional for longer"),
        (
            old.provider_target is not None and new.provider_target != old.provider_target,
            "another provider target",
        ),
    )


def _lasts_longer(old: Policy, new: Policy) -> bool:
    if old.provisional_until is None or new.authoritative_data:
        return False
    return new.provisional_until is None or new.provisional_until > old.provisional_until
