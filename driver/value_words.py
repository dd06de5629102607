"""Values as words for people."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum

from launchplane_lane_contracts.contract import Contract
from launchplane_lane_contracts.policy_words import duration_words


def value_words(value: object) -> str:
    """A value for people."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | frozenset):
        return ", ".join(str(each) for each in value) or "nothing"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, timedelta):
        return duration_words(timedelta(seconds=int(value.total_seconds())))
    return str(value).replace("_", " ") if isinstance(value, Enum) else str(value)


def fields_in_words(value: Contract) -> dict[str, str]:
    """Every field of a contract, those of the contracts in it as well, each by its name."""
    return dict(_fields("", value))


def _fields(prefix: str, value: Contract) -> Iterator[tuple[str, str]]:
    for name in type(value).model_fields:
        inner = getattr(value, name)
        words = f"{prefix}{name.replace('_', ' ')}"
        if isinstance(inner, Contract):
            yield from _fields(f"{words}, ", inner)
        elif name != "schema_version":
            yield words, value_words(inner)
