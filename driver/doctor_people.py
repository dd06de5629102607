"""Whether there are people enough for everything that may have to be signed."""

import shutil
from collections.abc import Iterator
from datetime import datetime

from launchplane_lane_contracts.errors import CouldNotTell, LaneAuthorityError, Refused
from launchplane_lane_contracts.people import People

from .approvals import line_problem
from .enough_people import names_that_count, people_needed
from .examination import Finding
from .host_directory import HostDirectory
from .people import people_that_count
from .store import Store


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
    readable = _readable(people)
    names = names_that_count(readable, now)
    needed = people_needed(people.thresholds)
    shown = ", ".join(sorted(names)) or "nobody"
    if len(names) >= needed:
        return Finding.good("approvers", f"On record: {shown}.")
    could = len(names) > people.thresholds.grave
    return Finding.wrong(
        "approvers",
        f"{len(names)} of {needed} people whose signatures count now: {shown}. "
        + (
            "What is consequential could not be signed by anybody."
            if could
            else "What is grave could not be signed by anybody, another approver included."
        ),
        "Propose more approvers, or lower numbers in thresholds.toml "
        "(`lane-authority approvers propose`): those on record are enough to sign that."
        if could
        else "Where a line has run out or a key is lost, no change of it can be signed any more. "
        "Put the approvers and the numbers right in the files, put the store (and not the folder "
        "of the keys) aside, and begin anew from what the lanes say: `lane-authority reconcile`.",
    )


def _readable(people: People) -> People:
    """Without the lines that OpenSSH cannot read; all of them where it cannot be asked."""
    try:
        lines = [line for line in sorted(people.lines) if not line_problem(line)]
    except CouldNotTell:
        return people
    return people.model_copy(update={"approvers": "\n".join(lines)})
