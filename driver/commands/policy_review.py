"""`policy check|diff`: what files say, before anything is proposed. They need no host directory."""

from datetime import datetime
from pathlib import Path

import click
from rich.markup import escape

from launchplane_lane_contracts.errors import BadInput, ExitCode
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.mistakes import Mistake, Mistakes
from launchplane_lane_contracts.policy import Policy, effective_policy
from launchplane_lane_contracts.policy_comparison import (
    Effect,
    LaneChange,
    LaneComparison,
    compare_policies,
)
from launchplane_lane_contracts.policy_file import read_policies
from launchplane_lane_contracts.policy_words import policy_meaning, why_not_recorded
from launchplane_lane_contracts.text_file import TextFormat

from ..lane_office import utc_now
from .shared import INSTANT, answer, json_option, say

FILE = click.Path(dir_okay=False, path_type=Path)
NONE = "-"
EFFECT_STYLES = {Effect.LOOSENS: "yellow", Effect.TIGHTENS: "green", Effect.NEITHER: "dim"}


def read_file(file: Path) -> tuple[Policy, ...]:
    """The policies in a file: JSON where its name ends in .json, else TOML.

    Raises Mistakes with every mistake in it, BadInput where it cannot be opened.
    """
    try:
        content = file.read_bytes()
    except OSError as problem:
        raise BadInput(f"{file} could not be read: {problem.strerror}.") from None
    text_format = TextFormat.JSON if file.suffix == ".json" else TextFormat.TOML
    try:
        return read_policies(content, text_format)
    except Mistakes as problem:
        raise Mistakes(problem.mistakes, where=str(file)) from None


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=FILE)
@click.option("--at", type=INSTANT, help="The instant (UTC) to ask for; now by default.")
@json_option
def check(files: tuple[Path, ...], at: datetime | None, as_json: bool) -> int:
    """All mistakes in policy files, and what each lane's policy means.

    FILE is TOML or JSON and holds one lane or a list `lanes`. Answers 2 when any has a mistake.
    """
    instant = at or utc_now()
    seen: dict[Lane, Path] = {}
    results = [_checked(file, instant, seen) for file in files]
    if as_json:
        answer(
            {
                "at": f"{instant:%Y-%m-%dT%H:%M:%SZ}",
                "files": [
                    {
                        "file": str(file),
                        "mistakes": [each.to_plain() for each in mistakes],
                        "lanes": [_lane_plain(policy, instant) for policy in policies],
                    }
                    for file, policies, mistakes in results
                ],
            }
        )
    else:
        for file, policies, mistakes in results:
            _tell(file, policies, mistakes, instant)
    return ExitCode.USAGE if any(mistakes for _, _, mistakes in results) else ExitCode.DONE


Checked = tuple[Path, tuple[Policy, ...], tuple[Mistake, ...]]


def _checked(file: Path, at: datetime, seen: dict[Lane, Path]) -> Checked:
    """A file, its policies if it has no mistake, and its mistakes."""
    try:
        policies = read_file(file)
    except Mistakes as problem:
        return file, (), problem.mistakes
    except BadInput as problem:
        return file, (), (Mistake(path="", problem=problem.message.rstrip(".")),)
    found = []
    for policy in policies:
        if policy.lane in seen:
            words = f"lane {policy.lane} stands in {seen[policy.lane]} already"
            found.append(Mistake(path="lane", problem=words, accepted="each lane once"))
        seen.setdefault(policy.lane, file)
        too_long = why_not_recorded(policy, at)
        if too_long:
            found.append(
                Mistake(path="provisional_until", problem=f"lane {policy.lane}: {too_long}")
            )
    return file, () if found else policies, tuple(found)


def _lane_plain(policy: Policy, at: datetime) -> dict[str, object]:
    effective = effective_policy(policy, at, marker_authoritative=False, claimed=False)
    return {
        "lane": str(policy.lane),
        "policy": policy.to_plain(),
        "effective": effective.to_plain(),
        "meaning": list(policy_meaning(policy, at)),
    }


def _tell(
    file: Path, policies: tuple[Policy, ...], mistakes: tuple[Mistake, ...], at: datetime
) -> None:
    if mistakes:
        say(f"[red]{escape(str(Mistakes(mistakes, where=str(file))))}[/]")
        return
    count = "1 lane" if len(policies) == 1 else f"{len(policies)} lanes"
    say(f"{escape(str(file))}: {count}, no mistake. At {at:%Y-%m-%d %H:%M} UTC:")
    for policy in policies:
        say(f"\n[bold]{escape(str(policy.lane))}[/]")
        for sentence in policy_meaning(policy, at):
            say(f"  {escape(sentence)}")


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="[OLD] NEW", type=FILE)
@json_option
def diff(files: tuple[Path, ...], as_json: bool) -> None:
    """Which changes tighten, which loosen, and who must approve.

    Compares the policies in two files. Without OLD, or with "-" for it, every lane is new.
    """
    if len(files) > 2:
        raise BadInput("Name the old file and the new one, or the new one alone.")
    old = read_file(files[0]) if len(files) == 2 and str(files[0]) != NONE else ()
    compared = compare_policies(old, read_file(files[-1]))
    if as_json:
        answer({"lanes": [{**each.to_plain(), "lane": str(each.lane)} for each in compared]})
        return
    for each in compared:
        for line in _diff_lines(each):
            say(line)
    say(_count(compared))


def _diff_lines(each: LaneComparison) -> list[str]:
    effect = _styled(each.effect, each.effect.value)
    if each.change is LaneChange.REMOVED:
        what = (
            "removed; nothing would be allowed. What was recorded stays in force until another "
            "policy is recorded"
        )
    elif each.change is LaneChange.UNCHANGED:
        return [f"[bold]{escape(str(each.lane))}[/]: unchanged"]
    elif each.effect is Effect.NEITHER:
        what = f"{each.change}; what is allowed stays the same"
    else:
        what = f"{each.change}, {effect}"
    signers = (
        f"; {each.approvers_required} approvers sign it besides the proposer"
        if each.approvers_required
        else "; nobody else need sign it"
    )
    lines = [f"[bold]{escape(str(each.lane))}[/]: {what}{signers}"]
    lines += [
        f"  {_styled(field.effect, f'{field.effect.value:<8}')}  {field.field}: "
        f"{escape(field.before)} -> {escape(field.after)}"
        for field in each.fields
    ]
    lines += [f"  It loosens: {escape(words)}" for words in each.loosens]
    return lines


def _styled(effect: Effect, text: str) -> str:
    return f"[{EFFECT_STYLES[effect]}]{text}[/]"


def _count(compared: tuple[LaneComparison, ...]) -> str:
    parts = [
        f"{number} {kind}"
        for kind, number in (
            (kind, sum(each.change is kind for each in compared)) for kind in LaneChange
        )
        if number
    ]
    loosening = sum(each.effect is Effect.LOOSENS for each in compared)
    return f"Lanes: {', '.join(parts)}; {loosening} of them loosened."
