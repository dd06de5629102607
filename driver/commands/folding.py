"""Long lines for a person: folded between words at the terminal's width, under where they begin."""

import re
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from ..spelled_out import no_control

EDGE = "\t"
"""Stands in a line where what is folded goes on in the lines below."""
NARROWEST_COLUMN = 24
"""Columns that are left for the words at least; else they go on near the left edge."""
HANGS_BY = 2


def say_folded(text: str) -> None:
    """Print marked-up lines on standard output, none wider than the terminal.

    A word is never broken unless it alone is wider, so names and digests can be copied.
    """
    console = Console(highlight=False)
    for line in no_control(text).split("\n"):
        for folded in fold(console, line):
            console.print(folded, soft_wrap=True)


def fold(console: Console, line: str) -> Iterator[Text]:
    """The lines that one becomes."""
    marked = Text.from_markup(line)
    edge = marked.plain.find(EDGE)
    begins = len(marked.plain) - len(marked.plain.lstrip(" "))
    if edge < 0:
        head, body, hangs = Text(" " * begins), marked[begins:], begins + HANGS_BY
    else:
        head, body, hangs = marked[:edge], marked[edge + 1 :], edge
    if hangs > console.width - NARROWEST_COLUMN:
        hangs = begins + HANGS_BY
    # The first line may begin further to the right than the others go on.
    room = console.width - max(hangs, head.cell_len)
    if room < NARROWEST_COLUMN or not body:
        yield Text.assemble(head, body)
        return
    for number, part in enumerate(body.divide(_breaks(body.plain, room))):
        part.rstrip()
        yield Text.assemble(head if number == 0 else Text(" " * hangs), part)


def _breaks(plain: str, room: int) -> list[int]:
    """Before which characters a new line begins."""
    breaks, begins = [], 0
    for word in re.finditer(r"\S+", plain):
        if word.end() - begins > room and word.start() > begins:
            begins = word.start()
            breaks.append(begins)
    return breaks
