"""`lanes` and `lane`: what an operator looks at."""

from datetime import datetime

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from launchplane_lane_contracts.lane import Lane

from ..answers import LaneView
from ..lane_view import lane_view, lane_views
from .shared import LANE, answer, json_option, office_of, say

HEADINGS = ("Lane", "State", "Data", "May be rebuilt from", "Marker", "Last rebuild", "Kept")
NARROWEST_TABLE = 110
"""Columns below which the table would break words."""


@click.command()
@json_option
@click.pass_context
def lanes(context: click.Context, as_json: bool) -> None:
    """Every lane, in a table.

    Its authority, what it may be rebuilt from, its marker, the last rebuild and what is kept. A
    narrow terminal gets a few lines for each lane instead.
    """
    views = lane_views(office_of(context))
    if as_json:
        answer([view.to_plain() for view in views])
        return
    console = Console(highlight=False)
    if console.width >= NARROWEST_TABLE:
        console.print(lane_table(views))
    else:
        for view in views:
            say(lane_lines(view))
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
        shown = _shown(value)
        say(f"{name.replace('_', ' '):>16}  {escape(shown)}")


def lane_lines(view: LaneView) -> str:
    """The same as a row of the table, where there is no room for one."""
    lines = [f"[bold]{escape(str(view.lane))}[/]"]
    lines += [
        f"  {heading + ':':<21}{escape(value)}"
        for heading, value in zip(HEADINGS[1:], _cells(view, between=", ")[1:], strict=True)
    ]
    return "\n".join(lines)


def lane_table(views: tuple[LaneView, ...]) -> Table:
    """The operator's table."""
    table = Table(title="Lanes", title_justify="left", expand=False)
    table.add_column(HEADINGS[0], no_wrap=True)
    for heading in HEADINGS[1:]:
        table.add_column(heading, overflow="fold")
    for view in views:
        style = "red" if view.authority.startswith("unknown") else None
        table.add_row(*(escape(cell) for cell in _cells(view, between="\n")), style=style)
    return table


def _cells(view: LaneView, *, between: str) -> tuple[str, ...]:
    marker = view.marker.split(":")[0].replace("_", " ")
    return (
        str(view.lane),
        view.rollout_state,
        view.authority,
        between.join(view.allowed_sources) or "nothing",
        marker + (" · locked" if view.locked else ""),
        view.last_rebuild,
        _kept(view),
    )


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return "-" if value is None or value == "" else str(value)


def _kept(view: LaneView) -> str:
    """How much is kept, and when the first of it may go."""
    if not view.kept:
        return "-"
    number = len(view.kept)
    what = "1 database" if number == 1 else f"{number} databases"
    if view.kept_due is None:
        return what
    return f"{what}, until {view.kept_due:%Y-%m-%d}"
