"""The operator's table of lanes: a row each where there is room for one, else some lines."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from rich.markup import escape
from rich.table import Table

from launchplane_lane_contracts.read_model import KNOWN, AuthorityFact, LaneView, Trust
from launchplane_lane_contracts.vocabulary import RolloutState

from ..spelled_out import one_line
from .folding import EDGE

HEADINGS = ("Lane", "State", "Data", "May be rebuilt from", "Marker", "Last rebuild", "Kept")
NARROWEST_TABLE = 110
"""Columns below which the table would break words."""


@dataclass
class LaneRows:
    """What is shown of many lanes. The views themselves are not held."""

    rows: list[tuple[str, ...]] = field(default_factory=list)
    unknown: set[int] = field(default_factory=set)
    """The numbers of the rows of lanes that nobody recorded."""
    notes: list[str] = field(default_factory=list)
    """What stands below the table, marked up."""

    @classmethod
    def of(cls, views: Iterable[LaneView]) -> Self:
        """The rows of these views."""
        made = cls()
        for view in views:
            if view.authority.trust is Trust.MISSING:
                made.unknown.add(len(made.rows))
            made.rows.append(tuple(one_line(each) for each in cells(view)))
            made.notes += notes(view)
        return made

    def table(self) -> Table:
        """One row for each."""
        table = Table(title="Lanes", title_justify="left", expand=False)
        table.add_column(HEADINGS[0], no_wrap=True)
        for heading in HEADINGS[1:]:
            table.add_column(heading, overflow="fold")
        for number, row in enumerate(self.rows):
            broken = (*row[:3], row[3].replace(", ", "\n"), *row[4:])
            table.add_row(
                *(escape(cell) for cell in broken), style="red" if number in self.unknown else None
            )
        return table

    def lines(self) -> str:
        """The same where there is no room for a table."""
        lines = []
        for row in self.rows:
            lines.append(f"[bold]{escape(row[0])}[/]")
            lines += [
                f"  {heading + ':':<21}{EDGE}{escape(value)}"
                for heading, value in zip(HEADINGS[1:], row[1:], strict=True)
            ]
        return "\n".join(lines)


def cells(view: LaneView) -> tuple[str, ...]:
    """One lane, in the order of the headings."""
    return (
        str(view.lane),
        _state(view),
        authority_words(view.authority),
        ", ".join(view.allowed_sources.value or ()) or "nothing",
        _marker(view),
        view.last_rebuild.value or view.last_rebuild.detail,
        _kept(view),
    )


def notes(view: LaneView) -> list[str]:
    """What must not be overlooked of one lane."""
    found = []
    name = escape(str(view.lane))
    if view.unfinished is not None:
        operation = view.unfinished
        possible = [each.command for each in operation.ways_on if each.possible]
        found.append(
            f"[yellow]{name}: {escape(operation.operation_id)} is {operation.phase}; go on with "
            f"{escape(' or '.join(possible))}[/]"
        )
    found += [f"[yellow]{name}: {escape(one_line(each.message))}[/]" for each in view.warnings]
    return found


def authority_words(fact: AuthorityFact) -> str:
    """Whether the data is the only true copy, in a word or two."""
    if fact.trust not in KNOWN:
        return "unknown: nothing is allowed"
    if not fact.value:
        return "replaceable"
    return f"authoritative (by {', '.join(fact.protected_by)})"


def _state(view: LaneView) -> str:
    state = view.rollout_state.value
    if state is None:
        return "unknown"
    if view.retired.value:
        return f"retired ({state})"
    left = view.time_left.value
    if state is RolloutState.PROVISIONAL and left is not None:
        return f"{state}, {time_words(left)} left" if left else f"{state}, over"
    return state.value


def time_words(time: timedelta) -> str:
    """Days, or hours where it is less than two days."""
    hours = int(time.total_seconds() // 3600)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} h"


def _marker(view: LaneView) -> str:
    fact = view.marker
    words = {Trust.MISSING: "not read", Trust.UNSUPPORTED: "none"}.get(fact.trust)
    shown = words or str(fact.value).replace("_", " ")
    return shown + (" · locked" if view.locked.value else "")


def _kept(view: LaneView) -> str:
    """How much is kept, and when the first of it may go."""
    if not view.kept:
        return "-"
    number = len(view.kept)
    what = "1 database" if number == 1 else f"{number} databases"
    due = [each.release_due.value for each in view.kept if each.release_due.value is not None]
    return f"{what}, until {min(due):%Y-%m-%d}" if due else what
