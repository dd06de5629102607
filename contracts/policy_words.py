"""What a policy means, in sentences for a person."""

from datetime import timedelta

from .contract import UtcInstant
from .policy import LONGEST_PROVISIONAL, EffectivePolicy, Policy, effective_policy
from .vocabulary import DataSource, RolloutState

STATE_WORDS = {
    RolloutState.PRODUCTION: "real production",
    RolloutState.PROVISIONAL: "provisional",
    RolloutState.TESTING: "for testing",
}


def policy_meaning(policy: Policy, at: UtcInstant) -> tuple[str, ...]:
    """What the policy by itself permits at an instant, sentence by sentence.

    A marker or a claim in the lane's database may protect more; it never permits more.
    """
    effective = effective_policy(policy, at, marker_authoritative=False, claimed=False)
    state = STATE_WORDS[policy.rollout_state]
    if policy.provisional_until is not None:
        state += f" until {policy.provisional_until:%Y-%m-%d %H:%M} UTC"
    sentences = [f"The lane is {state}."]
    if effective.expired:
        sentences.append("That has passed: it is treated as production.")
    sentences += _rules(policy, effective)
    if policy.provisional_until is not None and not effective.expired:
        sentences.append(
            f"In {duration_words(policy.provisional_until - at)} it becomes treated as "
            "production: everything required, neither empty nor upstream."
        )
    return tuple(sentences)


def _rules(policy: Policy, effective: EffectivePolicy) -> list[str]:
    sentences = [
        "Its data is the only true copy."
        if effective.authoritative
        else "Its data may be replaced."
    ]
    sources = ", ".join(_source(each, policy) for each in effective.allowed_sources)
    sentences.append(f"It may be rebuilt from: {sources}.")
    required = [
        words
        for asked, words in (
            (
                effective.requires_backup_before_destroy,
                f"a backup of at most {duration_words(policy.backup_max_age)}",
            ),
            (effective.requires_restore_proof, "the proof that the backup restores"),
            (effective.requires_runtime_identity, "a runtime that says the same as the database"),
        )
        if asked
    ]
    sentences.append(f"Before a rebuild it asks for: {', '.join(required) or 'nothing'}.")
    sentences.append(
        f"What a rebuild replaces is kept for {duration_words(policy.replaced_kept_for)} at least."
    )
    target = policy.provider_target
    if target is None:
        sentences.append("No provider target is recorded, so none is compared.")
    else:
        domains = ", ".join(target.domains) or "none"
        sentences.append(
            f"The provider must act on {target.name} ({target.target_id}), domains: {domains}."
        )
    return sentences


def _source(source: DataSource, policy: Policy) -> str:
    upstream = policy.upstream_source
    if source is DataSource.UPSTREAM_RESTORE and upstream is not None:
        return f"{source} ({upstream.name}: {upstream.host}/{upstream.database})"
    return source.value


def why_not_recorded(policy: Policy, at: UtcInstant) -> str:
    """Why the policy could not be recorded at an instant, or nothing."""
    until = policy.provisional_until
    if until is not None and until - at > LONGEST_PROVISIONAL:
        return (
            f"provisional_until is more than 90 days after {at:%Y-%m-%d %H:%M} UTC, so it could "
            "not be recorded then"
        )
    return ""


def duration_words(duration: timedelta) -> str:
    """A length of time in days, hours and minutes."""
    minutes = int(duration.total_seconds()) // 60
    parts = [
        f"{number} {unit if number != 1 else unit[:-1]}"
        for number, unit in (
            (minutes // 1440, "days"),
            (minutes // 60 % 24, "hours"),
            (minutes % 60, "minutes"),
        )
        if number
    ]
    return " ".join(parts) or "0 minutes"
