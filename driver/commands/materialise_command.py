"""`materialise`: restore what an operation brings beside the lane, before it is started."""

import click
from rich.markup import escape

from launchplane_lane_contracts.contract import OperationId

from .. import operations
from .progress import waiting_for
from .shared import OPERATION, answer, json_option, office_of, say


@click.command()
@click.argument("operation", type=OPERATION)
@json_option
@click.pass_context
def materialise(context: click.Context, operation: str, as_json: bool) -> None:
    """Restore the source beside the lane, and verify it.

    For lanes without a materialiser of their own, after `authorize` and before `start` (or before
    `retry`). Nothing of the lane is changed: `start` gives what waits there the lane's name.
    """
    office = office_of(context)
    with waiting_for("Having the source restored beside the lane", quiet=as_json):
        side = operations.materialise(office, OperationId(operation))
    if as_json:
        answer(side.to_plain())
        return
    say(escape(f"{side.source[:1].upper()}{side.source[1:]} is restored beside the lane, equal."))
    say(f"  Waits as: {escape(side.name)}, with {side.files} file(s)")
    if side.neutralised:
        say("  It was neutralised.")
    say(f"  Next: lane-authority start {operation}  (where it is begun: lane-authority retry)")
