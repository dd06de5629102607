"""Who stands in the approvers file at an instant, where no signature has to be checked."""

import re
from datetime import UTC, datetime

from launchplane_lane_contracts.approval import SIGNATURE_NAMESPACE
from launchplane_lane_contracts.contract import Person, UtcInstant
from launchplane_lane_contracts.people import People

_OPTION = re.compile(r'([a-z-]+)(?:="([^"]*)")?(?:,|$)')
_PATTERN_SIGNS = frozenset("*?!,")
_FORMS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


def is_one_name(name: str) -> bool:
    """Whether the first word of a line is a person's name, and no pattern or list of names."""
    return not _PATTERN_SIGNS & set(name)


def names_person(people: People, person: Person, now: UtcInstant) -> bool:
    """Whether a line is that one person's by name, for our purpose, and valid at `now` (UTC).

    A line with several names or a pattern is nobody's; an option that is not understood makes a
    line count for nothing here.
    """
    return any(_is_valid(line, person, now) for line in people.lines)


def _is_valid(line: str, person: Person, now: UtcInstant) -> bool:
    parts = line.split(maxsplit=1)
    # A pattern or a list of names is no name of a person, even where it is spelled the same.
    if len(parts) != 2 or parts[0] != person or not is_one_name(person):
        return False
    options = _options(parts[1])
    if options is None:
        return False
    namespaces = options.pop("namespaces", SIGNATURE_NAMESPACE)
    after, before = options.pop("valid-after", None), options.pop("valid-before", None)
    if options or SIGNATURE_NAMESPACE not in namespaces.split(","):
        return False
    try:
        return (after is None or _instant(after) <= now) and (
            before is None or now < _instant(before)
        )
    except ValueError:
        return False


def _options(rest: str) -> dict[str, str] | None:
    """What stands between the name and the key; None where it is not understood."""
    first = rest.split(maxsplit=1)[0]
    if re.match(r"(ssh|ecdsa|sk)-", first):
        return {}
    # A quoted value may hold spaces: the options end before the key's type.
    found = re.match(r'((?:[^\s"]|"[^"]*")+)\s', rest)
    if found is None:
        return None
    text, options, place = found.group(1), dict[str, str](), 0
    while place < len(text):
        option = _OPTION.match(text, place)
        if option is None or option.group(1).lower() in options:
            return None
        options[option.group(1).lower()] = option.group(2) or ""
        place = option.end()
    return options


def _instant(text: str) -> datetime:
    # Without a zone it is in UTC here, as where OpenSSH is asked.
    bare = text.removesuffix("Z")
    return datetime.strptime(bare, _FORMS.get(len(bare), "%Y%m%d")).replace(tzinfo=UTC)
