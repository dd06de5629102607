"""Whether this Odoo may act on the world outside, for the settings."""

from launchplane_lane_contracts.vocabulary import MarkerState

from ..quarantine.evidence import Cause
from ..quarantine.words import quarantine_sentences

BESIDE_THE_MARKER = (Cause.UNFINISHED, Cause.OLDER)


def quarantine_words(env, here, quarantine, *, server_wide):
    """A label, its tone and a text."""
    if quarantine is not None:
        label, tone = env._("In quarantine"), "danger"
        # What speaks of the marker stands beside it on the screen.
        beside = quarantine.cause in BESIDE_THE_MARKER
        sentences = [
            env._(
                "This Odoo sends and fetches no mail and runs no scheduled action, so that nothing "
                "acts in somebody else's name. Mail stays queued; nothing is lost."
            ),
            *(quarantine_sentences(env, quarantine) if beside else ()),
            env._("It ends when the Launchplane host has confirmed that this data belongs here."),
        ]
    elif here.neutralised and here.marker.state is MarkerState.BOUND:
        label, tone = env._("Neutralised"), "danger"
        sentences = [
            env._(
                "This is the lane's own data, and somebody neutralised it as if it were a copy: "
                "Odoo has switched its mail servers and scheduled actions off."
            ),
            env._(
                "If nobody meant to, tell the operator of the Launchplane host. Mail servers and "
                "scheduled actions can be switched on again one by one; then delete the system "
                "parameter database.is_neutralized."
            ),
        ]
    elif here.marker.state is MarkerState.UNVERIFIABLE or here.could_not_read:
        label, tone = env._("Not checked"), "warning"
        sentences = [
            env._(
                "Mail and scheduled actions run. Whether this data may act here cannot be told as "
                "long as its marker cannot be checked."
            )
        ]
    else:
        label, tone = env._("No"), "success"
        sentences = [env._("Mail and scheduled actions run.")]
    if not server_wide:
        tone = "warning" if tone == "success" else tone
        sentences.append(
            env._(
                "This Odoo loads the addon only with this database, so a copy that lacks the addon "
                "would not be held back. Ask the operator to add launchplane_lane_authority to "
                "server_wide_modules in odoo.conf."
            )
        )
    return label, tone, " ".join(sentences)
