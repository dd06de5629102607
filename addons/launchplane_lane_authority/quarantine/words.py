"""What a person reads whose mail or action is held back."""

from ..screen.marker_words import marker_words
from .evidence import Cause


def why_held_back(env, quarantine):
    """The reason and the way on, in sentences."""
    meaning, remedy = quarantine_sentences(env, quarantine)
    return " ".join(
        (
            env._(
                "This database is in quarantine: it sends and fetches no mail and runs no "
                "scheduled action. Mail stays queued; nothing is lost."
            ),
            meaning,
            remedy,
        )
    )


def quarantine_sentences(env, quarantine):
    """What was found, and what to do about it."""
    if quarantine.cause is Cause.UNFINISHED:
        return (
            env._("A rebuild of this lane was begun and has not been confirmed yet."),
            env._("Wait until the operator of the Launchplane host has finished it, or undone it."),
        )
    if quarantine.cause is Cause.OLDER:
        return (
            env._(
                "This data is older than what the Launchplane host last confirmed for this lane."
            ),
            env._(
                "Do not work here as if it were up to date. Ask the operator of the Launchplane "
                "host whether this data was put back by mistake."
            ),
        )
    words = marker_words(env, quarantine.here)
    return words.meaning, words.remedy
