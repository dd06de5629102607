"""Whether those on record, or about to be, can sign everything that may have to be signed."""

import re
from datetime import UTC, datetime

from launchplane_lane_contracts.approval import Thresholds
from launchplane_lane_contracts.contract import UtcInstant
from launchplane_lane_contracts.errors import BadInput
from launchplane_lane_contracts.people import People

from .approvals import line_problem
from .approvers_file import is_one_name
from .host_directory import HostDirectory

_VALID = re.compile(r'valid-(after|before)="?(\d{8})(\d{4}(?:\d{2})?)?Z?"?')
LONGEST_SHOWN = 60


def names_that_count(people: People, now: datetime) -> frozenset[str]:
    """Everybody with at least one line that is a name and valid at `now` (UTC)."""
    return frozenset(
        line.split()[0]
        for line in people.lines
        if is_one_name(line.split()[0]) and _is_valid(line, now)
    )


def people_needed(numbers: Thresholds) -> int:
    """How many people there must be: the one who asks, and the most who approve."""
    return 1 + max(numbers.grave, numbers.consequential)


def require_signers(
    host: HostDirectory, found: People, now: UtcInstant, *, before: People | None = None
) -> None:
    """See that what the files say leaves people who can sign, before it is put on record.

    Lines that are on record already, as `before` has them, are not read again. Raises BadInput
    for a line that OpenSSH cannot read and for too few people; CouldNotTell without OpenSSH.
    """
    for line in sorted(found.lines - (before.lines if before is not None else frozenset())):
        problem = line_problem(line)
        if problem:
            raise BadInput(
                f"Nothing was put on record: in {host.approvers_file} this line is nobody's "
                f"({problem}):\n  {_shown(line)}\nA line is one person's name, then what stands in "
                "the .pub file of that person's key: alice ssh-ed25519 AAAA..."
            )
    names, needed = names_that_count(found, now), people_needed(found.thresholds)
    if len(names) >= needed:
        return
    numbers = found.thresholds
    raise BadInput(
        f"Nothing was put on record: {host.approvers_file} has {len(names)} of {needed} people "
        f"whose signatures count ({', '.join(sorted(names)) or 'nobody'}), and with fewer nothing "
        f"grave could be signed, new approvers included: besides the one who asks, "
        f"{max(numbers.grave, numbers.consequential)} approve. {_way_on(host, before)}"
    )


def _way_on(host: HostDirectory, before: People | None) -> str:
    if before is not None:
        return (
            "Put somebody else, or that person's new key, in that place in the same change, or "
            f"lower the numbers in {host.thresholds_file} first, as a change of its own; those on "
            "record sign either, who goes included. Where somebody on record cannot sign, or is "
            "not to be trusted: while the file lacks that line nobody's signature counts, that "
            "one's included, so leave it out; put the other lines and the numbers right, put the "
            "store (and not the folder of the keys) aside, and begin anew from what the lanes say: "
            "`lane-authority reconcile`. A company of one has `consequential = 0` and `grave = 0`."
        )
    return (
        "Add the others, or write lower numbers into "
        f"{host.thresholds_file}: a company of one writes `consequential = 0` and `grave = 0`, "
        "and what is grave then waits for 24 hours instead. Then run `lane-authority init` again."
    )


def _shown(line: str) -> str:
    return line if len(line) <= LONGEST_SHOWN else f"{line[: LONGEST_SHOWN - 1]}…"


def _is_valid(line: str, now: datetime) -> bool:
    for which, day, time in _VALID.findall(line):
        instant = datetime.strptime(f"{day}{time:0<6}", "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        if (which == "after" and now < instant) or (which == "before" and now >= instant):
            return False
    return True
