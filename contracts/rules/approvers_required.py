"""How many people besides the requester must sign."""

from ..observation import Observation
from ..policy import EffectivePolicy
from ..request import Request
from ..vocabulary import DataSource


def approvers_required(
    effective: EffectivePolicy, request: Request, observation: Observation
) -> int:
    """Approvers asked for besides the requester."""
    if request.data_source is DataSource.EXISTING or observation.nothing_to_set_aside:
        return 0
    return 1 if effective.authoritative else 0
