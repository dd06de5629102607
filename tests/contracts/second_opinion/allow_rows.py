"""Writes tests/contracts/allow_rows.md: what the rule book allows, asked of it and merged.

    python -m tests.contracts.second_opinion.allow_rows

writes the file anew; a test compares it.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .agreement import rule_book_on
from .opinion import conclude
from .situation import BASES, VARIANTS, WORD, Situation, words_of
from .tables import ARROW, Table, Words, read_tables

FILE = Path(__file__).parents[1] / "allow_rows.md"
ANSWER = "allowed"

HEAD = """\
# What is allowed

Asked of the rule book itself, and written by
`python -m tests.contracts.second_opinion.allow_rows`. The facts and their words are those of
docs/rule-book.md. **A request is allowed when in every table a row fits**; `any` fits every word.

To see what a change of the rules allows, look at what it changes here.
"""


class Block(NamedTuple):
    """One question: which combinations of some facts are allowed where all else is well."""

    title: str
    bases: tuple[str, ...]
    varied: tuple[str, ...]
    shown: tuple[str, ...]


BLOCKS = (
    Block(
        "Whatever is asked",
        ("healthy",),
        ("policy", "lanes", "store", "clock"),
        ("policy", "lanes", "store", "clock"),
    ),
    Block(
        "The lane is free, or its unfinished operation is done once more",
        ("healthy", "remains"),
        ("under way", "retries", "asked then"),
        ("under way", "retries", "asked then"),
    ),
    Block(
        "The source is in force",
        ("healthy",),
        (
            *("request", "data", "provisional", "claim", "marker says"),
            *("from empty", "from upstream", "upstream on record"),
        ),
        ("source", "authoritative", "from empty", "from upstream", "upstream on record"),
    ),
    Block(
        "What stands there is known, and is the lane's",
        ("healthy", "nothing there", "remains", "begun again"),
        ("request", "database", "marker", "files", "permit in the marker"),
        (
            *("source", "remains", "retry", "database", "marker", "permit in the marker"),
            "files",
        ),
    ),
    Block(
        "It can be set aside",
        ("healthy",),
        ("request", "role", "keep", "room"),
        ("source", "role", "keep", "room"),
    ),
    Block(
        "The second witness agrees, where it is asked",
        ("healthy",),
        ("request", "runtime", "attesting", "runtime identity", "claim"),
        ("runtime", "attesting", "runtime identity", "authoritative"),
    ),
    Block(
        "The data that is there is backed up and proven, where that is asked",
        ("healthy", "nothing there", "remains", "change under way", "given up", "production"),
        (
            *("request", "backup", "restore proof", "claim", "gate", "age of the gate"),
            "data proof",
        ),
        (
            *("present data", "authoritative", "backup", "restore proof"),
            *("gate holds", "gate is", "data proof"),
        ),
    ),
    Block(
        "The data that comes is the right one",
        ("healthy",),
        (
            *("request", "declared source", "place of the source", "oid", "backup to restore"),
            *("load proof", "kept data", "kept data is"),
        ),
        (
            *("source", "declared source", "place of the source", "oid", "backup to restore"),
            *("load proof", "kept data", "kept data is"),
        ),
    ),
    Block(
        "What is acted on is the recorded target",
        ("healthy",),
        ("target on record", "target", "target read from"),
        ("target on record", "target", "target read from"),
    ),
    Block(
        "Who has to sign has signed",
        ("production", "healthy", "nothing there", "remains of production"),
        ("request", "requester", "approvers", "approvers asked here"),
        ("signatures", "approvers asked here", "requester", "approvers"),
    ),
)
"""Every question. Together they ask for every fact that decides."""

Cube = tuple[frozenset[str], ...]
"""For each column the words that are allowed, each with each."""


def _situations(block: Block) -> Iterator[Situation]:
    """Every combination, each word by one variant, each source by one request."""
    for name, base in BASES.items():
        if name not in block.bases:
            continue
        choices = [_one_for_each_word(fact) for fact in block.varied]
        for variants in itertools.product(*choices):
            yield {**base, **dict(zip(block.varied, variants, strict=True))}


def _one_for_each_word(fact: str) -> list[str]:
    found: dict[str, str] = {}
    for variant in VARIANTS[fact]:
        word = variant.partition("/")[2] if fact == "request" else WORD[fact][variant]
        found.setdefault(word, variant)
    return list(found.values())


def _rows(block: Block) -> tuple[list[Cube], list[frozenset[str]]]:
    """The allowed combinations, merged; and the words that were tried in each column."""
    allowed: set[tuple[str, ...]] = set()
    tried: list[set[str]] = [set() for _ in block.shown]
    for situation in _situations(block):
        known = _known(situation)
        key = tuple([known.get(fact, "") for fact in block.shown])
        for words, word in zip(tried, key, strict=True):
            words.add(word)
        if rule_book_on(situation).allowed:
            allowed.add(key)
    cubes = {tuple(frozenset({word}) for word in key) for key in allowed}
    return _merged(cubes), [frozenset(words) for words in tried]


def _known(situation: Situation) -> Words:
    return conclude(words_of(situation))[0]


def _merged(cubes: set[Cube]) -> list[Cube]:
    """Put rows together that differ in one column only, until there are none."""
    while True:
        before = len(cubes)
        for column in reversed(range(len(next(iter(cubes))))):
            groups: dict[Cube, frozenset[str]] = {}
            for cube in cubes:
                rest = cube[:column] + cube[column + 1 :]
                groups[rest] = groups.get(rest, frozenset()) | cube[column]
            cubes = {(*rest[:column], words, *rest[column:]) for rest, words in groups.items()}
        if len(cubes) == before:
            return sorted(cubes, key=lambda cube: [sorted(words) for words in cube])


def text() -> str:
    """The whole file."""
    parts = [HEAD]
    for block in BLOCKS:
        cubes, tried = _rows(block)
        lines = [
            f"# {block.title}",
            "",
            f"| {' | '.join(block.shown)} | {ARROW}{ANSWER} |",
            "|---" * (len(block.shown) + 1) + "|",
        ]
        for cube in cubes:
            cells = [
                "any" if words == all_words else ", ".join(sorted(words))
                for words, all_words in zip(cube, tried, strict=True)
            ]
            lines.append(f"| {' | '.join(cells)} | yes |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def allowed_by(rows: tuple[Table, ...], situation: Situation) -> bool:
    """Whether in every table of the file a row fits."""
    known = _known(situation)
    try:
        return all(table.answer(known) for table in rows)
    except LookupError:
        return False


def rows_of_the_file() -> tuple[Table, ...]:
    """The file's tables."""
    return read_tables(FILE)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    print(f"{FILE} was written; look at what changed.")
