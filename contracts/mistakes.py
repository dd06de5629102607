"""What is wrong in a text that somebody wrote, all of it at once, each with its place."""

import difflib
import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .contract import Contract
from .errors import BadInput

LONGEST_FOUND = 60
PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")

Place = tuple[str | int, ...]
"""The keys and list positions (from 0) that lead to a value."""

PLAIN_WORDS = {
    "extra_forbidden": "there is no such field",
    "missing": "it is missing",
    "timezone_aware": "it has no time zone",
    "datetime_from_date_parsing": "it has no time of day",
    "datetime_parsing": "it is no instant",
    "datetime_type": "it is no instant",
    "time_delta_type": "it is no duration",
    "bool_type": "it is neither true nor false",
    "string_type": "it is no text",
    "model_type": "it is no table",
    "model_attributes_type": "it is no table",
    "tuple_type": "it is no list",
    "enum": "there is no such word",
    "string_pattern_mismatch": "it is not written as it must be",
    "string_too_short": "it is too short",
    "string_too_long": "it is too long",
    "literal_error": "there is no such value",
}
"""What is said instead of pydantic's words."""

PATTERNS = {
    "^/": " that begins with /",
    r"^[a-z0-9][a-z0-9._-]{0,62}$": " of 1 to 63 small letters, digits, '.', '_' and '-'",
}
"""Patterns in words."""


class Mistake(Contract):
    """One mistake."""

    path: str
    """The keys that lead to it, as `lanes[2].upstream_source.host`; empty for the whole text."""
    line: int | None = None
    """The line that it stands on, counted from 1, where that is known."""
    problem: str
    """What is wrong."""
    found: str = ""
    """What was found, shortened; empty where that says nothing."""
    accepted: str = ""
    """What is accepted there."""

    def __str__(self) -> str:
        place = ": ".join(
            part for part in (f"line {self.line}" if self.line else "", self.path) if part
        )
        words = f"{place}: {self.problem}" if place else self.problem
        if self.found:
            words += f"; found {self.found}"
        if self.accepted:
            words += f"; accepted: {self.accepted}"
        return words + "."


class Mistakes(BadInput):
    """Every mistake in one text. Nothing was taken from it."""

    def __init__(self, found: Sequence[Mistake], *, where: str = "The text") -> None:
        self.mistakes = tuple(found)
        count = "one mistake" if len(found) == 1 else f"{len(found)} mistakes"
        super().__init__(
            "\n".join((f"{where} has {count}; nothing was taken from it.", *map(str, found)))
        )


def written(place: Place) -> str:
    """A place as people write it; a key that is more than a plain word is quoted."""
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step}]"
            continue
        key = step if PLAIN_KEY.fullmatch(step) else printable(json.dumps(step))
        text += f".{key}" if text else key
    return text


def shown(value: Any) -> str:
    """A value in JSON, shortened."""
    text = printable(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= LONGEST_FOUND else text[: LONGEST_FOUND - 1] + "…"


def printable(text: str) -> str:
    """The text with everything that a terminal would obey, or could not show, written out."""
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)


def line_of(place: Place, lines: Mapping[Place, int]) -> int | None:
    """The line of a place, or of the nearest thing around it that has one."""
    for length in range(len(place), 0, -1):
        if place[:length] in lines:
            return lines[place[:length]]
    return None


def model_mistakes(
    problem: ValidationError,
    *,
    model: type[Contract],
    value: Any,
    place: Place = (),
    lines: Mapping[Place, int],
    accepted: Mapping[Place, str] | None = None,
) -> Iterator[Mistake]:
    """What a model says against `value`, which stands at `place`, in our words.

    `accepted` has other words for what some places inside `value` take.
    """
    schema = _schema(model)
    for fault in problem.errors(include_url=False, include_input=False):
        steps: Place = tuple(fault["loc"])
        # A table whose fields contradict each other says so in words of its own.
        as_a_whole = fault["type"] == "value_error" and "properties" in _schema_at(schema, steps)
        yield Mistake(
            path=written(place + steps),
            line=line_of(place + steps, lines),
            problem=_problem(fault, schema, steps),
            found="" if as_a_whole else _found(value, steps),
            accepted=(
                ""
                if as_a_whole
                else (accepted or {}).get(steps) or _accepted(fault["type"], schema, steps)
            ),
        )


@functools.cache
def _schema(model: type[Contract]) -> dict[str, Any]:
    return model.model_json_schema()


def _problem(fault: ErrorDetails, schema: dict[str, Any], steps: Place) -> str:
    kind = fault["type"]
    words = PLAIN_WORDS.get(kind, fault["msg"].removeprefix("Value error, "))
    if kind == "extra_forbidden":
        alike = difflib.get_close_matches(str(steps[-1]), _fields(schema, steps[:-1]), 1)
        words += f" (is {alike[0]} meant?)" if alike else ""
    return words


def _found(value: Any, steps: Place) -> str:
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return ""
    return shown(value)


def _accepted(kind: str, schema: dict[str, Any], steps: Place) -> str:
    if kind == "extra_forbidden":
        return ", ".join(_fields(schema, steps[:-1]))
    return in_words(_schema_at(schema, steps), schema)


def _fields(schema: dict[str, Any], steps: Place) -> list[str]:
    return [name for name in _schema_at(schema, steps)["properties"] if name != "schema_version"]


def _schema_at(schema: dict[str, Any], steps: Place) -> dict[str, Any]:
    at = _resolved(schema, schema)
    for step in steps:
        inner = at["items"] if isinstance(step, int) else at["properties"].get(step, {})
        at = _resolved(inner, schema)
    return at


def _resolved(part: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """What a part of a schema refers to; of a field that may be left out, what it is else."""
    if "anyOf" in part:
        return _resolved(next(each for each in part["anyOf"] if each != {"type": "null"}), schema)
    if "$ref" in part:
        found: dict[str, Any] = schema["$defs"][part["$ref"].rsplit("/", 1)[-1]]
        return found
    return part


def in_words(part: dict[str, Any], schema: dict[str, Any]) -> str:
    """What a part of a JSON schema accepts."""
    if "enum" in part or "const" in part:
        return " or ".join(str(each) for each in part.get("enum", [part.get("const")]))
    kind = part.get("format", part.get("type"))
    if kind == "object":
        return "a table of " + ", ".join(
            name for name in part["properties"] if name != "schema_version"
        )
    if kind == "array":
        return "a list of " + in_words(_resolved(part["items"], schema), schema)
    if kind == "string":
        return _text_in_words(part)
    return {
        "boolean": "true or false",
        "integer": "a whole number",
        "duration": "a duration such as 30m, 24h or 7d",
        "date-time": "an instant in UTC such as 2027-01-31T00:00:00Z",
    }[str(kind)]


def _text_in_words(part: dict[str, Any]) -> str:
    words = "text"
    if "maxLength" in part:
        words += f" of {part.get('minLength', 0)} to {part['maxLength']} characters"
    if "pattern" in part:
        words += PATTERNS.get(part["pattern"], f" that matches {part['pattern']}")
    return words
