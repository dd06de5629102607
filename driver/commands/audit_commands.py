"""`audit show|verify|export|anchor`: the ledger."""

import json
from pathlib import Path

import click
from rich.markup import escape

from launchplane_lane_contracts.lane import Lane

from ..audit import read_anchor, verify_record
from .shared import LANE, answer, json_option, office_of, say

LONGEST_PARTICULARS = 160
TOLD_FIRST = ("what", "kind", "person", "proposer", "operation_id", "from", "to", "particulars")
"""Of a cut entry these are seen; the others follow in the order of their names."""


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
        names = sorted(entry.document, key=lambda name: (_place(name), name))
        particulars = json.dumps({name: entry.document[name] for name in names})
        if len(particulars) > LONGEST_PARTICULARS:
            particulars = particulars[:LONGEST_PARTICULARS] + " …"
        say(
            f"{entry.sequence:>5}  {entry.at:%Y-%m-%d %H:%M:%S}  {entry.kind:<21} "
            f"{escape(str(entry.lane or '-'))}  [dim]{escape(particulars)}[/]"
        )


def _place(name: str) -> int:
    return TOLD_FIRST.index(name) if name in TOLD_FIRST else len(TOLD_FIRST)


@audit.command()
@click.option("--lane", "lane", type=LANE, help="One lane only.")
@click.pass_context
def export(context: click.Context, lane: Lane | None) -> None:
    """The whole ledger, one JSON document a line, to keep somewhere else."""
    for entry in office_of(context).store.walk_ledger(lane):
        click.echo(entry.canonical().decode())


@audit.command()
@click.pass_context
def anchor(context: click.Context) -> None:
    """The newest entry's number and digest, to keep where nobody can change it.

    Later, `audit verify --anchor FILE` sees whether the ledger still holds that entry.
    """
    click.echo(office_of(context).store.ledger_head().canonical().decode())


@audit.command()
@click.option(
    "--anchor",
    "anchor_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What `audit anchor` printed earlier; the ledger must still hold that entry.",
)
@json_option
@click.pass_context
def verify(context: click.Context, anchor_file: Path | None, as_json: bool) -> None:
    """Check the whole chain, its head, and every signature that was used.

    Each signature is verified again by the people who were on record when it was used.
    """
    office = office_of(context)
    head = read_anchor(anchor_file) if anchor_file is not None else None
    found = verify_record(office.store, office.keys, head)
    if as_json:
        answer(
            {
                "entries": found.entries,
                "signatures_used": found.used,
                "signatures_free": found.free,
                "anchor": head.to_plain() if head is not None else None,
            }
        )
        return
    held = f" It holds the anchor, entry {head.sequence}." if head is not None else ""
    say(
        f"[green]The ledger is whole[/]: {found.entries} entries.{held} Signatures that were used: "
        f"{found.used}, each good by the people on record then; not used yet: {found.free}."
    )
