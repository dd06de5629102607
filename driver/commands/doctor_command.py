"""`doctor`: what works, what does not, and what to do about it."""

import click
from rich.markup import escape

from launchplane_lane_contracts.lane import Lane

from ..doctor import examine
from ..examination import Examination, Health
from .progress import waiting_for
from .shared import LANE, answer, host_of, json_option, say

STYLES = {
    Health.GOOD: "green",
    Health.WARNING: "yellow",
    Health.WRONG: "red",
    Health.UNKNOWN: "magenta",
}
PART_WIDTH = 14


@click.command()
@click.argument("lane", type=LANE, required=False)
@json_option
@click.pass_context
def doctor(context: click.Context, lane: Lane | None, as_json: bool) -> None:
    """Try every part of the host and of one lane or all, and say for each what to do.

    Exit code: 0 where all works (warnings included), 50 where something is wrong, 51 where
    something did not answer. Nothing is changed.
    """
    with waiting_for("Trying every part", quiet=as_json):
        found = examine(host_of(context), lane)
    if as_json:
        answer({**found.to_plain(), "exit_code": int(found.exit_code)})
    else:
        say(_page(found))
    context.exit(int(found.exit_code))


def _page(found: Examination) -> str:
    lines = []
    shown: object = ""
    for each in found.findings:
        if each.lane != shown:
            shown = each.lane
            lines.append(f"[bold]{escape(str(each.lane)) if each.lane else 'This host'}[/]")
        style = STYLES[each.health]
        lines.append(
            f"  [{style}]{each.health.value:<8}[/] {each.part:<{PART_WIDTH}} {escape(each.message)}"
        )
        if each.remedy:
            lines.append(f"  {'':<8} {'':<{PART_WIDTH}} Do: {escape(each.remedy)}")
    return "\n".join(lines)
