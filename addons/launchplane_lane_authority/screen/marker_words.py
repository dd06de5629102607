"""What the check of the marker found, what that means, and what to do."""

from dataclasses import dataclass

from launchplane_lane_contracts.vocabulary import MarkerState

NEVER_STAMPED = (MarkerState.ABSENT, MarkerState.NOT_APPLICABLE)


@dataclass(frozen=True)
class MarkerWords:
    """One state, for people."""

    label: str
    tone: str
    meaning: str
    remedy: str


def marker_words(env, here):
    """The words for what this Odoo judged its marker to be."""
    state = here.marker.state
    lane = str(here.order.lane) if here.order else ""
    if state in NEVER_STAMPED and here.neutralised_copy_of:
        return MarkerWords(
            env._("A neutralised copy"),
            "muted",
            env._(
                "This is a copy of the data of lane %s, neutralised for testing: its marker went "
                "off it, and Odoo has switched its mail servers and scheduled actions off.",
                here.neutralised_copy_of,
            ),
            env._(
                "Do not work here as if it were the original. If Launchplane is to look after this "
                "copy, ask the operator of the Launchplane host to enrol it."
            ),
        )
    if state in NEVER_STAMPED:
        return MarkerWords(
            env._("Not registered"),
            "muted",
            env._("Nobody has recorded yet whose data this database holds."),
            env._(
                "If Launchplane runs this Odoo, ask the operator of the Launchplane host to enrol "
                "it. Otherwise there is nothing to do."
            ),
        )
    if state is MarkerState.BOUND and here.runtime_lane is None:
        return MarkerWords(
            env._("Genuine"),
            "warning",
            env._(
                "The marker is genuine and was written for this very database. But this Odoo was "
                "not told which lane it runs for, so the two could not be compared."
            ),
            env._(
                "Ask the operator to start this Odoo through Launchplane, which tells it its lane."
            ),
        )
    if state is MarkerState.BOUND:
        return MarkerWords(
            env._("Verified"),
            "success",
            env._(
                "The marker is genuine, and it was written for this very database and this lane."
            ),
            env._("There is nothing to do."),
        )
    if state is MarkerState.COPIED:
        return MarkerWords(
            env._("A copy"),
            "danger",
            env._(
                "This is a copy of the data of lane %s. The marker was written for a database "
                "in another place.",
                lane,
            ),
            env._(
                "Do not work here as if it were the original. Ask the operator of the Launchplane "
                "host either to accept it as a copy or, if the data was moved here for good, to "
                "record the move."
            ),
        )
    if state is MarkerState.FOREIGN:
        return MarkerWords(
            env._("Another lane's data"),
            "danger",
            env._(
                "This Odoo runs for lane %(runtime)s, but the data belongs to lane %(data)s.",
                runtime=str(here.runtime_lane),
                data=lane,
            ),
            env._(
                "Stop working here, so that nobody takes one for the other, and tell the operator "
                "of the Launchplane host. The lane's own data may be kept under another name."
            ),
        )
    if state is MarkerState.PENDING:
        return MarkerWords(
            env._("Rebuild not finished"),
            "warning",
            env._("A rebuild of lane %s was begun and has not been confirmed yet.", lane),
            env._(
                "Wait until the operator has finished it, or undone it. What was here before is "
                "kept."
            ),
        )
    if state is MarkerState.UNVERIFIABLE:
        return MarkerWords(
            env._("Cannot be checked"),
            "warning",
            env._("This Odoo lacks the public key that the marker would be checked with."),
            env._(
                "You can go on working. Ask the operator to give this Odoo the public keys of the "
                "Launchplane host (setting launchplane_public_keys in odoo.conf)."
            ),
        )
    if state is MarkerState.TAG_LOST:
        return MarkerWords(
            env._("Label missing"),
            "warning",
            env._(
                "The marker is genuine, but the label that PostgreSQL keeps beside this database "
                "is missing or says something else."
            ),
            env._(
                "You can go on working. Ask the operator of the Launchplane host to adopt this "
                "database again, which writes the label anew."
            ),
        )
    return MarkerWords(
        env._("Changed by hand"),
        "danger",
        env._("The marker was changed by somebody who may not sign it. It proves nothing."),
        env._(
            "Tell the operator of the Launchplane host, who can look at what differs and have "
            "this data adopted again."
        ),
    )
