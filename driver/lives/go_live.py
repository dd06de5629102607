"""A policy that is recorded stands in the lane's own database at once, where that is in reach."""

from typing import Any

from launchplane_lane_contracts.contract import Person
from launchplane_lane_contracts.errors import LaneAuthorityError
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.policy import PolicyRevision

from ..lane_office import LaneOffice
from .life import Asked, Life, carry_out, look, see
from .lower import Lower, may_be_lowered_at_once, says_more_than_the_policy
from .restamp import Restamp


def show_in_the_lane(office: LaneOffice, revision: PolicyRevision, person: Person) -> str:
    """Have the marker of the lane's data say what the policy says now, and tell how that went.

    A marker loses its authority only where the signatures under the policy were given for that as
    well. A tightened policy is in force already, and the host decides by it whatever stands there.
    Nothing where no data is recorded.
    """
    lane = Lane.parse(str(revision.policy.lane))
    record = office.store.host_record(lane)
    if record.generation is None or record.declared_lost or lane not in office.host.lanes():
        return ""
    asked = Asked(lane, person, f"policy revision {revision.number}")
    way_on = f"lane-authority {Restamp.command} {lane}"
    try:
        seen = see(office, asked)
        life: Life[Any] = Lower() if may_be_lowered_at_once(seen) else Restamp()
        if seen.lowering_change is not None:
            # Where it is out of reach, nothing more can be said of the marker.
            way_on = f"lane-authority {Lower.command} {lane}"
        plan = look(office, life, asked)
        way_on = f"lane-authority {life.command} {lane} --digest {plan.digest}"
        done = carry_out(office, life, plan.digest)
    except LaneAuthorityError as problem:
        return _later(problem, way_on)
    if life.command == Lower.command:
        return done
    shown = f"The marker in the lane's database shows revision {revision.number}."
    if says_more_than_the_policy(seen):
        shown += (
            " It still protects the data, or a claim does, which nobody signed for with this "
            f"change. To take that away: lane-authority lower {lane}"
        )
    return shown


def _later(problem: LaneAuthorityError, way_on: str) -> str:
    return (
        f"The marker in the lane's database does not say so yet: {problem.message} What the host "
        "decides follows the new policy all the same, and whatever the marker protects. When that "
        f"is put right: {way_on}"
    )
