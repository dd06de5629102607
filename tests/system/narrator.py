"""What the person who watches the demo sees."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule

PROMPT = "[bold cyan]$[/]"


class Narrator:
    """Prints headings, commands with their output, and what was really found."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        self._began = time.monotonic()

    def heading(self, text: str) -> None:
        """A new step of the morning."""
        self.console.print()
        self.console.print(Rule(f"[bold]{escape(text)}[/]", align="left"))

    def tell(self, text: str) -> None:
        """One remark."""
        self.console.print(f"[dim]·[/] {escape(text)}")

    def command(self, line: str, output: str, code: int) -> None:
        """A command and what it answered."""
        self.console.print(f"{PROMPT} {escape(line)}")
        for each in output.rstrip().splitlines():
            self.console.print(f"    {escape(each)}")
        if code != 0:
            self.console.print(f"    [yellow](exit code {code})[/]")

    def proved(self, text: str) -> None:
        """Something that was read from the server or the disk, not from us."""
        self.console.print(f"[green]✔[/] {escape(text)}")

    @contextmanager
    def timed(self, text: str) -> Iterator[None]:
        """Say how long something took."""
        began = time.monotonic()
        yield
        self.tell(f"{text}: {time.monotonic() - began:.1f} s")
