"""`lanes` and `lane`: what an operator looks at."""

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from launchplane_lane_contracts.lane import Lane

from ..answers import LaneView
from ..lane_view import lane_view, lane_views
from .shared import LANE, answer, json_option, office_of, say


@click.command()
@json_option
@click.pass_context
def lanes(context: click.Context, as_json: bool) -> None:
    """Every lane: authority, what it may be rebuilt from, marker, last rebuild, kept data."""
    views = lane_views(office_of(context))
    if as_json:
        answer([view.to_plain() for view in views])
        return
    Console(highlight=False).print(lane_table(views))
    for view in views:
        if view.unfinished:
            say(f"[yellow]{escape(str(view.lane))}: {escape(view.unfinished)}[/]")


@click.command()
@click.argument("lane", type=LANE)
@json_option
@click.pass_context
def lane(context: click.Context, lane: Lane, as_json: bool) -> None:
    """One lane in full."""
    view = lane_view(office_of(context), lane)
    if as_json:
        answer(view)
        return
    for name in LaneView.model_fields:
        value = getattr(view, name)
        if isinstance(value, tuple):
            value = ", ".join(value) or "none"
        shown = "-" if value is None or value == "" else str(value)
        say(f"{name.replace('_', ' '):>16}  {escape(shown)}")


def lane_table(views: tuple[LaneView, ...]) -> Table:
    """The operator's table."""
    table = Table(title="Lanes", title_justify="left", expand=False)
    table.add_column("Lane", no_wrap=True)
    for heading in (
        "State",
        "Data",
        "May be rebuilt from",
        "Marker",
        "Last rebuild",
        "Kept",
    ):
        table.add_column(heading, overflow="fold")
    for view in views:
        style = "red" if view.authority.startswith("unknown") else None
        marker = view.marker.split(":")[0] + (" · locked" if view.locked else "")
        table.add_row(
            escape(str(view.lane)),
            view.rollout_state,
            escape(view.authority),
            "\n".join(view.allowed_sources) or "nothing",
            escape(marker),
            escape(view.last_rebuild),
            _kept(view),
            style=style,
        )
    return table


def _kept(view: LaneView) -> str:
    """How much is kept, and when the first of it may go."""
    if not view.kept:
        return "-"
    number = len(view.kept)
    what = "1 database" if number == 1 else f"{number} databases"
    if view.kept_due is None:
        return what
    return f"{what}, until {view.kept_due:%Y-%m-%d}"
