"""`demote`: the hook between a restore and the first registry that loads what was restored."""

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .arrival import tag_pending, write_pending, wrong_database
from .begin import open_keep
from .database import connected
from .finish import begun
from .keep import ENDED, UNDONE
from .lane_reading import read_lane
from .order_check import check_environment
from .settings import GuardSettings


def demote(settings: GuardSettings, permit: Permit, token: str) -> LaneReading:
    """Between the restore and the first registry: put the pending row over a marker that came.

    From then on an Odoo that loads the data knows that it is not settled. `finish` does the same
    and looks at the files too, which may still be on their way now. Run again it does nothing more.
    Raises Refused, CouldNotTell or Busy.
    """
    check_environment(permit, settings)
    keep = open_keep(settings, permit)
    with keep.locked():
        intent = begun(keep, permit)
        if keep.has(permit.permit_id, UNDONE) or keep.has(permit.permit_id, ENDED):
            raise Refused.because(
                reason(
                    ReasonCode.PERMIT_NOT_BEGUN,
                    f"The rebuild of permit {permit.permit_id} has ended, so nothing comes under "
                    "it any more.",
                    "Plan and authorize again for another rebuild.",
                    permit_id=permit.permit_id,
                )
            )
        reading = read_lane(settings)
        wrong = tuple(wrong_database(permit, intent, reading))
        if wrong:
            raise Refused.because(*wrong)
        with connected(settings, settings.database) as connection:
            write_pending(connection, permit, token, reading.database)
        tag_pending(settings, permit, reading.database)
    return read_lane(settings)
