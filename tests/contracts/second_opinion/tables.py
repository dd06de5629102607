"""Reads the tables of docs/rule-book.md and evaluates them. Knows nothing of any rule."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "rule-book.md"
ARROW = "→ "
REASONS = "reasons"
NO_REASON = "—"
ALL_BUT = "all but "

Words = dict[str, str]
"""One word for each fact."""


@dataclass(frozen=True)
class Condition:
    """What one cell accepts."""

    words: frozenset[str]
    """The words that stand in it; none of them where anything will do."""
    excluded: bool
    """Whether every word but these is accepted."""

    def fits(self, word: str) -> bool:
        """Whether the cell accepts the word."""
        return (word in self.words) is not self.excluded


@dataclass(frozen=True)
class Row:
    """One row: what must hold, and what follows."""

    conditions: tuple[Condition, ...]
    result: str


@dataclass(frozen=True)
class Table:
    """One table. The first row that fits counts."""

    facts: tuple[str, ...]
    result: str
    rows: tuple[Row, ...]
    answers: dict[tuple[str, ...], str] = field(default_factory=dict, compare=False)
    """What was answered before; the rows are looked through once for each set of words."""

    def answer(self, words: Mapping[str, str]) -> str:
        """What follows from these words. Raises LookupError when no row fits."""
        key = tuple([words[fact] for fact in self.facts])
        found = self.answers.get(key)
        if found is None:
            found = self.answers[key] = self.rows[self.row_for(key)].result
        return found

    def row_for(self, key: tuple[str, ...]) -> int:
        """The number of the first row that accepts the words. Raises LookupError without one."""
        for number, row in enumerate(self.rows):
            if all(each.fits(word) for each, word in zip(row.conditions, key, strict=True)):
                return number
        raise LookupError(f"no row of the table of {self.result} fits {key}")


def read_tables(page: Path = PAGE) -> tuple[Table, ...]:
    """Every table whose last column stands below an arrow, in the order of the page."""
    return tuple(
        Table(
            facts=tuple(header[:-1]),
            result=header[-1].removeprefix(ARROW),
            rows=tuple(
                Row(tuple(_condition(cell) for cell in cells[:-1]), cells[-1]) for cells in rows
            ),
        )
        for header, rows in _tables_of(page)
        if header[-1].startswith(ARROW)
    )


def read_facts(page: Path = PAGE) -> dict[str, frozenset[str]]:
    """Every fact that the page lists, with its words."""
    for header, rows in _tables_of(page):
        if header[0] == "fact":
            return {name: frozenset(words.split(" · ")) for name, words, _meaning in rows}
    raise LookupError(f"{page} lists no facts")


def _tables_of(page: Path) -> Iterator[tuple[list[str], list[list[str]]]]:
    for block in re.findall(r"(?:^\|.*\|\n)+", page.read_text("utf-8"), re.MULTILINE):
        header, _rule, *rows = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()
        ]
        yield header, rows


def _condition(cell: str) -> Condition:
    if cell == "any":
        return Condition(frozenset(), excluded=True)
    listed = cell.removeprefix(ALL_BUT)
    return Condition(frozenset(listed.split(", ")), excluded=listed != cell)
