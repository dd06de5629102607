"""`approvers show|propose|apply`: whose signatures count, and how many are asked for."""

import click
from rich.markup import escape

from launchplane_lane_contracts.contract import Digest

from ..people import people_in_files
from ..people_changes import apply_people, propose_people
from .shared import answer, as_person, how_to_sign, json_option, office_of, person_option, say
from .words import people_words


@click.group()
def approvers() -> None:
    """Whose signatures count, and how many are asked for."""


@approvers.command()
@json_option
@click.pass_context
def show(context: click.Context, as_json: bool) -> None:
    """What is on record, and whether the files still say that."""
    office = office_of(context)
    recorded, found = office.store.people(), people_in_files(office.host)
    if as_json:
        answer(
            {
                "on_record": recorded.to_plain() if recorded else None,
                "files_agree": recorded == found,
            }
        )
        return
    if recorded is None:
        say("Nobody is on record. Fill the approvers file, then run: lane-authority init")
        return
    for line in sorted(recorded.lines):
        say(escape(line))
    numbers = recorded.thresholds
    say(f"Approvers asked for: {numbers.consequential} consequential, {numbers.grave} grave")
    if recorded != found:
        say(
            "[red]The files say something else, so no signature counts.[/] Put them back, or: "
            "lane-authority approvers propose --reason WHY"
        )


@approvers.command()
@click.option("--reason", required=True, help="Why, for those who sign and for the record.")
@person_option
@json_option
@click.pass_context
def propose(context: click.Context, reason: str, person: str, as_json: bool) -> None:
    """Put the files, as they are now, up for signatures.

    The people on record sign, not those who are to be added.
    """
    proposed = propose_people(office_of(context), proposer=as_person(person), why=reason)
    if as_json:
        answer(
            {
                "digest": proposed.digest,
                "loosens": list(proposed.loosens),
                "approvers_required": proposed.tally.required,
                "requester_signs": proposed.tally.requester_signs,
            }
        )
        return
    say(escape(people_words(proposed)))
    if proposed.tally.requester_signs:
        say(how_to_sign(proposed.digest, proposed.tally.required))
    say(f"Then: lane-authority approvers apply {proposed.digest}")


@approvers.command()
@click.argument("digest")
@json_option
@click.pass_context
def apply(context: click.Context, digest: str, as_json: bool) -> None:
    """Put a proposed change on record once it is signed.

    DIGEST is the one that was printed when it was proposed.
    """
    recorded = apply_people(office_of(context), Digest(digest))
    if as_json:
        answer(recorded)
    else:
        say(f"On record: {len(recorded.lines)} line(s) of approvers.")
