"""`launchplane import`: what Launchplane records of lanes, taken over by our rules."""

import os
from pathlib import Path

import click
from rich.markup import escape

from launchplane_lane_contracts.errors import ExitCode

from ..launchplane_import import (
    Came,
    ImportedGate,
    ImportedLane,
    gate_records,
    import_gates,
    import_lanes,
)
from ..launchplane_source import TOKEN_VARIABLE, launchplane_source
from .policy_review import comparison_lines, content_of
from .shared import answer, as_person, how_to_sign, json_option, office_of, person_option, say

WORDS = {
    Came.CONTRADICTS: "[red]refused[/]",
    Came.UNCHANGED: "[dim]as recorded already[/]",
    Came.RECORDED: "[green]recorded[/]",
    Came.NEEDS_APPROVALS: "[yellow]needs approvals[/]",
    Came.NOT_OURS: "[dim]left alone[/]",
}


@click.group()
def launchplane() -> None:
    """What Launchplane records, taken over by our rules."""


@launchplane.command("import")
@click.argument("place", metavar="ADDRESS|FOLDER")
@click.argument("mapping", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--product", "products", multiple=True, help="This product alone; all by default.")
@click.option("--dry-run", is_flag=True, help="Say what would be recorded, and record nothing.")
@click.option("--reason", default="as Launchplane records it", help="Why, for the record.")
@person_option
@json_option
@click.pass_context
def import_(
    context: click.Context,
    place: str,
    mapping: Path,
    products: tuple[str, ...],
    dry_run: bool,
    reason: str,
    person: str,
    as_json: bool,
) -> int:
    """Take over product profiles and backup gates.

    ADDRESS is Launchplane's API (its token in LAUNCHPLANE_TOKEN), FOLDER its file-backed state.
    MAPPING is TOML and says for each lane what Launchplane cannot. What tightens is recorded at
    once, what loosens is put up for signatures, what contradicts itself is refused (50). Run again
    it changes nothing more.
    """
    office = office_of(context)
    source = launchplane_source(place, os.environ.get(TOKEN_VARIABLE, ""))
    # Both kinds are read before any of either is recorded.
    records = gate_records(source)
    lanes = import_lanes(
        office,
        source,
        content_of(mapping),
        products=products,
        person=as_person(person),
        why=reason,
        dry_run=dry_run,
    )
    gates = tuple(import_gates(office, records, dry_run=dry_run))
    if as_json:
        answer({"dry_run": dry_run, "lanes": [*map(_lane, lanes)], "gates": [*map(_gate, gates)]})
    else:
        for each in lanes:
            _tell_lane(each, dry_run)
        for gate in gates:
            lane = f" (lane {gate.lane})" if gate.lane else ""
            say(f"Backup {escape(gate.record_id)}{lane}: {_words(gate.came, dry_run)}")
            if gate.problem:
                say(f"  {escape(gate.problem)}")
    came = [*(each.came for each in lanes), *(each.came for each in gates)]
    return ExitCode.REFUSED if Came.CONTRADICTS in came else ExitCode.DONE


def _lane(each: ImportedLane) -> dict[str, object]:
    return {
        "lane": str(each.lane),
        "came": each.came,
        "done": each.done,
        "problem": each.problem,
        "digest": each.digest,
        "approvers_required": each.comparison.approvers_required if each.comparison else None,
        "loosens": list(each.comparison.loosens) if each.comparison else [],
    }


def _gate(each: ImportedGate) -> dict[str, object]:
    return {
        "record_id": each.record_id,
        "lane": str(each.lane) if each.lane else None,
        "came": each.came,
        "done": each.done,
        "problem": each.problem,
    }


def _words(came: Came, dry_run: bool) -> str:
    return f"would be {WORDS[came]}" if dry_run and came is Came.RECORDED else WORDS[came]


def _tell_lane(each: ImportedLane, dry_run: bool) -> None:
    say(f"[bold]{each.lane}[/]: {_words(each.came, dry_run)}")
    if each.comparison is not None and each.came is not Came.UNCHANGED:
        for line in comparison_lines(each.comparison)[1:]:
            say(line)
    if each.problem:
        say(f"  {escape(each.problem)}")
    if each.came is Came.NEEDS_APPROVALS and each.digest is not None and each.comparison:
        say(f"  {how_to_sign(each.digest, each.comparison.approvers_required)}")
        say(f"  Then: lane-authority policy apply {each.digest}")
