"""All that the settings show of a lane, from one reading."""

from dataclasses import dataclass

from markupsafe import Markup

from launchplane_lane_contracts.orders import LowerOrder, StampOrder
from launchplane_lane_contracts.policy import effective_policy
from launchplane_lane_contracts.vocabulary import MarkerState, RolloutState

from ..doors.listing import is_loaded_server_wide, stays_listed_when_locked
from ..quarantine.evidence import judge_evidence
from .dates import days_until
from .lock_words import lock_words
from .marker_words import NEVER_STAMPED, marker_words
from .policy_words import (
    arrival_sentence,
    kept_sentence,
    protection_sentences,
    requirement_sentences,
    rollout_sentence,
    source_sentences,
)
from .quarantine_words import quarantine_words


@dataclass(frozen=True)
class LaneScreen:
    """The texts of the settings block. `tone` is one of success, warning, danger, muted."""

    authority: str
    tone: str
    summary: str
    lane: str
    rollout: str
    days_left: int
    sources: str
    requirements: str
    marker_label: str
    marker_tone: str
    marker_meaning: str
    marker_remedy: str
    lock_label: str
    lock_tone: str
    lock_text: str
    arrival: str
    kept: str
    may_claim: bool
    quarantine_label: str
    quarantine_tone: str
    quarantine_text: str


def lane_screen(env, here, now):
    """The screen for what was read; `now` is aware, in UTC."""
    label, tone, text = quarantine_words(
        env, here, judge_evidence(here, env.cr.dbname), server_wide=is_loaded_server_wide()
    )
    words = marker_words(env, here)
    row = here.reading.marker_row
    common = {
        "marker_label": words.label,
        "marker_tone": words.tone,
        "marker_meaning": words.meaning,
        "marker_remedy": words.remedy,
        "may_claim": row is not None and not row.claimed,
        "quarantine_label": label,
        "quarantine_tone": tone,
        "quarantine_text": text,
    }
    if here.marker.state is MarkerState.BOUND and isinstance(here.order, StampOrder | LowerOrder):
        return LaneScreen(**common, **_verified(env, here, now))
    return LaneScreen(**common, **_refused(env, here, words))


def _verified(env, here, now):
    marker = here.order.marker
    policy = marker.policy
    effective = effective_policy(
        policy,
        now,
        marker_authoritative=here.marker.authoritative,
        claimed=here.marker.claimed,
    )
    authority, tone, summary = _authority(env, effective, policy, now)
    lock_label, lock_tone, lock_text = lock_words(
        env,
        here.reading,
        protected=effective.authoritative,
        stays_listed=stays_listed_when_locked(env.cr.dbname),
    )
    return {
        "authority": authority,
        "tone": tone,
        "summary": summary,
        "lane": str(marker.lane),
        "rollout": rollout_sentence(env, effective, policy, now),
        "days_left": _days_left(effective, policy, now),
        "sources": _lines(source_sentences(env, effective, policy)),
        "requirements": _lines(requirement_sentences(env, effective, policy)),
        "lock_label": lock_label,
        "lock_tone": lock_tone,
        "lock_text": lock_text,
        "arrival": arrival_sentence(env, marker),
        "kept": kept_sentence(env, marker, now),
    }


def _authority(env, effective, policy, now):
    if effective.authoritative:
        reasons = " ".join(protection_sentences(env, effective, policy))
        return (
            env._("Protected"),
            "success",
            env._(
                "This is the only true copy of somebody's data, and no rebuild may throw it away."
            )
            + " "
            + reasons,
        )
    if policy.rollout_state is RolloutState.PROVISIONAL:
        left = days_until(policy.provisional_until, now)
        label = (
            env._("Protected within a day") if left == 1 else env._("Protected in %s days", left)
        )
        return (
            label,
            "warning",
            env._("This data may still be replaced. If people already rely on it, protect it now."),
        )
    return (
        env._("May be replaced"),
        "warning",
        env._("A rebuild may replace this data. If people rely on it, protect it now."),
    )


def _days_left(effective, policy, now):
    if effective.authoritative or policy.provisional_until is None:
        return 0
    return days_until(policy.provisional_until, now)


def _refused(env, here, words):
    row = here.reading.marker_row
    # Data that belongs elsewhere need not be locked here, unless somebody here asked for it.
    elsewhere = here.marker.state in (MarkerState.COPIED, MarkerState.FOREIGN)
    protected = row is not None and (row.claimed or (row.authoritative and not elsewhere))
    lock_label, lock_tone, lock_text = lock_words(
        env,
        here.reading,
        protected=protected,
        stays_listed=stays_listed_when_locked(env.cr.dbname),
    )
    if here.marker.state in NEVER_STAMPED:
        authority, tone = env._("Not registered"), "muted"
        summary = env._(
            "Launchplane does not know this database. It may not rebuild what it does not know."
        )
    else:
        authority = env._("Rebuilds are refused")
        tone = words.tone
        summary = env._(
            "Launchplane refuses to rebuild this database until it is clear whose data it holds."
        )
    runtime = str(here.runtime_lane) if here.runtime_lane else env._("none that is known")
    return {
        "authority": authority,
        "tone": tone,
        "summary": summary,
        "lane": runtime,
        "rollout": "",
        "days_left": 0,
        "sources": _lines([env._("Nothing may replace it for now.")]),
        "requirements": _lines([env._("It has to be clear first whose data this is.")]),
        "lock_label": lock_label,
        "lock_tone": lock_tone,
        "lock_text": lock_text,
        "arrival": env._("Not known."),
        "kept": env._("Not known."),
    }


def _lines(sentences):
    """A list to look at; what people wrote into a policy stays text."""
    items = Markup("").join(Markup("<li>%s</li>") % sentence for sentence in sentences)
    return Markup('<ul class="ps-3 mb-0">%s</ul>') % items
