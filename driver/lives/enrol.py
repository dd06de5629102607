"""`enrol`: a lane that has data and no marker gets one, after showing what is in there."""

from collections.abc import Iterator

from launchplane_lane_contracts.contract import Digest
from launchplane_lane_contracts.enrolment import Enrolment
from launchplane_lane_contracts.policy import effective_policy
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.rules.database_and_files import marker_reason
from launchplane_lane_contracts.vocabulary import DatabaseState, MarkerState, TagState

from ..lane_office import LaneOffice, utc_now
from .life import Life, LifePlan, Seen
from .marking import mark, marked_before
from .place import (
    no_witness_contradicts,
    nothing_is_under_way,
    the_guard_looks_at_the_lane,
    the_policy_is_known,
)


class Enrol(Life[Enrolment]):
    """The data gets the authority that the policy in force gives it."""

    kind = "enrolment"
    command = "enrol"
    document = Enrolment
    needs_reason = False

    def refusals(self, seen: Seen) -> Iterator[Reason]:
        """It must be data that nobody recorded, at the lane's own place."""
        lane, record, observation = seen.asked.lane, seen.record, seen.observation
        yield from the_policy_is_known(seen)
        if record.generation is not None:
            yield _already(f"generation {record.generation} of lane {lane} is on record")
        yield from nothing_is_under_way(seen)
        initialised = observation.database.state is DatabaseState.INITIALISED
        if not initialised:
            yield reason(
                ReasonCode.NOTHING_TO_ENROL,
                f"There is no data to enrol: {observation.database.detail}.",
                "A lane without data needs no enrolling; ask for a bootstrap.",
            )
        foreign = marker_reason(observation.marker)
        if observation.marker.is_anothers_own and foreign is not None:
            yield foreign
        elif observation.marker.state is not MarkerState.ABSENT and initialised:
            yield _already(f"the database has a marker ({observation.marker.detail})")
        entry = seen.reading.database.entry
        if entry is not None and entry.locked and initialised and not _is_locked_afterwards(seen):
            # Somebody protects it, and nobody has told the host why.
            yield reason(
                ReasonCode.ALREADY_ENROLLED,
                f"The database is locked against being dropped (IS_TEMPLATE), nobody recorded why, "
                f"and revision {seen.revision.number if seen.revision else 'none'} of the policy "
                "would have it enrolled as data that may be replaced.",
                "Find out whose data it is and who locked it. Data that is the only true copy is "
                "enrolled under a policy that says so. If nobody means the lock, whoever owns the "
                "database takes it off (ALTER DATABASE ... IS_TEMPLATE false); then look again.",
                oid=entry.oid,
            )
        tag = entry.tag if entry is not None else None
        if tag is not None and (tag.lane != lane or tag.state is TagState.KEPT):
            yield _already(f"the database is tagged as data of lane {tag.lane} ({tag.state})")
        yield from no_witness_contradicts(observation)
        yield from the_guard_looks_at_the_lane(seen)

    def proposed(self, seen: Seen) -> Enrolment:
        """What stands there, and the authority that it gets."""
        database, observation = seen.reading.database, seen.observation
        assert database.entry is not None
        assert database.server is not None
        assert seen.revision is not None
        return Enrolment(
            lane=seen.asked.lane,
            requester=seen.asked.requester,
            reason=seen.asked.reason,
            system_identifier=database.server.system_identifier,
            database=database.name,
            database_oid=database.entry.oid,
            filestore_path=observation.filestore.path,
            policy_revision=seen.revision.number,
            authoritative=_is_authoritative(seen),
        )

    def words(self, document: Enrolment) -> tuple[str, ...]:
        """An enrolment in words."""
        kind = "authoritative" if document.authoritative else "replaceable"
        return (
            f"ENROL what stands at the place of lane {document.lane} as its data, asked for by "
            f"{document.requester}" + (f": {document.reason}" if document.reason else "."),
            f"Database:   {document.database}, oid {document.database_oid}, cluster "
            f"{document.system_identifier}",
            f"Files:      {document.filestore_path}",
            f"Afterwards: its data counts as {kind} (policy revision {document.policy_revision}).",
        )

    def act(self, office: LaneOffice, plan: LifePlan[Enrolment]) -> str:
        """Stamp what was planned, and record it."""
        marker = mark(office, plan, "enrolled", authoritative=plan.document.authoritative)
        return _done(marker.generation, plan.document)

    def go_on(self, office: LaneOffice, document: Enrolment, digest: Digest) -> str | None:
        """The marker may stand there already."""
        marker = marked_before(office, self.asked(document), digest, "enrolled")
        return _done(marker.generation, document) if marker is not None else None


def _is_authoritative(seen: Seen) -> bool:
    assert seen.revision is not None
    return effective_policy(
        seen.revision.policy,
        utc_now(),
        marker_authoritative=False,
        claimed=seen.observation.marker.claimed,
    ).authoritative


def _is_locked_afterwards(seen: Seen) -> bool:
    """Without a policy it is refused for that."""
    return seen.revision is None or _is_authoritative(seen)


def _done(generation: int, document: Enrolment) -> str:
    return f"Lane {document.lane} is enrolled as generation {generation}."


def _already(detail: str) -> Reason:
    return reason(
        ReasonCode.ALREADY_ENROLLED,
        f"It is somebody's data already: {detail}.",
        "Plan an operation on the lane instead; the plan says what state its data is in.",
        detail=detail,
    )
