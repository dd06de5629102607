"""`tenant check|record`: what a tenant's repository declares, alone and against the record."""

from pathlib import Path
from typing import NamedTuple

import click
from rich.markup import escape

from launchplane_lane_contracts.errors import BadInput, ExitCode
from launchplane_lane_contracts.evidence import UpstreamDeclaration
from launchplane_lane_contracts.mistakes import Mistake, Mistakes
from launchplane_lane_contracts.reasons import Reason
from launchplane_lane_contracts.tenant_declaration import (
    TenantDeclaration,
    declaration_disagrees,
    read_declarations,
)

from ..lane_office import LaneOffice, utc_now
from ..recording_evidence import record_evidence
from .shared import answer, json_option, office_of, say

FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def tenant() -> None:
    """What a tenant's repository declares of its lanes."""


class Checked(NamedTuple):
    """What one file came to."""

    file: Path
    declarations: tuple[TenantDeclaration, ...]
    mistakes: tuple[Mistake, ...]
    reasons: tuple[Reason, ...]


@tenant.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=FILE)
@json_option
@click.pass_context
def check(context: click.Context, files: tuple[Path, ...], as_json: bool) -> int:
    """All mistakes in declarations, and where they disagree with the record.

    FILE is TOML: one lane, or a list `lanes`. Without a host directory named by option or
    variable, each file is checked by itself, as the tenant's own CI does. Answers 2 where a file
    has a mistake, 50 where a declaration and the record disagree.
    """
    against = context.find_root().params.get("host_directory") is not None
    office = office_of(context) if against else None
    results = [_checked(file, office) for file in files]
    if as_json:
        answer(
            {
                "compared_with_the_record": against,
                "files": [
                    {
                        "file": str(each.file),
                        "mistakes": [mistake.to_plain() for mistake in each.mistakes],
                        "declarations": [one.to_plain() for one in each.declarations],
                        "reasons": [found.to_plain() for found in each.reasons],
                    }
                    for each in results
                ],
            }
        )
    else:
        for each in results:
            _tell(each, against)
    if any(each.mistakes for each in results):
        return ExitCode.USAGE
    return ExitCode.REFUSED if any(each.reasons for each in results) else ExitCode.DONE


@tenant.command()
@click.argument("file", type=FILE)
@json_option
@click.pass_context
def record(context: click.Context, file: Path, as_json: bool) -> None:
    """Put what FILE declares on record, beside what the image says.

    From then on a restore from upstream is refused where image and repository disagree.
    """
    declarations = _read(file)
    office = office_of(context)
    recorded = []
    for each in declarations:
        if each.upstream_source is not None:
            found = UpstreamDeclaration(
                lane=each.lane, source=each.upstream_source, declared_at=utc_now()
            )
            recorded.append(str(record_evidence(office, found)))
    if as_json:
        answer({"recorded": recorded})
        return
    for lane in recorded:
        say(f"Lane {lane}: what its repository declares is on record.")
    if not recorded:
        say(f"{escape(str(file))} declares no upstream source; nothing was recorded.")


def _read(file: Path) -> tuple[TenantDeclaration, ...]:
    """Raises Mistakes with every mistake in the file, BadInput where it cannot be opened."""
    try:
        return read_declarations(file.read_bytes())
    except OSError as problem:
        raise BadInput(f"{file} could not be read: {problem.strerror}.") from None
    except Mistakes as problem:
        raise Mistakes(problem.mistakes, where=str(file)) from None


def _checked(file: Path, office: LaneOffice | None) -> Checked:
    try:
        declarations = _read(file)
    except Mistakes as problem:
        return Checked(file, (), problem.mistakes, ())
    except BadInput as problem:
        return Checked(file, (), (Mistake(path="", problem=problem.message.rstrip(".")),), ())
    reasons: list[Reason] = []
    for each in declarations:
        if office is not None:
            revision = office.store.policy(each.lane)
            reasons += declaration_disagrees(each, revision.policy if revision else None)
    return Checked(file, declarations, (), tuple(reasons))


def _tell(checked: Checked, against: bool) -> None:
    name = escape(str(checked.file))
    if checked.mistakes:
        say(f"[red]{name}[/red]: nothing is taken from it.")
        for mistake in checked.mistakes:
            say(f"  {escape(str(mistake))}")
        return
    for each in checked.declarations:
        source = each.upstream_source
        said = f"{source.name}: {source.database} on {source.host}" if source else "no source"
        say(f"{name}: lane {each.lane} declares {escape(said)}.")
    for found in checked.reasons:
        say(f"  [red]{found.code}[/red] {escape(found.message)}")
        say(f"  Way on: {escape(found.remedy)}")
    if not checked.reasons:
        say(
            "  It agrees with the record."
            if against
            else "  It was compared with no record: no host directory was named."
        )
