"""Text that somebody wrote, printed so that whoever reads it sees all of it and nothing else.

A line end in a reason could look like a line of ours, and a terminal obeys control characters:
what stands behind one may not be seen at all.
"""

import re
from enum import Enum
from typing import Any, TypeVar

from launchplane_lane_contracts.contract import Contract
from launchplane_lane_contracts.mistakes import printable

Value = TypeVar("Value")

_MORE_SPACES = re.compile("(?<= ) ")
_NOT_PLAIN = re.compile("[^\n -~]")
_NO_LINES_OF_OURS = re.compile("[^\n\t]+")


def one_line(text: str) -> str:
    """The text on one line: control characters, line ends and further spaces are spelled out.

    Many spaces would carry what follows to the terminal's next line.
    """
    return _MORE_SPACES.sub(r"\\u0020", printable(text))


def no_control(text: str) -> str:
    """Lines of ours, in which nothing is left that a terminal would obey."""
    return _NO_LINES_OF_OURS.sub(lambda part: printable(part[0]), text)


def harmless_json(text: str) -> str:
    """The same JSON, in which what a terminal would obey is written by its number."""
    return _NOT_PLAIN.sub(
        lambda found: found[0] if found[0].isprintable() else _number(found[0]), text
    )


def _number(character: str) -> str:
    """As JSON writes it: two of them where one is not enough."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def spelled_out(value: Value) -> Value:
    """The same value, with every text in it on one line. It is for printing only."""
    changed: Any = value
    if isinstance(value, Contract):
        fields = {name: spelled_out(getattr(value, name)) for name in type(value).model_fields}
        changed = value.model_copy(update=fields)
    elif isinstance(value, tuple):
        changed = tuple(spelled_out(each) for each in value)
    elif isinstance(value, dict):
        changed = {spelled_out(name): spelled_out(each) for name, each in value.items()}
    elif isinstance(value, str) and not isinstance(value, Enum):
        changed = one_line(value)
    result: Value = changed
    return result
