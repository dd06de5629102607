"""`policy check|diff|translate`: what files say. They need no host directory."""

from collections import Counter
from datetime import datetime
from pathlib import Path

import click
from rich.markup import escape

from launchplane_lane_contracts.errors import BadInput, ExitCode
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.launchplane_file import read_profile
from launchplane_lane_contracts.mistakes import Mistake, Mistakes
from launchplane_lane_contracts.policy import Policy, effective_policy
from launchplane_lane_contracts.policy_comparison import (
    LaneChange,
    LaneComparison,
    compare_policies,
)
from launchplane_lane_contracts.policy_file import read_policies
from launchplane_lane_contracts.policy_words import policy_meaning, why_not_recorded
from launchplane_lane_contracts.text_file import TextFormat

from ..lane_office import utc_now
from ..spelled_out import one_line
from .shared import INSTANT, LANE, answer, json_option, say

FILE = click.Path(dir_okay=False, path_type=Path)
NONE = "-"
STYLES = {
    LaneChange.ADDED: "yellow",
    LaneChange.REMOVED: "red",
    LaneChange.LOOSENED: "yellow",
    LaneChange.TIGHTENED: "green",
    LaneChange.UNCHANGED: "dim",
}


def read_file(file: Path) -> tuple[Policy, ...]:
    """The policies in a file: JSON where its name ends in .json, else TOML.

    Raises Mistakes with every mistake in it, BadInput where it cannot be opened.
    """
    content = content_of(file)
    text_format = TextFormat.JSON if file.suffix == ".json" else TextFormat.TOML
    try:
        return read_policies(content, text_format)
    except Mistakes as problem:
        raise Mistakes(problem.mistakes, where=str(file)) from None


def content_of(file: Path) -> bytes:
    """A file's bytes. Raises BadInput where it cannot be opened."""
    try:
        return file.read_bytes()
    except OSError as problem:
        raise BadInput(f"{file} could not be read: {problem.strerror}.") from None


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
            say(f"  {escape(one_line(sentence))}")


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
        for line in comparison_lines(each):
            say(line)
    say(_count(compared))


@click.command()
@click.argument("profile", type=FILE)
@click.argument("mapping", type=FILE)
@click.option("--lane", "lane", type=LANE, help="One lane only.")
@click.option("--original", is_flag=True, help="With Launchplane's own record beside each policy.")
def translate(profile: Path, mapping: Path, lane: Lane | None, original: bool) -> None:
    """Launchplane's own record of what may be done to data, as policies of ours.

    PROFILE is its product profile (JSON); MAPPING is TOML and says for each lane what Launchplane
    cannot. Answers a policy file in JSON; nothing where anything is contradictory or missing.
    """
    found = read_profile(content_of(profile), content_of(mapping), only=lane)
    answer(
        {
            "lanes": [{**each.policy.to_plain(), "lane": str(each.policy.lane)} for each in found],
            **({"originals": [each.original for each in found]} if original else {}),
        }
    )


def comparison_lines(each: LaneComparison) -> list[str]:
    """What changes for one lane, and who signs it; the first line says it in short."""
    name = f"[bold]{escape(str(each.lane))}[/]"
    what = f"[{STYLES[each.change]}]{each.change}[/]"
    if each.change is LaneChange.UNCHANGED:
        return [f"{name}: {what}"]
    if each.change is LaneChange.REMOVED:
        what += (
            "; nothing would be allowed, but what was recorded stays in force until another "
            "policy is recorded"
        )
    elif each.approvers_required:
        what += f"; {each.approvers_required} approvers sign it besides the proposer"
    else:
        what += "; nobody else need sign it"
    lines = [f"{name}: {what}"]
    for found in each.differences:
        kind = LaneChange.LOOSENED if found.loosens else LaneChange.TIGHTENED
        effect = "loosens " if found.loosens else "tightens"
        lines.append(
            f"  [{STYLES[kind]}]{effect}[/]  {found.field}: {escape(found.old)} -> "
            f"{escape(found.new)}  ({escape(found.words)})"
        )
    if not each.differences:
        lines += [
            f"  [{STYLES[LaneChange.LOOSENED]}]loosens [/]  {escape(words)}"
            for words in each.loosens
        ]
    return lines


def _count(compared: tuple[LaneComparison, ...]) -> str:
    numbers = Counter(each.change for each in compared)
    return "Lanes: " + ", ".join(f"{numbers[kind]} {kind}" for kind in LaneChange if numbers[kind])
