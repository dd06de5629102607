"""`audit show|verify`: the ledger."""

import json

import click
from rich.markup import escape

from launchplane_lane_contracts.lane import Lane

from ..approvals import verify_all
from ..lane_office import utc_now
from ..people import NOBODY
from .shared import LANE, answer, json_option, office_of, say

LONGEST_PARTICULARS = 160


@click.group()
def audit() -> None:
    """Every decision, signature, permit and effect, in order."""


@audit.command()
@click.option("--lane", "lane", type=LANE, help="One lane only.")
@json_option
@click.pass_context
def show(context: click.Context, lane: Lane | None, as_json: bool) -> None:
    """The ledger, oldest first.

    Long entries are cut, which is shown by "…"; --json shows the whole of them.
    """
    entries = office_of(context).store.ledger_entries(lane)
    if as_json:
        answer([entry.to_plain() for entry in entries])
        return
    for entry in entries:
        particulars = json.dumps(entry.document, sort_keys=True)
        if len(particulars) > LONGEST_PARTICULARS:
            particulars = particulars[:LONGEST_PARTICULARS] + " …"
        say(
            f"{entry.sequence:>5}  {entry.at:%Y-%m-%d %H:%M:%S}  {entry.kind:<21} "
            f"{escape(str(entry.lane or '-'))}  [dim]{escape(particulars)}[/]"
        )


@audit.command()
@json_option
@click.pass_context
def verify(context: click.Context, as_json: bool) -> None:
    """Check the whole chain, its head, and every stored signature again."""
    office = office_of(context)
    office.store.verify_ledger()
    people = office.store.people()
    checked = verify_all(people or NOBODY, office.store, now=utc_now())
    entries = office.store.ledger_entries()
    if as_json:
        answer(
            {
                "entries": len(entries),
                "signatures": len(checked.good),
                "no_longer_counting": len(checked.rejected),
            }
        )
        return
    say(
        f"[green]The ledger is whole[/]: {len(entries)} entries. Signatures that verify: "
        f"{len(checked.good)}; no longer counting: {len(checked.rejected)}."
    )
