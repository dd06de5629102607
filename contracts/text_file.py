"""A JSON or TOML text as plain values, with the line of each key. Nothing odd passes."""

import json
import math
import re
import tomllib
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from .mistakes import Mistake, Mistakes, Place, line_of, written

DEEPEST = 16
LARGEST_NUMBER_BITS = 63
AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
HALF_A_CHARACTER = "the text holds half a character"
SURROGATE = re.compile("[\ud800-\udfff]")


class TextFormat(StrEnum):
    """How a file is written."""

    JSON = "json"
    TOML = "toml"


@dataclass(frozen=True)
class PlainText:
    """What a text says."""

    value: Any
    """Its plain values; dates of TOML's own as ISO 8601 text, what is no value as None."""
    lines: dict[Place, int]
    """The line of each key and of each item of a list, where it is known."""
    mistakes: tuple[Mistake, ...]
    """What is in it that no file may have: keys given twice, numbers that are none."""


def read_text(content: bytes, text_format: TextFormat) -> PlainText:
    """Read a file's bytes. A byte order mark at the start is left out.

    Raises Mistakes where it cannot be read at all.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise Mistakes([Mistake(path="", line=line, problem="it is not UTF-8")]) from None
    if not text.strip():
        raise Mistakes([Mistake(path="", problem="it is empty")])
    try:
        value: Any = json.loads(text) if text_format is TextFormat.JSON else tomllib.loads(text)
    except RecursionError:
        raise Mistakes([TOO_DEEP]) from None
    except json.JSONDecodeError as problem:
        raise Mistakes(
            [Mistake(path="", line=problem.lineno, problem=f"it is not JSON: {problem.msg}")]
        ) from None
    except tomllib.TOMLDecodeError as problem:
        raise Mistakes([_not_toml(str(problem))]) from None
    except ValueError:
        raise Mistakes(
            [Mistake(path="", problem="it holds a number or date that cannot be one")]
        ) from None
    if _deeper_than(value, DEEPEST):
        raise Mistakes([TOO_DEEP])
    if text_format is TextFormat.JSON:
        lines, repeated = _json_lines(text)
    else:
        lines, repeated = _toml_lines(text), []
    odd: list[Mistake] = [
        Mistake(path=written(place), line=line, problem="the key is given twice")
        for place, line in repeated
    ]
    plain = _plain(value, (), lines, odd)
    return PlainText(value=plain, lines=lines, mistakes=tuple(odd))


TOO_DEEP = Mistake(path="", problem=f"it is nested more than {DEEPEST} levels deep")


def _not_toml(message: str) -> Mistake:
    found = AT_LINE.search(message)
    return Mistake(
        path="",
        line=int(found[1]) if found and found[1] else None,
        problem=f"it is not TOML: {AT_LINE.sub('', message)}",
    )


def _deeper_than(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels + 1):
        level = [inner for each in level for inner in _inside(each)]
    return bool(level)


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _plain(value: Any, place: Place, lines: dict[Place, int], odd: list[Mistake]) -> Any:
    """JSON-ready values; what can't be is noted in `odd`."""
    if isinstance(value, dict):
        odd += [
            Mistake(
                path=written((*place, key)),
                line=line_of((*place, key), lines),
                problem=HALF_A_CHARACTER,
            )
            for key in value
            if SURROGATE.search(key)
        ]
        return {
            key: _plain(inner, (*place, key), lines, odd)
            for key, inner in value.items()
            if not SURROGATE.search(key)
        }
    if isinstance(value, list):
        return [_plain(inner, (*place, number), lines, odd) for number, inner in enumerate(value)]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    problem = _oddity(value)
    if problem:
        odd.append(Mistake(path=written(place), line=line_of(place, lines), problem=problem))
        return None
    return value


def _oddity(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "it is not a number"
    if isinstance(value, int) and value.bit_length() > LARGEST_NUMBER_BITS:
        return "the number is too large"
    if isinstance(value, str) and SURROGATE.search(value):
        return HALF_A_CHARACTER
    return ""


JSON_PART = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],\n]|[^\s"{}\[\],:]+')


def _json_lines(text: str) -> tuple[dict[Place, int], list[tuple[Place, int]]]:
    """The line of each key, and the keys that an object has twice. The text is valid JSON."""
    lines: dict[Place, int] = {}
    repeated: list[tuple[Place, int]] = []
    path: list[str | int] = []
    keys: list[set[str]] = []  # of each open object or list; a list has none
    key_is_next = False
    line = 1
    for part in JSON_PART.findall(text):
        if part == "\n":
            line += 1
            continue
        if part not in "}]," and path and isinstance(path[-1], int):
            lines[tuple(path)] = line
        if part in "{[":
            keys.append(set())
            path.append("" if part == "{" else 0)
            key_is_next = part == "{"
        elif part in "}]":
            keys.pop()
            path.pop()
            key_is_next = False
        elif part == ",":
            if isinstance(path[-1], int):
                path[-1] += 1
            else:
                key_is_next = True
        elif key_is_next:
            key_is_next = False
            path[-1] = key = json.loads(part)
            if key in keys[-1]:
                repeated.append((tuple(path), line))
            keys[-1].add(key)
            lines[tuple(path)] = line
    return lines, repeated


_KEY = r'(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')'
_KEYS = rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*"
TOML_HEADER = re.compile(rf"[ \t]*(\[\[?)[ \t]*({_KEYS})[ \t]*\]\]?")
TOML_ASSIGNMENT = re.compile(rf"[ \t]*({_KEYS})[ \t]*=")
TOML_VALUE_PART = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*|[\[\]{}\n]|[^\"'#\[\]{}\n]+|.",
    re.DOTALL,
)


def _toml_lines(text: str) -> dict[Place, int]:
    """The line of each table and key; of what stands inside a value, none. The text is valid."""
    lines: dict[Place, int] = {}
    tables: dict[Place, int] = {}  # how many tables each array of tables has so far
    table: Place = ()
    at, counted, line = 0, 0, 1
    while at < len(text):
        line += text.count("\n", counted, at)
        counted = at
        if header := TOML_HEADER.match(text, at):
            table = _inside_arrays(_keys(header[2]), tables)
            if header[1] == "[[":
                array = table
                number = tables[array] = tables.get(array, -1) + 1
                table = (*array, number)
            for length in range(1, len(table) + 1):
                lines.setdefault(table[:length], line)
            lines[table] = line
            at = header.end()
        elif assignment := TOML_ASSIGNMENT.match(text, at):
            keys = _keys(assignment[1])
            for length in range(1, len(keys) + 1):
                lines.setdefault(table + keys[:length], line)
            at = assignment.end()
        at = _end_of_statement(text, at)
    return lines


def _keys(dotted: str) -> Place:
    plain: Any = tomllib.loads(f"{dotted} = 0")
    keys: Place = ()
    while isinstance(plain, dict):
        ((key, plain),) = plain.items()
        keys += (key,)
    return keys


def _inside_arrays(keys: Place, tables: dict[Place, int]) -> Place:
    """The place that a header means: inside an array of tables, its newest table."""
    place: Place = ()
    for number, key in enumerate(keys):
        place += (key,)
        if place in tables and number < len(keys) - 1:
            place += (tables[place],)
    return place


def _end_of_statement(text: str, at: int) -> int:
    depth = 0
    for found in TOML_VALUE_PART.finditer(text, at):
        at = found.end()
        part = found[0]
        if part == "\n" and depth == 0:
            break
        depth += (part in ("[", "{")) - (part in ("]", "}"))
    return at
