"""`show`: reading alone, so no order is asked for."""

from ..lane_reading import read_lane
from .command import Answer, Call, Command


def _show(call: Call) -> Answer:
    return Answer(read_lane(call.settings))


COMMANDS = (Command("show", "say everything that can be seen of the lane", _show),)
