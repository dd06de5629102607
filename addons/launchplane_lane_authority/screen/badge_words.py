"""The badge beside everybody's name: what must not be overlooked, in two words and in sentences."""

from launchplane_lane_contracts.orders import LowerOrder, StampOrder
from launchplane_lane_contracts.policy import effective_policy
from launchplane_lane_contracts.vocabulary import MarkerState, RolloutState

from ..quarantine.words import why_held_back
from .dates import day, days_until
from .marker_words import marker_words

DAYS_BEFORE_THE_END = 14


def badge_words(env, here, quarantine, now):
    """A label, a tone and a text, or False where all is as it should be."""
    if quarantine is not None:
        return _badge(env._("Quarantine"), "danger", why_held_back(env, quarantine))
    if here.neutralised and here.marker.state is MarkerState.BOUND:
        return _badge(
            env._("Neutralised"),
            "danger",
            env._(
                "This is the lane's own data, and somebody neutralised it as if it were a copy: "
                "Odoo has switched its mail servers and scheduled actions off. If nobody meant to, "
                "tell the operator of the Launchplane host."
            ),
        )
    if here.neutralised_copy_of:
        words = marker_words(env, here)
        return _badge(env._("Copy"), "warning", f"{words.meaning} {words.remedy}")
    return _ends_soon(env, here, now)


def _ends_soon(env, here, now):
    """A provisional lane that is about to be treated as production."""
    order = here.order
    if here.marker.state is not MarkerState.BOUND or not isinstance(order, StampOrder | LowerOrder):
        return False
    policy = order.marker.policy
    effective = effective_policy(
        policy,
        now,
        marker_authoritative=here.marker.authoritative,
        claimed=here.marker.claimed,
    )
    if policy.rollout_state is not RolloutState.PROVISIONAL or effective.authoritative:
        return False
    left = days_until(policy.provisional_until, now)
    if left > DAYS_BEFORE_THE_END:
        return False
    label = env._("Provisional: 1 day") if left == 1 else env._("Provisional: %s days", left)
    return _badge(
        label,
        "warning",
        env._(
            "What is entered here may still be replaced. From %s on this database is protected "
            "by itself.",
            day(env, policy.provisional_until),
        ),
    )


def _badge(label, tone, text):
    return {"label": label, "tone": tone, "text": text}
