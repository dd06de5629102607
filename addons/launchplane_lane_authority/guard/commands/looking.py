"""`show` and `attest`: reading alone, so no order is asked for."""

from ..attest import attest
from ..lane_reading import read_lane
from .command import Answer, Call, Command


def _show(call: Call) -> Answer:
    return Answer(read_lane(call.settings))


def _attest(call: Call) -> Answer:
    reading = read_lane(call.settings)
    return Answer(reading, result=attest(reading).to_plain())


COMMANDS = (
    Command("show", "say everything that can be seen of the lane", _show),
    Command("attest", "say the same for a runtime that is down, in that runtime's words", _attest),
)
