"""`prepare` and `stamp`: the marker, the tags and the lock."""

from launchplane_lane_contracts.orders import PrepareOrder, StampOrder

from ..stamp import prepare, stamp
from .command import Answer, Call, Command, TakesOrder


def _prepare(call: Call) -> Answer:
    return Answer(prepare(call.settings, call.order(PrepareOrder)))


def _stamp(call: Call) -> Answer:
    return Answer(stamp(call.settings, call.order(StampOrder), call.token))


COMMANDS = (
    Command("prepare", "make the marker's empty table", _prepare, takes=TakesOrder("prepare")),
    Command(
        "stamp",
        "write the signed marker, the tags and the lock",
        _stamp,
        takes=TakesOrder("stamp"),
    ),
)
