"""What speaks against any life that writes a marker over the data at the lane's place."""

from collections.abc import Iterator

from launchplane_lane_contracts.observation import Observation
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.rules.database_and_files import marker_reason
from launchplane_lane_contracts.vocabulary import FilestoreState, MarkerState, RuntimeState

from .life import Seen


def nothing_is_under_way(seen: Seen) -> Iterator[Reason]:
    """No operation holds the lane, and the clocks agree."""
    unfinished = seen.record.unfinished
    if unfinished is not None:
        yield reason(
            ReasonCode.OPERATION_UNFINISHED,
            f"Operation {unfinished.operation_id} is {unfinished.phase}.",
            f"Finish it (`lane-authority finish {unfinished.operation_id}`) or undo it "
            f"(`lane-authority undo {unfinished.operation_id}`) first.",
            operation_id=unfinished.operation_id,
        )
    if not seen.observation.clock_trusted:
        yield reason(
            ReasonCode.CLOCK_UNRELIABLE,
            f"The clocks do not agree: {seen.observation.clock_detail}.",
            "Set the clock that is wrong, then try again. Where this host's was ahead and is right "
            "by now: `lane-authority clock correct`.",
        )


def the_policy_is_known(seen: Seen) -> Iterator[Reason]:
    """Somebody has recorded what may be done to the lane."""
    if seen.revision is None:
        yield reason(
            ReasonCode.POLICY_UNKNOWN,
            f"Nobody has recorded a policy for lane {seen.asked.lane}, so nobody knows what it "
            "would be.",
            "Propose a policy for the lane (`lane-authority policy propose`); two approvers "
            "besides you sign it; then try again.",
        )


def the_guard_looks_at_the_lane(seen: Seen) -> Iterator[Reason]:
    """Guard, runtime and host mean the same lane, database and files."""
    reading, configuration = seen.reading, seen.configuration
    remedy = "Correct the lane's environment, or its table in lane-authority.toml; then try again."
    if reading.lane != seen.asked.lane:
        yield reason(
            ReasonCode.ENVIRONMENT_OTHER_LANE,
            f"The guard's environment is that of lane {reading.lane or 'unknown'}"
            + (f" ({reading.identity_problem})." if reading.identity_problem else "."),
            "Correct the lane's guard command, or put Launchplane's identity into the lane's "
            "environment.",
        )
    if reading.database.name != configuration.database:
        yield reason(
            ReasonCode.ENVIRONMENT_OTHER_DATABASE,
            f"The guard looks at database {reading.database.name}; the host is configured with "
            f"{configuration.database}.",
            remedy,
        )
    if reading.filestore.path != configuration.filestore_path:
        yield reason(
            ReasonCode.ENVIRONMENT_OTHER_FILESTORE,
            f"The guard looks at the files in {reading.filestore.path}; the host is configured "
            f"with {configuration.filestore_path}.",
            remedy,
        )


def the_lane_is_known_and_free(seen: Seen) -> Iterator[Reason]:
    """What nearly every life asks for first: all of the above."""
    yield from the_policy_is_known(seen)
    yield from nothing_is_under_way(seen)
    yield from the_guard_looks_at_the_lane(seen)


_CONTRADICTIONS = {
    RuntimeState.OTHER_LANE: ReasonCode.RUNTIME_OTHER_LANE,
    RuntimeState.OTHER_DEPLOYMENT: ReasonCode.RUNTIME_OTHER_DEPLOYMENT,
    RuntimeState.OTHER_DATABASE: ReasonCode.RUNTIME_OTHER_DATABASE,
}


def no_witness_contradicts(observation: Observation) -> Iterator[Reason]:
    """The runtime says nothing else, and the files are not another's."""
    if observation.runtime.state in _CONTRADICTIONS:
        yield reason(
            _CONTRADICTIONS[observation.runtime.state],
            f"The runtime contradicts: {observation.runtime.detail}.",
            "Correct the lane's runtime address or guard command, then try again.",
        )
    if observation.filestore.state in (
        FilestoreState.FOREIGN,
        FilestoreState.ELSEWHERE,
        FilestoreState.UNREADABLE,
    ):
        yield reason(
            ReasonCode.FILESTORE_FOREIGN,
            f"The files cannot be taken as this lane's: {observation.filestore.detail}.",
            "Correct the lane's filestore path, then try again.",
        )


def the_data_is_bound(seen: Seen, no_data: ReasonCode) -> Iterator[Reason]:
    """What stands there is the recorded data with its marker, and the files are its own.

    `no_data` is the code where there is no data at all.
    """
    marker, files = seen.observation.marker, seen.observation.filestore
    if marker.state is not MarkerState.BOUND:
        yield marker_reason(marker) or reason(
            no_data,
            f"There is no data with a marker: {seen.observation.database.detail}.",
            "Plan an operation on the lane: the plan says what state its data is in.",
        )
    elif files.state is not FilestoreState.OURS:
        yield reason(
            ReasonCode.FILESTORE_FOREIGN,
            f"The files are not this lane's as recorded: {files.detail}.",
            f"Adopt what stands there: `lane-authority adopt {seen.asked.lane}`.",
        )
