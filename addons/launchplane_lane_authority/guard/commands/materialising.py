"""`restore-source`, `materialise` and `run`: what may come, and ways to bring it."""

import os

from launchplane_lane_contracts.orders import MaterialiseOrder, Permit

from ..materialise import materialise, sweep
from ..restore_source import begun_permit, offered_upstream, restore_source
from ..run import run
from .backup_place import add_place, settings_with_place
from .command import Answer, Call, Command, TakesOrder


def _restore_source(call: Call) -> Answer:
    permit = call.order(Permit)
    source = restore_source(call.settings, permit, call.token, offered_upstream())
    return Answer(result=source.to_plain())


def _materialise(call: Call) -> Answer:
    reading, side = materialise(settings_with_place(call), call.order(MaterialiseOrder))
    return Answer(
        reading,
        result=side.to_plain(),
        message=f"{side.source} stands beside the lane as {side.name}, verified, with {side.files} "
        "file(s). Nothing of the lane was changed.",
    )


def _sweep(call: Call) -> Answer:
    return Answer(sweep(call.settings))


def _run(call: Call) -> Answer:
    return run(
        call.settings,
        call.public_keys(),
        call.order(Permit),
        call.token,
        call.command_line,
        os.environ,
    )


COMMANDS = (
    Command(
        "restore-source",
        "say what may be materialised now, and what must be true afterwards",
        _restore_source,
        takes=TakesOrder("permit", heed_time=False, option="--permit", otherwise=begun_permit),
    ),
    Command(
        "materialise",
        "restore a source beside the lane and verify it, before anything is set aside",
        _materialise,
        takes=TakesOrder("materialise"),
        add_arguments=add_place,
    ),
    Command("sweep", "drop what waits beside the lane, or was left there", _sweep),
    Command(
        "run",
        "begin, the command that follows `--`, finish",
        _run,
        takes=TakesOrder("permit", option="--permit"),
        runs_a_command=True,
    ),
)
