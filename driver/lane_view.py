"""What an operator sees of each lane, read now from both witnesses."""

from concurrent.futures import ThreadPoolExecutor

from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.observation import HostRecord, Observation
from launchplane_lane_contracts.policy import PolicyRevision, effective_policy
from launchplane_lane_contracts.vocabulary import UNFINISHED_PHASES, OperationPhase

from .answers import LaneView
from .lane_office import LaneOffice, utc_now
from .store.records import OperationRecord

LANES_AT_ONCE = 8


def lane_views(office: LaneOffice) -> tuple[LaneView, ...]:
    """Every lane that is configured here, in the order of their names.

    Raises CouldNotTell when the store cannot be read; a lane that cannot be read says so.
    """
    lanes = sorted(office.host.lanes(), key=str)
    with ThreadPoolExecutor(max_workers=LANES_AT_ONCE) as pool:
        return tuple(pool.map(lambda lane: lane_view(office, lane), lanes))


def lane_view(office: LaneOffice, lane: Lane) -> LaneView:
    """One lane. Raises BadInput when it is not configured."""
    record = office.store.host_record(lane)
    witnessed = office.look(record)
    observation = office.observe(witnessed)
    revision = office.store.policy(lane)
    operations = office.store.operations(lane)
    return LaneView(
        lane=lane,
        rollout_state=revision.policy.rollout_state.value if revision else "unknown",
        authority=_authority(revision, observation),
        allowed_sources=_allowed(revision, observation),
        database=f"{observation.database.state}: {observation.database.detail}",
        marker=_marker(observation),
        runtime=observation.runtime.state.value,
        locked=observation.database.locked,
        generation=record.generation,
        last_rebuild=_last_rebuild(operations, record),
        unfinished=_unfinished(record),
        kept=tuple(
            f"{kept.name} (generation {kept.generation}, "
            + (
                f"until {kept.kept_until:%Y-%m-%d %H:%M} UTC"
                if kept.kept_until
                else "until settled"
            )
            + ")"
            for kept in record.kept
        ),
        kept_due=min((each.kept_until for each in record.kept if each.kept_until), default=None),
        protected_from=revision.policy.provisional_until if revision else None,
    )


def _authority(revision: PolicyRevision | None, observation: Observation) -> str:
    if revision is None:
        return "unknown: nothing is allowed"
    effective = effective_policy(
        revision.policy,
        utc_now(),
        marker_authoritative=observation.marker.authoritative,
        claimed=observation.marker.claimed,
    )
    if not effective.authoritative:
        return "replaceable"
    return f"authoritative (by {', '.join(effective.protected_by)})"


def _allowed(revision: PolicyRevision | None, observation: Observation) -> tuple[str, ...]:
    if revision is None:
        return ()
    effective = effective_policy(
        revision.policy,
        utc_now(),
        marker_authoritative=observation.marker.authoritative,
        claimed=observation.marker.claimed,
    )
    return tuple(source.value for source in effective.allowed_sources)


def _marker(observation: Observation) -> str:
    marker = observation.marker
    return f"{marker.state}: {marker.detail}" if marker.detail else marker.state.value


def _last_rebuild(operations: tuple[OperationRecord, ...], record: HostRecord) -> str:
    ended = [each for each in operations if each.phase is not OperationPhase.AUTHORIZED]
    if not ended:
        return "enrolled" if record.generation is not None else "never"
    newest = ended[-1]
    request = newest.plan.target.request
    return (
        f"{request.operation} from {request.data_source}, {newest.phase} "
        f"{newest.updated_at:%Y-%m-%d %H:%M} UTC"
    )


def _unfinished(record: HostRecord) -> str:
    if record.unfinished is None:
        return ""
    operation = record.unfinished
    ways = "start or give it up" if operation.phase not in UNFINISHED_PHASES else "finish or undo"
    return f"{operation.operation_id} is {operation.phase}; {ways}"
