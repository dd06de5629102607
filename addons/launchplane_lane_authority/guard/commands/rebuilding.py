"""`begin`, `demote`, `finish`, `abort`, `undo` and `reopen`: one rebuild and its ways back."""

from launchplane_lane_contracts.orders import Permit, SetAsideOrder, SignedOrder, UndoOrder

from ..abort import abort
from ..begin import begin
from ..demote import demote
from ..finish import finish
from ..invalid import note_of
from ..reopen import reopen
from ..restore_source import begun_permit
from ..set_aside import set_aside
from ..undo import undo
from .command import Answer, Call, Command, TakesOrder, always


def _begin(call: Call) -> Answer:
    reading, kept = begin(call.settings, call.public_keys(), call.order(Permit), call.token)
    return Answer(reading, kept, note=note_of(call.settings, kept))


def _is_a_retry(order: SignedOrder | None) -> bool:
    """What the operation left is set aside then, and a run of it may go on."""
    return isinstance(order, Permit) and bool(order.retries_permits)


def _finish(call: Call) -> Answer:
    return Answer(finish(call.settings, call.order(Permit), call.token))


def _set_aside(call: Call) -> Answer:
    reading, kept = set_aside(call.settings, call.order(SetAsideOrder))
    return Answer(reading, kept, note=note_of(call.settings, kept))


def _undo(call: Call) -> Answer:
    reading, remains = undo(call.settings, call.public_keys(), call.order(UndoOrder))
    return Answer(reading, remains, note=note_of(call.settings, remains))


def _abort(call: Call) -> Answer:
    return Answer(*abort(call.settings, call.order(Permit)))


def _demote(call: Call) -> Answer:
    return Answer(demote(call.settings, call.order(Permit), call.token))


def _reopen(call: Call) -> Answer:
    return Answer(reopen(call.settings))


COMMANDS = (
    Command(
        "begin",
        "set aside what stands there, under a permit",
        _begin,
        takes=TakesOrder("permit"),
        needs_free_lock=_is_a_retry,
    ),
    Command(
        "finish",
        "check what came and write its pending marker",
        _finish,
        # A rebuild that has begun must be able to end, so the permit's time bounds only its begin.
        takes=TakesOrder("permit", heed_time=False),
    ),
    Command(
        "set-aside",
        "keep what stands there though no rebuild follows",
        _set_aside,
        takes=TakesOrder("set-aside"),
        needs_free_lock=always,
    ),
    Command(
        "undo",
        "put back what was set aside",
        _undo,
        takes=TakesOrder("undo"),
        needs_free_lock=always,
    ),
    Command(
        "abort",
        "take a begin back, as long as nothing came under the name",
        _abort,
        takes=TakesOrder("permit", heed_time=False),
        needs_free_lock=always,
    ),
    Command(
        "demote",
        "put the pending marker over one that came with a restore",
        _demote,
        # The devkit's script calls it, and knows no file; the lane's keep knows what has begun.
        takes=TakesOrder("permit", heed_time=False, otherwise=begun_permit),
    ),
    Command("reopen", "open this lane's database where a begin left it closed", _reopen),
)
