"""Files about lanes: one lane or many, every mistake at once, nothing taken from a bad one."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from .contract import Contract
from .lane import Lane
from .mistakes import Mistake, Mistakes, Place, line_of, model_mistakes, shown, written
from .policy import Contradiction, PolicyContradicts
from .text_file import PlainText, TextFormat, read_text

LaneModel = TypeVar("LaneModel", bound=Contract)
"""A model with a field `lane`."""

LANES = "lanes"
DATE = re.compile(r"\d{4}-\d\d-\d\d")
LANE_ACCEPTED = (
    "product/context/instance or a table of the three, each in small letters, digits, '.', '_' "
    "and '-'"
)
OTHER_WORDS: Mapping[Place, str] = {
    ("lane",): LANE_ACCEPTED,
    ("upstream_source", "lane"): LANE_ACCEPTED,
}
STAND_INS: Mapping[str, Any] = {
    "lane": {"product": "unreadable", "context": "unreadable", "instance": "unreadable"},
    "rollout_state": "testing",
    "schema_version": 1,
}
"""What fields that must be there are taken for while the others are looked at."""


def read_lanes(
    content: bytes, text_format: TextFormat, model: type[LaneModel]
) -> tuple[LaneModel, ...]:
    """The values in a file's bytes, in their order: one at the top level, or a list `lanes`.

    A lane is written product/context/instance or as a table. Raises Mistakes with every mistake
    of every lane.
    """
    text = read_text(content, text_format)
    mistakes: list[Mistake] = []
    entries = [_read_entry(value, place, text, model) for place, value in _entries(text, mistakes)]
    for entry in entries:
        mistakes += entry.mistakes
    mistakes += _repeated_lanes(entries, text)
    # What was noted while reading the text says more than what follows from it.
    odd = {each.path for each in text.mistakes}
    mistakes = [*text.mistakes, *(each for each in mistakes if each.path not in odd)]
    if mistakes:
        raise Mistakes(sorted(mistakes, key=lambda each: each.line or 0))
    return tuple(entry.value for entry in entries if entry.value is not None)


@dataclass(frozen=True)
class _Entry(Generic[LaneModel]):
    """One lane's part of a file, as far as it could be read."""

    place: Place
    lane: Lane | None
    value: LaneModel | None
    mistakes: list[Mistake]


def _entries(text: PlainText, mistakes: list[Mistake]) -> list[tuple[Place, Any]]:
    value = text.value
    if not isinstance(value, dict):
        mistakes.append(
            Mistake(
                path="",
                problem="it is no table",
                found=shown(value),
                accepted="the fields of one lane, or a list `lanes`",
            )
        )
        return []
    if LANES not in value:
        return [((), value)]
    mistakes += [
        Mistake(
            path=str(key),
            line=line_of((key,), text.lines),
            problem="beside `lanes` nothing else may stand; a default for all would hide in it",
            accepted="the field inside each lane",
        )
        for key in value
        if key != LANES
    ]
    lanes = value[LANES]
    if not isinstance(lanes, list) or not lanes:
        mistakes.append(
            Mistake(
                path=LANES,
                line=line_of((LANES,), text.lines),
                problem="it holds no lane",
                found=shown(lanes),
                accepted="a list of lanes",
            )
        )
        return []
    return [((LANES, number), each) for number, each in enumerate(lanes)]


def _read_entry(
    value: Any, place: Place, text: PlainText, model: type[LaneModel]
) -> _Entry[LaneModel]:
    if not isinstance(value, dict):
        no_table = Mistake(
            path=written(place),
            line=line_of(place, text.lines),
            problem="it is no table",
            found=shown(value),
            accepted="the fields of one lane",
        )
        return _Entry(place, None, None, [no_table])
    found: list[Mistake] = []
    value, bad = _prepared(value, place, text, found)
    read = None
    faulty = bad
    try:
        read = model.from_plain(value)
    except ValidationError as problem:
        faulty = bad | {str(each["loc"][0]) for each in problem.errors() if each["loc"]}
        if any(each["loc"] for each in problem.errors()):
            found += model_mistakes(
                problem,
                model=model,
                value=value,
                place=place,
                lines=text.lines,
                accepted=OTHER_WORDS,
            )
        found += _contradictions(value, faulty, place, text, model)
    lane = None if "lane" in faulty else Lane.from_plain(value["lane"])
    return _Entry(place, lane, read, found)


def _prepared(
    value: dict[str, Any], place: Place, text: PlainText, found: list[Mistake]
) -> tuple[dict[str, Any], set[str]]:
    """The entry with lanes as tables, and the fields that are no good already."""
    value = dict(value)
    bad: set[str] = set()
    source = value.get("upstream_source")
    if isinstance(source, dict):
        value["upstream_source"] = source = dict(source)
    for owner, field, steps in (
        (value, "lane", ("lane",)),
        (source, "upstream_source", ("upstream_source", "lane")),
    ):
        if not isinstance(owner, dict) or not isinstance(owner.get("lane"), str):
            continue
        try:
            owner["lane"] = Lane.parse(owner["lane"]).to_plain()
        except ValueError:
            found.append(
                Mistake(
                    path=written(place + steps),
                    line=line_of(place + steps, text.lines),
                    problem="it is no lane",
                    found=shown(owner["lane"]),
                    accepted=LANE_ACCEPTED,
                )
            )
            owner["lane"] = STAND_INS["lane"]
            bad.add(field)
    until = value.get("provisional_until")
    if isinstance(until, str) and not DATE.match(until):
        # Seconds since 1970, which pydantic would take, are not what anybody means here.
        steps = ("provisional_until",)
        found.append(
            Mistake(
                path=written(place + steps),
                line=line_of(place + steps, text.lines),
                problem="it is no instant",
                found=shown(until),
                accepted="an instant in UTC such as 2027-01-31T00:00:00Z",
            )
        )
        del value["provisional_until"]
        bad.add("provisional_until")
    return value, bad


def _contradictions(
    value: dict[str, Any],
    faulty: set[str],
    place: Place,
    text: PlainText,
    model: type[Contract],
) -> Iterator[Mistake]:
    """What the fields that can be read say against each other."""
    readable = {
        name: each
        for name, each in value.items()
        if name in model.model_fields and name not in faulty
    }
    try:
        stand_ins = {name: each for name, each in STAND_INS.items() if name in model.model_fields}
        model.from_plain({**stand_ins, **readable})
    except ValidationError as problem:
        # Each field by itself is good, so only the policy as a whole can have complained.
        contradicts: PolicyContradicts = problem.errors()[0]["ctx"]["error"]
        for each in contradicts.contradictions:
            if not faulty.intersection(each.fields):
                yield _contradiction(each, value, place, text, model)


def _contradiction(
    each: Contradiction,
    value: dict[str, Any],
    place: Place,
    text: PlainText,
    model: type[Contract],
) -> Mistake:
    first = (*place, each.fields[0])
    return Mistake(
        path=written(first),
        line=line_of(first, text.lines),
        problem=each.words,
        found=", ".join(_given(name, value, model) for name in each.fields),
        accepted=each.accepted,
    )


def _given(name: str, value: dict[str, Any], model: type[Contract]) -> str:
    if name in value:
        return f"{name} = {shown(value[name])}"
    default = model.model_fields[name].default
    if isinstance(default, bool):
        return f"{name} = {shown(default)} (not given)"
    return f"no {name}"


def _repeated_lanes(entries: list[_Entry[LaneModel]], text: PlainText) -> Iterator[Mistake]:
    first: dict[Lane, Place] = {}
    for entry in entries:
        if entry.lane is None:
            continue
        if entry.lane in first:
            yield Mistake(
                path=written((*entry.place, "lane")),
                line=line_of((*entry.place, "lane"), text.lines),
                problem=f"the same lane stands at {written(first[entry.lane])} already",
                found=str(entry.lane),
                accepted="each lane once",
            )
        first.setdefault(entry.lane, entry.place)
