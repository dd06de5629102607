"""`prepare`, `stamp`, `claim` and `lower`: the marker, the tags and the lock."""

import getpass
from argparse import ArgumentParser

from launchplane_lane_contracts.errors import BadInput
from launchplane_lane_contracts.orders import LowerOrder, PrepareOrder, StampOrder

from ..claim import claim
from ..lower import lower
from ..stamp import prepare, stamp
from .command import Answer, Call, Command, TakesOrder


def _prepare(call: Call) -> Answer:
    return Answer(prepare(call.settings, call.order(PrepareOrder)))


def _stamp(call: Call) -> Answer:
    return Answer(stamp(call.settings, call.public_keys(), call.order(StampOrder), call.token))


def _claim(call: Call) -> Answer:
    why, by = call.arguments.reason.strip(), call.arguments.by.strip()
    if not why or not by:
        raise BadInput("Say why this data needs protection (--reason) and who asks for it (--by).")
    return Answer(claim(call.settings, why, by))


def _claim_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--reason", required=True, help="why; whoever wants to rebuild the lane will read it"
    )
    parser.add_argument("--by", default=_user(), help="who asks; by default this system's user")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a user that it has no name for.
        return ""


def _lower(call: Call) -> Answer:
    return Answer(lower(call.settings, call.public_keys(), call.order(LowerOrder), call.token))


COMMANDS = (
    Command("prepare", "make the marker's empty table", _prepare, takes=TakesOrder("prepare")),
    Command(
        "stamp",
        "write the signed marker, the tags and the lock",
        _stamp,
        takes=TakesOrder("stamp"),
    ),
    Command("claim", "protect the data that is there", _claim, add_arguments=_claim_arguments),
    Command(
        "lower",
        "lower the authoritative marker that the order names",
        _lower,
        takes=TakesOrder("lower"),
    ),
)
