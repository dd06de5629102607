"""One lane in full: every fact with its trust, and for every request yes or why not."""

from collections.abc import Iterator
from typing import Any

from rich.markup import escape

from launchplane_lane_contracts.contract import Contract
from launchplane_lane_contracts.explain import reason_lines
from launchplane_lane_contracts.read_model import (
    KNOWN,
    AuthorityFact,
    ChoiceView,
    KeptView,
    LaneView,
    Trust,
)
from launchplane_lane_contracts.reasons import Reason

from ..spelled_out import spelled_out
from ..value_words import value_words
from .folding import EDGE
from .lane_table import authority_words

NAME_WIDTH = 24


def lane_page(view: LaneView) -> str:
    """The whole page, marked up."""
    view = spelled_out(view)
    return "\n".join(
        (
            f"[bold]{escape(str(view.lane))}[/]  seen {view.viewed_at:%Y-%m-%d %H:%M:%S} UTC",
            *_facts(view),
            *_kept(view.kept),
            *_kept_files(view.kept_files),
            *_unfinished(view),
            *_warnings(view),
            *_choices(view.choices),
        )
    )


def _facts(view: LaneView) -> Iterator[str]:
    for name in type(view).model_fields:
        if name != "unfinished":
            yield from _lines(name, getattr(view, name))


def _lines(name: str, value: Any) -> Iterator[str]:
    """One line for a fact, one for each fact of a group of them."""
    if not isinstance(value, Contract):
        return
    if "trust" in type(value).model_fields:
        yield _line(name, value)
        return
    for inner in type(value).model_fields:
        yield from _lines(inner, getattr(value, inner))


def _line(name: str, fact: Any) -> str:
    words = name.replace("_", " ")
    if fact.trust not in KNOWN:
        return f"  {words:<{NAME_WIDTH}} {EDGE}-  [dim]({fact.trust}: {escape(fact.detail)})[/]"
    shown = authority_words(fact) if isinstance(fact, AuthorityFact) else value_words(fact.value)
    detail = f"; {fact.detail}" if fact.detail else ""
    style = "yellow" if fact.trust is Trust.STALE else "dim"
    return (
        f"  {words:<{NAME_WIDTH}} {EDGE}{escape(shown)}  "
        f"[{style}]({fact.trust} {fact.as_of:%Y-%m-%d %H:%M} UTC{escape(detail)})[/]"
    )


def _kept(kept: tuple[KeptView, ...]) -> Iterator[str]:
    if kept:
        yield "[bold]Kept[/]"
    for each in kept:
        size = each.size_bytes.value
        due = each.release_due.value
        there = {True: "", False: ", [red]not there as recorded[/]", None: ", not looked at"}
        yield (
            f"  {escape(each.name)}: generation {each.generation}, "
            + ("authoritative, " if each.authoritative else "")
            + (f"{size / 1e6:.0f} MB, " if size is not None else "")
            + (f"until {due:%Y-%m-%d %H:%M} UTC" if due else "until its rebuild is settled")
            + there[each.still_there.value]
        )


def _kept_files(folders: tuple[str, ...]) -> Iterator[str]:
    if folders:
        yield "[bold]Kept without a database[/]"
    yield from (f"  files alone: {escape(each)}" for each in folders)


def _unfinished(view: LaneView) -> Iterator[str]:
    if view.unfinished is not None:
        operation = view.unfinished
        yield "[bold]In progress[/]"
        yield (
            f"  {escape(operation.operation_id)}: {operation.operation}/{operation.data_source} by "
            f"{escape(operation.requester)}, {operation.phase} since "
            f"{operation.since:%Y-%m-%d %H:%M} UTC"
        )
        if operation.lapses_at is not None:
            yield f"  It lapses at {operation.lapses_at:%Y-%m-%d %H:%M} UTC unless it is started."
        for each in operation.ways_on:
            word = "Way on: " if each.possible else "Not now:"
            yield f"    {word} {escape(each.command)}"
            yield f"             {EDGE}{escape(each.words)}"


def _warnings(view: LaneView) -> Iterator[str]:
    if view.warnings:
        yield "[bold]Warnings[/]"
    for each in view.warnings:
        yield f"  [yellow]{each.code}[/]: {escape(each.message)}"
        yield f"    Way on: {EDGE}{escape(each.remedy)}"


def _choices(choices: tuple[ChoiceView, ...]) -> Iterator[str]:
    yield "[bold]What may be done[/]"
    told: dict[tuple[str, str], Reason] = {}
    for each in choices:
        name = f"{each.operation}/{each.data_source}"
        if each.enabled:
            yield f"  {name:<{NAME_WIDTH}} [green]yes[/]{_signers(each)}"
        else:
            codes = ", ".join(reason.code.value for reason in each.reasons)
            yield f"  {name:<{NAME_WIDTH}} {EDGE}no: {codes}"
            # One reason may stand against several requests; it is told once.
            told |= {(reason.code, reason.message): reason for reason in each.reasons}
    if told:
        yield "[bold]Why not[/]"
        yield from (escape(line) for line in reason_lines(tuple(told.values())))


def _signers(choice: ChoiceView) -> str:
    number = choice.approvers_required
    if not number:
        return ""
    return f", with {'one approver' if number == 1 else f'{number} approvers'}"
