"""`restore-source`: what may come."""

from launchplane_lane_contracts.orders import Permit

from ..restore_source import begun_permit, offered_upstream, restore_source
from .command import Answer, Call, Command, TakesOrder


def _restore_source(call: Call) -> Answer:
    permit = call.order(Permit)
    source = restore_source(call.settings, permit, call.token, offered_upstream())
    return Answer(result=source.to_plain())


COMMANDS = (
    Command(
        "restore-source",
        "say what may be materialised now, and what must be true afterwards",
        _restore_source,
        takes=TakesOrder("permit", heed_time=False, option="--permit", otherwise=begun_permit),
    ),
)
