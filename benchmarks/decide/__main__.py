"""How long one decision takes: by the rule book, by plain `if`, and by three policy engines.

    python -m benchmarks.decide [--drawn 1500] [--rounds 5] [--markdown FILE]

All decide the same cases, which were read beforehand, and must agree on every one; the cost of
reading stands beside it. Rounds go round everybody in turn, the quickest of each counts, and it is
the processor's time: so work that runs beside it weighs little.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.contracts.cases import Case

from .cases import cases
from .engines import ENGINES, OURS, Engine

Result = TypeVar("Result")


@dataclass
class Contestant:
    """One that decides, with what it needed at its best, in seconds."""

    name: str
    engine: Engine
    reading: float = float("inf")
    deciding: float = float("inf")

    def decide_all(self, given: Sequence[Case]) -> list[bool]:
        """Read and decide all cases once, and note the times."""
        written = [self.engine.written(each) for each in given]
        read, seconds = timed(lambda: [self.engine.read(each) for each in written])
        self.reading = min(self.reading, seconds)
        answers, seconds = timed(lambda: self.engine.decide(read))
        self.deciding = min(self.deciding, seconds)
        return answers


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """What it gives, and the processor's seconds that it takes."""
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


def race(given: Sequence[Case], rounds: int) -> list[Contestant]:
    """Let all decide in turn. Raises RuntimeError where two disagree."""
    contestants = [Contestant(name, make()) for name, make in ENGINES.items()]
    expected = [case.decide().allowed for case in given]
    for _ in range(rounds):
        for each in contestants:
            answers = each.decide_all(given)
            if answers != expected:
                number = next(
                    index
                    for index, (ours, theirs) in enumerate(zip(expected, answers, strict=True))
                    if ours is not theirs
                )
                raise RuntimeError(f"{each.name} disagrees on case {number}: {given[number]}")
    return contestants


def table(contestants: Sequence[Contestant], count: int) -> str:
    """The figures."""
    (ours,) = (each for each in contestants if each.name == OURS)
    lines = [
        "| by | one decision | times `decide` | reading one case |",
        "|---|---|---|---|",
        *(
            f"| {each.name} | {each.deciding / count * 1e6:.1f} µs "
            f"| {each.deciding / ours.deciding:.2f} | {each.reading / count * 1e6:.1f} µs |"
            for each in contestants
        ),
    ]
    return "\n".join(lines)


def main() -> int:
    """Read what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decide", description=__doc__)
    parser.add_argument("--drawn", type=int, default=1500, help="cases besides those by name")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--markdown", type=Path, help="write the table to this file as well")
    arguments = parser.parse_args()
    given = cases(arguments.drawn)
    contestants = race(given, arguments.rounds)
    figures = table(contestants, len(given))
    allowed = sum(case.decide().allowed for case in given)
    print(f"{len(given)} cases, {allowed} of them allowed; all agree on every one.\n\n{figures}")
    if arguments.markdown:
        arguments.markdown.write_text(figures + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
