"""`open` and `release`: kept data is looked at, and in the end it goes."""

from argparse import ArgumentParser

from launchplane_lane_contracts.orders import OpenOrder, ReleaseOrder

from ..opening import close_kept, open_kept
from ..release import release
from .backup_place import add_place, settings_with_place
from .command import Answer, Call, Command, TakesOrder


def _open(call: Call) -> Answer:
    order = call.order(OpenOrder)
    if call.arguments.close:
        return Answer(close_kept(call.settings, order))
    # Closing only tightens, so an order's time bounds its opening alone.
    call.public_keys().order(call.token, kind="open")
    return Answer(open_kept(call.settings, order))


def _open_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--close", action="store_true", help="close what the order opened, and end the sessions"
    )


def _release(call: Call) -> Answer:
    return Answer(release(settings_with_place(call), call.order(ReleaseOrder)))


COMMANDS = (
    Command(
        "open",
        "open kept data for reading only, still locked",
        _open,
        takes=TakesOrder("open", heed_time=False),
        add_arguments=_open_arguments,
    ),
    Command(
        "release",
        "drop kept data and its files",
        _release,
        takes=TakesOrder("release"),
        add_arguments=add_place,
    ),
)
