"""A policy that is recorded stands in the lane's own database at once, where that is in reach."""

from launchplane_lane_contracts.contract import Person
from launchplane_lane_contracts.errors import LaneAuthorityError
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.policy import PolicyRevision

from ..lane_office import LaneOffice
from .life import Asked, carry_out, look
from .restamp import Restamp


def show_in_the_lane(office: LaneOffice, revision: PolicyRevision, person: Person) -> str:
    """Have the marker of the lane's data say what the policy says now, and tell how that went.

    It only tightens: a marker that is authoritative stays so. Nothing where no data is recorded. It
    never raises what a lane does: the policy is in force already, and the host decides by it.
    """
    lane = Lane.parse(str(revision.policy.lane))
    record = office.store.host_record(lane)
    if record.generation is None or record.declared_lost or lane not in office.host.lanes():
        return ""
    restamp = Restamp()
    try:
        asked = Asked(lane, person, f"policy revision {revision.number}")
        carry_out(office, restamp, look(office, restamp, asked).digest)
    except LaneAuthorityError as problem:
        return (
            f"The marker in the lane's database does not say so yet: {problem.message} What the "
            "host decides follows the new policy all the same. When that is put right: "
            f"lane-authority restamp {lane}"
        )
    return f"The marker in the lane's database shows revision {revision.number}."
