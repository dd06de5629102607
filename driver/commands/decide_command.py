"""`decide`: what the rule book would say. It needs no host and changes nothing."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from launchplane_lane_contracts.decision_case import CaseAnswer, answer_line
from launchplane_lane_contracts.errors import BadInput, CouldNotTell, ExitCode
from launchplane_lane_contracts.explain import explain
from launchplane_lane_contracts.mistakes import Mistake, printable

from .policy_review import FILE, read_file

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes; a longer line is answered as a mistake, so that memory stays bounded."""
TOO_LONG = Mistake(path="", problem=f"the line is longer than {LONGEST_LINE} bytes")


@click.command()
@click.argument("file", type=click.File("rb"), default="-")
@click.option(
    "--expect",
    type=click.Choice(["allow", "refuse"]),
    help="Answer 50 when any decision is another one.",
)
@click.option(
    "--policy",
    "policy_file",
    type=FILE,
    help="Decide under the policies of this file instead of those in the cases.",
)
@click.option("--explain", "explained", is_flag=True, help="Answer in words, not in JSON.")
def decide(file: BinaryIO, expect: str | None, policy_file: Path | None, explained: bool) -> int:
    """What-if: decide the cases in FILE, one a line, each by itself.

    A case is a JSON object of policy (or null), request, observation and now, or a plan as
    `plan --json` prints it. Each gets one line of JSON in the same order, with the number of its
    line. Reads standard input without FILE.

    Answers 2 when a line was no case (also when another decision was not as expected), else 50
    when one was not as expected.
    """
    policies = None
    if policy_file is not None:
        policies = {policy.lane: policy for policy in read_file(policy_file)}
    cases = mistaken = unexpected = 0
    try:
        for number, line in numbered_lines(file):
            if line is not None and not line.strip():
                continue
            cases += 1
            if line is None:
                answered = CaseAnswer(line=number, mistakes=(TOO_LONG,))
            else:
                answered = answer_line(
                    number,
                    line,
                    expect_allowed=None if expect is None else expect == "allow",
                    policies=policies,
                )
            mistaken += answered.decision is None
            unexpected += answered.as_expected is False
            # At once, so that a program may ask case by case.
            print(in_words(answered) if explained else in_json(answered), flush=True)
    except BrokenPipeError:
        # Whoever read the answers is gone; nothing may be written to them at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CouldNotTell("The answers could not be written: their reader has ended.") from None
    if cases == 0:
        raise BadInput("There was no case to decide.")
    if mistaken:
        return ExitCode.USAGE
    return ExitCode.REFUSED if unexpected else ExitCode.DONE


def numbered_lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number, from 1; None for one that is too long to be held."""
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) <= LONGEST_LINE:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(LONGEST_LINE)
        yield number, None


def in_json(answered: CaseAnswer) -> str:
    """One line of JSON."""
    return answered.canonical().decode()


def in_words(answered: CaseAnswer) -> str:
    """The same for a person."""
    if answered.decision is None:
        found = "\n".join(f"  {each}" for each in answered.mistakes)
        return f"Line {answered.line}: this is no case.\n{found}\n"
    other = "\nThat is not as expected." if answered.as_expected is False else ""
    words = "\n".join(map(printable, explain(answered.decision).split("\n")))
    return f"Line {answered.line}: {words}{other}\n"
