"""Whether there are people enough for everything that may have to be signed."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

from launchplane_lane_contracts.errors import LaneAuthorityError, Refused
from launchplane_lane_contracts.people import People

from .examination import Finding
from .host_directory import HostDirectory
from .people import people_that_count
from .store import Store

_VALID = re.compile(r'valid-(after|before)="?(\d{8})(\d{4}(?:\d{2})?)?Z?"?')
_PATTERN_SIGNS = frozenset("*?!,")


def examine_people(host: HostDirectory, store: Store, now: datetime) -> Iterator[Finding]:
    """The approvers on record, and the numbers beside them."""
    if shutil.which("ssh-keygen") is None:
        yield Finding.unknown(
            "signatures",
            "There is no ssh-keygen here, and it alone checks signatures.",
            "Install OpenSSH's client programs.",
        )
    try:
        people = people_that_count(host, store)
    except Refused as problem:
        yield Finding.of_problem("approvers", problem)
        return
    except LaneAuthorityError as problem:
        yield Finding.of_problem("approvers", problem)
        return
    yield _enough(people, now)
    numbers = people.thresholds
    yield Finding.good(
        "thresholds",
        f"{numbers.consequential} approver(s) for what is consequential, {numbers.grave} for what "
        "is grave, besides the one who asks.",
    )


def _enough(people: People, now: datetime) -> Finding:
    names = names_that_count(people, now)
    needed = 1 + max(people.thresholds.grave, people.thresholds.consequential)
    shown = ", ".join(sorted(names)) or "nobody"
    if len(names) >= needed:
        return Finding.good("approvers", f"On record: {shown}.")
    return Finding.wrong(
        "approvers",
        f"{len(names)} of {needed} people whose signatures count now: {shown}. What is grave could "
        "not be signed by anybody.",
        "Propose more approvers (`lane-authority approvers propose`), or lower numbers in "
        "thresholds.toml the same way: what then lacks people waits for 24 hours instead.",
    )


def names_that_count(people: People, now: datetime) -> frozenset[str]:
    """Everybody with at least one line that is a name and valid at `now` (UTC)."""
    return frozenset(
        line.split()[0]
        for line in people.lines
        if not _PATTERN_SIGNS & set(line.split()[0]) and _is_valid(line, now)
    )


def _is_valid(line: str, now: datetime) -> bool:
    for which, day, time in _VALID.findall(line):
        instant = datetime.strptime(f"{day}{time:0<6}", "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        if (which == "after" and now < instant) or (which == "before" and now >= instant):
            return False
    return True
