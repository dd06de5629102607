"""`clock correct`: entries of the ledger that a clock wrote that was ahead."""

import shlex

import click
from rich.markup import escape

from launchplane_lane_contracts.contract import Digest

from ..clock_correction import CorrectionPlan, correct_clock, correction_words, look_at_clock
from .shared import answer, as_person, how_to_sign, json_option, office_of, person_option, say


@click.group()
def clock() -> None:
    """The host's clock, where it was wrong."""


@clock.command()
@click.option("--digest", help="Do what was shown under this digest.")
@click.option("--reason", default="", help="Why, for those who sign and for the record.")
@person_option
@json_option
@click.pass_context
def correct(
    context: click.Context, digest: str | None, reason: str, person: str, as_json: bool
) -> None:
    """Let this host decide again after its clock was ahead and was set back.

    Every PostgreSQL that answers must agree with it. Without --digest it is only shown.
    """
    office = office_of(context)
    if digest is None:
        _show(look_at_clock(office, requester=as_person(person), why=reason.strip()), as_json)
        return
    done = correct_clock(office, Digest(digest))
    if as_json:
        answer({"digest": digest, "done": done})
    else:
        say(escape(done))


def _show(found: CorrectionPlan, as_json: bool) -> None:
    if as_json:
        answer(
            {
                "digest": found.digest,
                "approvers_required": found.tally.required,
                **found.correction.to_plain(),
                "servers": [
                    {
                        "lane": str(each.lane),
                        "seconds_apart": each.seconds_apart,
                        "problem": each.problem,
                    }
                    for each in found.servers
                ],
                "signatures_that_lapse": found.lapsing,
                "operations_that_expire": list(found.expiring),
            }
        )
        return
    say(escape(correction_words(found.correction)))
    for each in found.servers:
        seen = (
            f"not read: {each.problem}"
            if each.seconds_apart is None
            else f"{each.seconds_apart:+.1f} s from this host's clock"
        )
        say(escape(f"PostgreSQL of {each.lane}: {seen}"))
    say(f"Signatures that lapse: {found.lapsing}")
    say(escape(f"Operations that expire: {', '.join(found.expiring) or 'none'}"))
    say(how_to_sign(found.digest, found.tally.required))
    by = shlex.quote(found.correction.requester)
    say(escape(f"Then: lane-authority clock correct --digest {found.digest} --as {by}"))
