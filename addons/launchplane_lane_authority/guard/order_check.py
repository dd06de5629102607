"""Is this order for this lane, this database, this folder? Asked before anything else."""

from collections.abc import Iterator

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.orders import Order, Permit
from launchplane_lane_contracts.permit_check import permit_disagreements
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .settings import GuardSettings


def check_environment(order: Order, settings: GuardSettings) -> None:
    """Raise Refused, with all reasons, when the order is for another place than this one."""
    reasons = tuple(_differences(order, settings))
    if reasons:
        raise Refused.because(*reasons)


def check_permit(permit: Permit) -> None:
    """Raise Refused, with all reasons, when the permit contradicts itself."""
    reasons = tuple(
        reason(
            ReasonCode.ORDER_REFUSED,
            f"The permit contradicts itself: {detail}.",
            "Plan again and authorize that plan; what signed this permit needs to be looked at.",
            detail=detail,
        )
        for detail in permit_disagreements(permit)
    )
    if reasons:
        raise Refused.because(*reasons)


def _differences(order: Order, settings: GuardSettings) -> Iterator[Reason]:
    if settings.lane != order.lane:
        here = settings.lane or f"unknown ({settings.identity_problem})"
        yield reason(
            ReasonCode.ENVIRONMENT_OTHER_LANE,
            f"The order is for lane {order.lane}; the lane of this environment is {here}.",
            "Run the guard in the runtime of the lane that the order is for.",
            order=order.lane,
            environment=here,
        )
    if settings.database != order.database:
        yield reason(
            ReasonCode.ENVIRONMENT_OTHER_DATABASE,
            f"The order is for database {order.database}; this environment has "
            f"{settings.database}.",
            "Correct ODOO_DB_NAME, or run the guard in the lane's own runtime.",
            order=order.database,
            environment=settings.database,
        )
    if str(settings.filestore) != order.filestore_path:
        yield reason(
            ReasonCode.ENVIRONMENT_OTHER_FILESTORE,
            f"The order is for the files in {order.filestore_path}; this environment has "
            f"{settings.filestore}.",
            "Correct ODOO_FILESTORE_PATH, or run the guard in the lane's own runtime.",
            order=order.filestore_path,
            environment=settings.filestore,
        )
