"""`init` and `approve`: setting the host up, and signing."""

from pathlib import Path

import click
from rich.markup import escape

from launchplane_lane_contracts.contract import Digest
from launchplane_lane_contracts.people import People
from launchplane_lane_contracts.plan import PlanTarget

from ..approvals import record_approval, sign
from ..clock_correction import CLOCK, correction_words, proposed_correction
from ..cooling_off import cooled_at
from ..host_directory import HostDirectory, default_path
from ..keys import create_signing_key
from ..lane_office import LaneOffice, utc_now
from ..lives import life_of
from ..people import begin_people
from ..people_changes import PEOPLE, proposed_people, who_may_sign
from ..planning import PLAN
from ..policy_changes import POLICY, proposed_change
from ..spelled_out import no_control
from .folding import EDGE
from .lives_commands import life_words
from .shared import answer, json_option, office_of, say
from .words import people_words, plan_words, policy_words


@click.command()
@json_option
@click.pass_context
def init(context: click.Context, as_json: bool) -> None:
    """Make the host directory, its key and its store.

    What is there stays.
    """
    chosen: Path | None = context.find_root().params.get("host_directory")
    host = HostDirectory.initialise(chosen or default_path())
    if not any(host.keys.glob("signing-*.pem")):
        create_signing_key(host)
    office = LaneOffice.open(host)
    context.call_on_close(office.close)
    people = begin_people(host, office.store, utc_now())
    if as_json:
        answer(
            {
                "host_directory": str(host.path),
                "configuration": str(host.configuration_file),
                "approvers": str(host.approvers_file),
                "thresholds": str(host.thresholds_file),
                "public_keys": str(host.public_keys_file),
                "approvers_on_record": people is not None,
            }
        )
        return
    say(f"Host directory [bold]{escape(str(host.path))}[/]")
    say(f"  1. Say where your lanes are:       {escape(str(host.configuration_file))}")
    say(f"  2. Say whose signatures count:     {escape(str(host.approvers_file))}")
    say(
        "     and run `lane-authority init` again, which puts them on record."
        if people is None
        else f"     On record: {escape(', '.join(sorted(_names(people))))}."
    )
    say(f"  3. Give each lane the public keys: {escape(str(host.public_keys_file))}")
    say("  Then propose a policy for each lane: lane-authority policy propose --help")


def _names(people: People) -> set[str]:
    return {line.split()[0] for line in people.lines}


@click.command()
@click.argument("digest")
@click.option(
    "--key",
    "key_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your SSH key; a public one when the private half is in your agent or on a token.",
)
@click.option("--yes", is_flag=True, help="Sign without being asked; what is signed is printed.")
@json_option
@click.pass_context
def approve(context: click.Context, digest: str, key_file: Path, yes: bool, as_json: bool) -> None:
    """Show exactly what DIGEST stands for, and sign it."""
    office = office_of(context)
    words = _words(office, Digest(digest))
    click.echo(no_control(words.replace(EDGE, "")), err=as_json)
    if not yes:
        click.confirm("Do you approve exactly this?", abort=True, err=as_json)
    people, from_then = who_may_sign(office, Digest(digest)), cooled_at(office, Digest(digest))
    approval = record_approval(
        people,
        office.store,
        Digest(digest),
        sign(Digest(digest), key_file),
        utc_now(),
        not_before=from_then,
    )
    if as_json:
        answer(approval)
    else:
        counts = "it counts for 24 hours"
        if from_then is not None:
            counts += f" from the end of the cooling-off, {from_then:%Y-%m-%d %H:%M} UTC"
        say(f"[green]Signed[/] by {escape(approval.person)}; {counts}.")


def _words(office: LaneOffice, digest: Digest) -> str:
    proposal = office.store.proposal(digest)
    if proposal.kind == PLAN:
        return plan_words(PlanTarget.from_json(proposal.document))
    life = life_of(proposal.kind)
    if life is not None:
        return life_words(life, life.document.from_json(proposal.document))
    if proposal.kind == PEOPLE:
        return people_words(proposed_people(office, digest))
    if proposal.kind == CLOCK:
        return correction_words(proposed_correction(office, digest))
    assert proposal.kind == POLICY
    return policy_words(proposed_change(office, digest))
