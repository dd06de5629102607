"""From when on a signature counts: where people are missing, time takes their place first."""

from launchplane_lane_contracts.approval import demand_for
from launchplane_lane_contracts.contract import Digest, UtcInstant

from .lane_office import LaneOffice
from .lives import life_of
from .people_changes import PEOPLE, proposed_people
from .policy_changes import POLICY, proposed_change


def cooled_at(office: LaneOffice, digest: Digest) -> UtcInstant | None:
    """The end (UTC) of the cooling-off of what was proposed; None where there is none.

    The 24 hours of a signature are counted from there. Raises BadInput when nothing was proposed.
    """
    proposal = office.store.proposal(digest)
    life = life_of(proposal.kind)
    if life is not None:
        weight = life.document.from_json(proposal.document).weight
        return demand_for(weight, office.thresholds()).cooled_at(proposal.proposed_at)
    if proposal.kind == PEOPLE:
        return proposed_people(office, digest).cooled_at
    return proposed_change(office, digest).cooled_at if proposal.kind == POLICY else None
