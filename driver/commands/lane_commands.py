"""`lanes` and `lane`: what an operator looks at."""

import time
from collections.abc import Callable

import click
from rich.console import Console
from rich.markup import escape

from launchplane_lane_contracts.lane import Lane

from ..lane_view import lane_view, lane_views
from ..spelled_out import harmless_json
from .folding import say_folded
from .lane_page import lane_page
from .lane_table import NARROWEST_TABLE, LaneRows
from .progress import waiting_for
from .shared import LANE, FiniteRange, answer, json_option, office_of, say

watch_option = click.option(
    "--watch",
    type=FiniteRange(min=0.1),
    metavar="SECONDS",
    help="Look again after so many seconds, until Ctrl-C. In JSON: one line each time.",
)
recorded_option = click.option(
    "--recorded", is_flag=True, help="Ask no lane: show what is on record, at once."
)


@click.command()
@json_option
@watch_option
@recorded_option
@click.pass_context
def lanes(context: click.Context, as_json: bool, watch: float | None, recorded: bool) -> None:
    """Every lane, in a table.

    Its authority, what it may be rebuilt from, its marker, the last rebuild and what is kept. A
    narrow terminal gets a few lines for each lane instead.
    """
    office = office_of(context)

    def show() -> None:
        views = lane_views(office, look=not recorded)
        if as_json:
            between = "["
            for view in views:
                # In the order of the fields, which is a third of the time of the sorted form.
                click.echo(between + harmless_json(view.model_dump_json()), nl=False)
                between = ","
            click.echo("]" if between == "," else "[]")
            return
        with waiting_for("Asking the lanes", quiet=False):
            rows = LaneRows.of(views)
        console = Console(highlight=False)
        if console.width >= NARROWEST_TABLE:
            console.print(rows.table())
        elif rows.rows:
            say_folded(rows.lines())
        if not rows.rows:
            file = escape(str(office.host.configuration_file))
            say(f"No lane is configured. Say where each is in {file}.")
        for note in rows.notes:
            say_folded(note)

    _show_again(show, watch, as_json=as_json)


@click.command()
@click.argument("lane", type=LANE)
@json_option
@watch_option
@recorded_option
@click.pass_context
def lane(
    context: click.Context, lane: Lane, as_json: bool, watch: float | None, recorded: bool
) -> None:
    """One lane in full: every fact with its trust, and for every request yes or why not."""
    office = office_of(context)

    def show() -> None:
        with waiting_for(f"Asking lane {lane}", quiet=as_json):
            view = lane_view(office, lane, look=not recorded)
        if as_json:
            answer(view)
        else:
            say_folded(lane_page(view))

    _show_again(show, watch, as_json=as_json)


def _show_again(show: Callable[[], None], seconds: float | None, *, as_json: bool) -> None:
    """Show once, or until somebody has seen enough."""
    console = Console()
    try:
        while True:
            if seconds is not None and not as_json and console.is_terminal:
                console.clear()
            show()
            if seconds is None:
                return
            time.sleep(seconds)
    except KeyboardInterrupt:
        if seconds is None:
            raise
