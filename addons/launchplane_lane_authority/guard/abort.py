"""`abort`: a begin is taken back, as long as nothing has come under the lane's name."""

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.naming import REMAINS, kept_name
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.receipt import SetAside
from launchplane_lane_contracts.vocabulary import DataSource, TagState

from . import filestore
from .keep import ABORTED, ENDED, FINISHED, SET_ASIDE, UNDONE, BeginIntent, Keep
from .kept_data import require_keep, require_server
from .lane_reading import read_lane
from .order_check import check_environment
from .own_session import require_own_session
from .settings import GuardSettings
from .undo import WayBack, lock_again, put_back


def abort(settings: GuardSettings, permit: Permit) -> tuple[LaneReading, SetAside | None]:
    """Put the very same database and files back as they were: generation and marker stay.

    Files that came already are kept as remains, which the answer names. Run again after a crash it
    carries on. Raises Refused, CouldNotTell or Busy.
    """
    check_environment(permit, settings)
    reading = read_lane(settings)
    require_server(reading.database)
    require_own_session(settings)
    keep = require_keep(settings, reading, permit.lane)
    with keep.locked():
        intent = keep.intent(permit.permit_id)
        if intent is None:
            raise Refused.because(_not_begun(permit))
        remains = None
        if not keep.has(permit.permit_id, ABORTED):
            _refuse_what_went_on(keep, permit)
            _refuse_a_retry(keep, permit)
            _nothing_came(read_lane(settings), permit, intent, keep)
            if permit.request.data_source is DataSource.EXISTING:
                # All that its begin may have done is unlock.
                lock_again(settings, intent, permit)
            else:
                remains = put_back(settings, keep, intent, permit, _as_it_was(permit))
                _tag_as_it_was(settings, permit)
            keep.note(permit.permit_id, ABORTED)
        keep.note(permit.permit_id, ENDED)
    return read_lane(settings), remains


def _refuse_what_went_on(keep: Keep, permit: Permit) -> None:
    words = {
        FINISHED: "its rebuild was finished",
        UNDONE: "it was undone",
        ENDED: "its operation has ended",
    }
    for step, what in words.items():
        if keep.has(permit.permit_id, step):
            raise Refused.because(
                _impossible(what, "Look at the lane: it shows what stands there and what is kept.")
            )


def _refuse_a_retry(keep: Keep, permit: Permit) -> None:
    """What an operation that was begun again set aside last is remains, and no lane's data."""
    if any(keep.is_real(each) for each in permit.retries_permits):
        raise Refused.because(
            _impossible(
                "the operation was begun once before",
                "Undo the operation: what it set aside first goes back, and the rest is kept.",
            )
        )


def _nothing_came(reading: LaneReading, permit: Permit, intent: BeginIntent, keep: Keep) -> None:
    """Refuse when anything but the old database itself stands under the name."""
    entry = reading.database.entry
    if permit.request.data_source is DataSource.EXISTING:
        if keep.has(permit.permit_id, SET_ASIDE):
            raise Refused.because(
                _impossible(
                    "the data stayed where it was, so there is nothing to put back",
                    "Roll back what runs on the data, or run the change again; then finish the "
                    "operation.",
                )
            )
    elif entry is not None and entry.oid != intent.database_oid:
        raise Refused.because(
            _impossible(
                f"a database (oid {entry.oid}) stands under {reading.database.name}",
                "Undo the operation: the old data goes back, and what stands there is kept.",
            )
        )


def _as_it_was(permit: Permit) -> WayBack:
    before = permit.observation.database
    return WayBack(
        lane=permit.lane,
        remains_name=kept_name(permit.database, permit.generation, REMAINS, permit.permit_id),
        tag=before.tag,
        locked=before.locked,
        came=permit,
    )


def _tag_as_it_was(settings: GuardSettings, permit: Permit) -> None:
    """The files that went back carry the word `kept` no longer."""
    tag, _problem = filestore.read_tag(settings.filestore)
    if tag is None or tag.state is not TagState.KEPT:
        return
    before = permit.observation.database.tag
    state = before.state if before is not None else TagState.LIVE
    filestore.tag_served(settings.filestore, tag.model_copy(update={"state": state}))


def _not_begun(permit: Permit) -> Reason:
    return reason(
        ReasonCode.PERMIT_NOT_BEGUN,
        f"Permit {permit.permit_id} was not begun here, so there is nothing to take back.",
        "Look at the lane with `show`; an operation that never began is undone on the host.",
        permit_id=permit.permit_id,
    )


def _impossible(detail: str, remedy: str) -> Reason:
    return reason(
        ReasonCode.UNDO_IMPOSSIBLE, f"It cannot be aborted: {detail}.", remedy, detail=detail
    )
