"""How many people must sign."""

from ..approval import Demand, demand_for
from ..vocabulary import DataSource, Weight
from .case import Case


def signatures_demanded(case: Case) -> Demand:
    """What signatures the case asks for. Only setting authoritative data aside asks for any."""
    sets_data_aside = not (
        case.request.data_source is DataSource.EXISTING
        or case.remains
        or case.seen.nothing_to_set_aside
    )
    weight = (
        Weight.CONSEQUENTIAL if sets_data_aside and case.effective.authoritative else Weight.ROUTINE
    )
    return demand_for(weight, case.seen.thresholds)
