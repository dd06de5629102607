"""`begin`, `finish`, `undo` and `reopen`: one rebuild, and the ways back from it."""

from launchplane_lane_contracts.orders import Permit, UndoOrder

from ..begin import begin
from ..finish import finish
from ..reopen import reopen
from ..undo import undo
from .command import Answer, Call, Command, TakesOrder


def _begin(call: Call) -> Answer:
    return Answer(*begin(call.settings, call.public_keys(), call.order(Permit), call.token))


def _finish(call: Call) -> Answer:
    return Answer(finish(call.settings, call.order(Permit), call.token))


def _undo(call: Call) -> Answer:
    return Answer(*undo(call.settings, call.public_keys(), call.order(UndoOrder)))


def _reopen(call: Call) -> Answer:
    return Answer(reopen(call.settings))


COMMANDS = (
    Command(
        "begin", "set aside what stands there, under a permit", _begin, takes=TakesOrder("permit")
    ),
    Command(
        "finish",
        "check what came and write its pending marker",
        _finish,
        # A rebuild that has begun must be able to end, so the permit's time bounds only its begin.
        takes=TakesOrder("permit", heed_time=False),
    ),
    Command("undo", "put back what was set aside", _undo, takes=TakesOrder("undo")),
    Command("reopen", "open this lane's database where a begin left it closed", _reopen),
)
