"""`restamp`: the same data gets the same marker again, signed with the present key."""

from collections.abc import Iterator

from launchplane_lane_contracts.contract import Digest, Person
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.lives import Restamping
from launchplane_lane_contracts.policy import effective_policy
from launchplane_lane_contracts.reasons import Reason, ReasonCode

from ..lane_office import LaneOffice, utc_now
from .life import Asked, Life, LifePlan, Seen
from .marking import mark, marked_before
from .place import no_witness_contradicts, the_data_is_bound, the_lane_is_known_and_free


class Restamp(Life[Restamping]):
    """Before a key that was retired is revoked, or to have a new policy shown in the database."""

    kind = "restamping"
    command = "restamp"
    document = Restamping
    needs_reason = False

    def refusals(self, seen: Seen) -> Iterator[Reason]:
        """It must be bound data, in order."""
        yield from the_lane_is_known_and_free(seen)
        yield from no_witness_contradicts(seen.observation)
        yield from the_data_is_bound(seen, ReasonCode.NOTHING_TO_ENROL)

    def proposed(self, seen: Seen) -> Restamping:
        """The row that goes, and the policy that the new one shows."""
        assert seen.revision is not None
        assert seen.record.generation is not None
        digest = seen.reading.database.marker_digest
        assert digest is not None
        return Restamping(
            lane=seen.asked.lane,
            requester=seen.asked.requester,
            reason=seen.asked.reason,
            policy_revision=seen.revision.number,
            generation=seen.record.generation,
            authoritative=_authoritative(seen),
            marker_digest=digest,
        )

    def words(self, document: Restamping) -> tuple[str, ...]:
        """A restamping in words."""
        return (
            f"RESTAMP the data of lane {document.lane}, generation {document.generation}, asked "
            f"for by {document.requester}" + (f": {document.reason}" if document.reason else "."),
            "Afterwards: the same data and generation, "
            + ("the only true copy" if document.authoritative else "replaceable")
            + f", signed with the present key (policy revision {document.policy_revision}).",
        )

    def act(self, office: LaneOffice, plan: LifePlan[Restamping]) -> str:
        """Replace exactly the row that was seen; the data keeps its generation."""
        mark(
            office,
            plan,
            "restamped",
            authoritative=plan.document.authoritative,
            generation=plan.document.generation,
        )
        return _done(plan.document.lane)

    def go_on(self, office: LaneOffice, document: Restamping, digest: Digest) -> str | None:
        """The marker may stand there already."""
        asked = Asked(document.lane, Person(document.requester), document.reason)
        if marked_before(office, asked, digest, "restamped") is None:
            return None
        return _done(document.lane)


def _authoritative(seen: Seen) -> bool:
    """It stays the only true copy, or becomes it where the policy in force says so by now."""
    assert seen.revision is not None
    return effective_policy(
        seen.revision.policy,
        utc_now(),
        marker_authoritative=bool(seen.observation.marker.authoritative),
        claimed=seen.observation.marker.claimed,
    ).authoritative


def _done(lane: Lane) -> str:
    return f"Lane {lane} is signed with the present key."
