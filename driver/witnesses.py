"""Both witnesses, read side by side and judged into one observation."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from launchplane_lane_contracts.approval import Approval, Thresholds
from launchplane_lane_contracts.evidence import IncomingData, PresentEvidence
from launchplane_lane_contracts.judgement import (
    clock_problem,
    judge_database,
    judge_filestore,
    judge_keep,
    judge_marker,
    judge_room_to_copy,
    judge_runtime,
    kept_is_unchanged,
)
from launchplane_lane_contracts.observation import HostRecord, MarkerObservation, Observation
from launchplane_lane_contracts.reading import DatabaseReading, LaneReading, RuntimeWitness
from launchplane_lane_contracts.request import Request
from launchplane_lane_contracts.two_roads import judge_both_roads
from launchplane_lane_contracts.vocabulary import MarkerState

from .database_witness import ask_database
from .guard_client import show
from .keys import PublicKeys, SigningKey
from .lane_configuration import LaneConfiguration
from .runtime_client import ask_runtime

NO_MARKER = MarkerObservation(state=MarkerState.NOT_APPLICABLE)
NO_BACKUPS, NOTHING_COMES = PresentEvidence(), IncomingData()
USUAL_NUMBERS = Thresholds()
"""How many approvers are asked for where the installation set no lower numbers."""


@dataclass(frozen=True)
class Witnessed:
    """What both witnesses said of one lane at one moment."""

    reading: LaneReading
    runtime: RuntimeWitness
    record: HostRecord
    read_at: datetime
    own: DatabaseReading | None = None
    """What the host read by its own connection, where it has one."""


def ask_witnesses(
    configuration: LaneConfiguration,
    record: HostRecord,
    key: SigningKey,
    *,
    attested_by: str | None = None,
) -> Witnessed:
    """Ask both, the database by every road that there is, at the same time. Never raises."""
    with ThreadPoolExecutor(max_workers=3) as pool:
        reading = pool.submit(show, configuration)
        own = pool.submit(ask_database, configuration)
        runtime = pool.submit(
            ask_runtime,
            configuration,
            key,
            expected_generation=record.generation,
            attested_by=attested_by,
        )
        return Witnessed(
            reading.result(), runtime.result(), record, datetime.now(UTC), own.result()
        )


def judge(
    witnessed: Witnessed,
    keys: PublicKeys,
    *,
    request: Request | None = None,
    present: PresentEvidence = NO_BACKUPS,
    incoming: IncomingData = NOTHING_COMES,
    approvals: tuple[Approval, ...] = (),
    thresholds: Thresholds = USUAL_NUMBERS,
    store_trusted: bool = True,
    store_clock_problem: str = "",
    on_record_as: str = "",
) -> Observation:
    """The observation that the rule book decides on.

    `on_record_as` says as whose the host has this very database on record, where that is another
    lane. It is that lane's then, whatever it says of itself.
    """
    reading, record = witnessed.reading, witnessed.record
    database = reading.database
    row = database.marker_row
    verdict = keys.verify_marker(row.token) if row is not None else None
    clocks = store_clock_problem or clock_problem(
        witnessed.read_at, database.server.now if database.server else None
    )
    return Observation(
        lane=record.lane,
        record=record,
        database=judge_both_roads(judge_database(database, record), database, witnessed.own),
        marker=known_as(judge_marker(database, verdict, record), on_record_as),
        filestore=judge_filestore(reading.filestore, database, record, witnessed.runtime),
        runtime=judge_runtime(witnessed.runtime, reading, record.lane),
        keep=judge_keep(reading.keep, reading.filestore),
        room=judge_room_to_copy(reading.keep, request.data_source if request else None),
        present=present,
        incoming=with_kept(incoming, witnessed, request),
        approvals=approvals,
        thresholds=thresholds,
        store_trusted=store_trusted,
        clock_trusted=not clocks,
        clock_detail=clocks,
        taken_at=witnessed.read_at,
    )


def known_as(marker: MarkerObservation, on_record_as: str) -> MarkerObservation:
    """The marker, or what is worth more: as which other lane's data the database is on record."""
    if not on_record_as:
        return marker
    return marker.model_copy(
        update={
            "state": MarkerState.FOREIGN,
            "detail": f"this host has it on record as {on_record_as}",
            "is_anothers_own": True,
        }
    )


def with_kept(
    incoming: IncomingData, witnessed: Witnessed, request: Request | None
) -> IncomingData:
    """What is known of the data that the request names, kept data included."""
    if request is None or request.kept_database is None:
        return incoming
    kept = next(
        (each for each in witnessed.record.kept if each.name == request.kept_database), None
    )
    unchanged = kept is not None and kept_is_unchanged(
        witnessed.reading.database, witnessed.reading.keep, kept
    )
    return incoming.model_copy(update={"kept": kept, "kept_is_unchanged": unchanged})
