"""`notify --due`: tells people what the passing of time alone has brought; for cron."""

from datetime import timedelta

import click
from rich.markup import escape

from launchplane_lane_contracts.errors import BadInput
from launchplane_lane_contracts.policy import PolicyRevision

from ..lane_office import LaneOffice, utc_now
from ..notices import due_notices
from .shared import answer, json_option, office_of, say


def _of_lanes_that_go_on(office: LaneOffice) -> tuple[PolicyRevision, ...]:
    """The policies in force, but for retired lanes: nobody waits for their end any more."""
    return tuple(
        revision
        for lane, revision in office.store.policies().items()
        if not office.store.host_record(lane).retired
    )


@click.command()
@click.option("--due", is_flag=True, help="Tell what is due now; nothing else is told so far.")
@click.option(
    "--unfinished-after",
    default=1.0,
    show_default=True,
    help="Hours after which an unfinished rebuild is told of.",
)
@click.option(
    "--ends-within",
    default=7.0,
    show_default=True,
    help="Days before its end from which on a provisional lane is told of.",
)
@json_option
@click.pass_context
def notify(
    context: click.Context,
    due: bool,
    unfinished_after: float,
    ends_within: float,
    as_json: bool,
) -> None:
    """Tell people of lanes that end soon and rebuilds that were left.

    Run it from cron; it changes nothing. Every driver that listens is told.
    """
    if not due:
        raise BadInput("Say --due: it is the only thing that there is to tell.")
    if not (0 <= unfinished_after < 24 * 365 and 0 <= ends_within < 3650):
        raise BadInput("Give the hours and days as numbers that are not negative.")
    office = office_of(context)
    notices = tuple(
        due_notices(
            _of_lanes_that_go_on(office),
            office.store.operations(),
            utc_now(),
            unfinished_after=timedelta(hours=unfinished_after),
            ends_within=timedelta(days=ends_within),
        )
    )
    for notice in notices:
        office.teller.tell(notice)
    if as_json:
        answer([each.to_plain() for each in notices])
        return
    for each in notices:
        say(f"[yellow]{each.kind}[/] {escape(each.message)} {escape(each.remedy)}")
    if not notices:
        say("Nothing is due.")
