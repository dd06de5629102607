"""`drill`: everything that requires a proven backup gets one when it is due."""

from datetime import timedelta

import click
from rich.console import Console
from rich.markup import escape

from launchplane_lane_contracts.lane import Lane

from ..backups.drill import HowToDrill, drill, lanes_to_drill, say_nothing
from ..spelled_out import one_line
from .shared import LANE, FiniteRange, answer, json_option, office_of, say


@click.command("drill")
@click.argument("lanes", metavar="[LANE]...", type=LANE, nargs=-1)
@click.option(
    "--at-once",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="How many lanes at the same time.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 32),
    default=2,
    show_default=True,
    help="How many work at the same time in each lane.",
)
@click.option(
    "--due-after",
    type=FiniteRange(0, 24 * 36_500),
    metavar="HOURS",
    help="Make anew what is older; by default half of what the lane's policy allows.",
)
@json_option
@click.pass_context
def drill_command(
    context: click.Context,
    lanes: tuple[Lane, ...],
    at_once: int,
    workers: int,
    due_after: float | None,
    as_json: bool,
) -> None:
    """Capture and prove what is due, of all lanes that require it or of LANE.

    For cron: 0 when nothing failed, 50 when a backup or a proof failed, 51 when a lane could not be
    reached. Several drills on one store take different lanes.
    """
    office = office_of(context)
    console = Console(stderr=True, highlight=False)

    def tell(lane: Lane, words: str) -> None:
        console.print(one_line(f"{lane}: {words}"), markup=False, soft_wrap=True)

    how = HowToDrill(
        at_once=at_once,
        workers=workers,
        due_after=None if due_after is None else timedelta(hours=due_after),
        tell=say_nothing if as_json else tell,
    )
    report = drill(office, lanes or lanes_to_drill(office), how)
    if as_json:
        answer(report)
    else:
        say(escape(report.words()))
    context.exit(int(report.exit_code))
