"""`run`: begin, the devkit's script, finish; and the way back where the script fails."""

from collections.abc import Mapping, Sequence

from launchplane_lane_contracts.errors import CouldNotTell, LaneAuthorityError, Refused
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.receipt import CommandRun, SetAside
from launchplane_lane_contracts.restore_source import (
    permitted_source,
    source_differs,
    source_is_target,
)
from launchplane_lane_contracts.vocabulary import DataSource

from .abort import abort
from .begin import begin
from .child import SignalsPassedOn
from .commands.command import Answer
from .devkit import child_environment, command_differs, require_free_lock
from .failures import as_failure
from .finish import finish
from .lane_reading import read_lane
from .order_check import check_environment
from .restore_source import offered_upstream, restore_source
from .settings import GuardSettings
from .tokens import PublicKeys

STAYED = (
    "The data stayed where it was and may be changed half-way. Do the same operation once more on "
    "the host (`lane-authority retry`), for the change or for what rolls it back; the lane is "
    "unfinished until that has ended."
)


def run(
    settings: GuardSettings,
    keys: PublicKeys,
    permit: Permit,
    token: str,
    command: Sequence[str],
    environment: Mapping[str, str],
) -> Answer:
    """Do one whole rebuild around a command.

    What is refused before `begin` is raised (Refused, Busy, CouldNotTell); what happens later
    stands in the answer, together with the command's end.
    """
    check_environment(permit, settings)
    source, offered = permitted_source(permit), offered_upstream(environment)
    differences = (
        *command_differs(permit, command, environment),
        *source_differs(source, offered),
        *source_is_target(source, offered, settings.host),
    )
    if differences:
        raise Refused.because(*differences)
    require_free_lock(environment)
    with SignalsPassedOn() as signals:
        _reading, set_aside = begin(settings, keys, permit, token)
        if signals.received is not None:
            return _went_back(
                settings, permit, set_aside, "The guard was told to stop before the command began."
            )
        try:
            restore_source(settings, permit, token, offered)
            code = signals.run(command, child_environment(settings, environment))
        except (LaneAuthorityError, OSError) as problem:
            return _went_back(
                settings, permit, set_aside, "The command was not started.", as_failure(problem)
            )
        ran = CommandRun(exit_code=code)
        if code:
            return _failed(settings, permit, set_aside, ran)
        try:
            return Answer(finish(settings, permit, token), set_aside, ran=ran)
        except Exception as problem:
            return Answer(
                read_lane(settings),
                set_aside,
                ran=ran,
                failure=as_failure(problem),
                note="The command did its part; the lane is unfinished. "
                + _way_on(permit, set_aside),
            )


def _failed(
    settings: GuardSettings, permit: Permit, set_aside: SetAside | None, ran: CommandRun
) -> Answer:
    """The command failed: back, where nothing stands under the name, else visibly unfinished."""
    reading = read_lane(settings)
    moves = permit.request.data_source not in (DataSource.EXISTING, DataSource.KEPT)
    gone = reading.database.server is not None and reading.database.entry is None
    if moves and gone:
        return _went_back(settings, permit, set_aside, "The command failed.", ran=ran)
    return Answer(
        reading,
        set_aside,
        ran=ran,
        note="The command failed; the lane is unfinished. " + _way_on(permit, set_aside),
    )


def _went_back(
    settings: GuardSettings,
    permit: Permit,
    set_aside: SetAside | None,
    why: str,
    failure: LaneAuthorityError | None = None,
    ran: CommandRun | None = None,
) -> Answer:
    """Take the begin back, and say whether that was possible."""
    try:
        reading, remains = abort(settings, permit)
    except Exception as problem:
        found = as_failure(problem)
        return Answer(
            read_lane(settings),
            set_aside,
            ran=ran,
            failure=failure or (None if ran else found),
            note=f"{why} The begin could not be taken back ({found.message}); the lane is "
            "unfinished. " + _way_on(permit, set_aside),
        )
    words = "The begin was taken back: the lane's data stands where it stood."
    return Answer(
        reading,
        remains,
        ran=ran,
        failure=failure or (None if ran else CouldNotTell(why)),
        # What is no failure of the guard's has no text but this one.
        note=f"{why} {words}" if ran or failure else words,
    )


def _way_on(permit: Permit, set_aside: SetAside | None) -> str:
    if permit.request.data_source is DataSource.EXISTING:
        return STAYED
    kept = f"The old data is kept as {set_aside.name}. " if set_aside is not None else ""
    return f"{kept}Undo the operation on the host (`lane-authority undo`)."
