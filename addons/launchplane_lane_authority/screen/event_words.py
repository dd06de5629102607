"""What an event means, in a sentence."""


def event_sentence(env, kind, details):
    """One sentence for people; `details` is what was written down with the event."""
    if kind == "claim":
        return env._(
            "An administrator protected this database: %(reason)s", reason=details.get("reason", "")
        )
    if kind == "stamp":
        return env._(
            "Launchplane confirmed whose data this is (number %(generation)s of this lane).",
            generation=details.get("generation", "?"),
        )
    if kind == "finish":
        return env._("A rebuild brought this data here; Launchplane had yet to confirm it.")
    if kind == "demoted":
        return env._(
            "The data came with a marker of lane %(lane)s, which was taken off it.",
            lane=details.get("lane", "?"),
        )
    if kind == "quarantine":
        return env._(
            "Mail and scheduled actions were held back from here on: %s", _cause(env, details)
        )
    if kind == "quarantine_ended":
        return env._("Mail and scheduled actions ran again from here on.")
    if kind == "neutralised" and details.get("own"):
        return env._(
            "Odoo neutralised the lane's own data, not a copy: mail servers and scheduled actions "
            "were switched off."
        )
    if kind == "neutralised":
        return env._(
            "Odoo neutralised this copy of the data of lane %(lane)s, and its marker went off it.",
            lane=details.get("lane", "?"),
        )
    return env._("Something happened that this version of the addon has no words for: %s.", kind)


def _cause(env, details):
    """What spoke against the database then."""
    words = {
        "foreign": env._("the data is another lane's."),
        "copied": env._("the data is a copy."),
        "tampered": env._("the marker was changed by hand."),
        "pending": env._("a rebuild was not confirmed yet."),
        "unfinished": env._("a rebuild was not confirmed yet."),
        "older": env._("the data is older than what the Launchplane host last confirmed."),
    }
    cause = details.get("cause", "")
    return words.get(cause, cause)
