"""`adopt`: what stands at the lane's own place is taken as its data again."""

from collections.abc import Iterator

from launchplane_lane_contracts.contract import Digest
from launchplane_lane_contracts.judgement import lane_data_under_another_name
from launchplane_lane_contracts.lives import Adoption
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.rules.database_and_files import marker_reason
from launchplane_lane_contracts.vocabulary import DatabaseState, FilestoreState, MarkerState

from ..lane_office import LaneOffice
from .life import Life, LifePlan, Seen
from .marking import mark, marked_before
from .place import no_witness_contradicts, the_lane_is_known_and_free

_DIFFERS = {
    MarkerState.BOUND: "the marker is as recorded",
    MarkerState.ABSENT: "there is no marker, though data is recorded",
    MarkerState.UNVERIFIABLE: "no key for the marker's signature is at hand",
    MarkerState.TAMPERED: "the marker does not say what was signed",
    MarkerState.COPIED: "the marker was written for another database",
    MarkerState.ROLLED_BACK: "the marker is older than what is recorded",
    MarkerState.PENDING: "the marker is that of a rebuild that nobody knows of any more",
    MarkerState.TAG_LOST: "the database's tag does not agree with the marker",
}
"""What differs, for those who sign."""


class Adopt(Life[Adoption]):
    """Always as the only true copy, and under a new generation."""

    kind = "adoption"
    command = "adopt"
    document = Adoption

    def refusals(self, seen: Seen) -> Iterator[Reason]:
        """It must be data at the lane's own place that is nobody else's and not newer."""
        yield from the_lane_is_known_and_free(seen)
        yield from no_witness_contradicts(seen.observation)
        yield from _is_at_its_own_place(seen)
        if seen.observation.database.state is not DatabaseState.INITIALISED:
            yield reason(
                ReasonCode.NOTHING_TO_ENROL,
                f"There is no data to adopt: {seen.observation.database.detail}.",
                "Bring the data to its place. Data that is gone for good is declared lost: "
                f"`lane-authority lost {seen.asked.lane}`.",
            )
            return
        yield from _is_nobody_elses(seen)
        if seen.observation.filestore.state in (FilestoreState.ABSENT, FilestoreState.EMPTY):
            yield reason(
                ReasonCode.FILESTORE_MISSING,
                f"The files of the data are not there: {seen.observation.filestore.detail}.",
                "Bring them back first (`lane-authority-guard filestore repair` puts back what "
                "the shadow holds), then adopt. Where they are gone for good: `lane-authority "
                f"lost {seen.asked.lane}`.",
            )

    def proposed(self, seen: Seen) -> Adoption:
        """What stands there, and how it differs from what is recorded."""
        database, observation = seen.reading.database, seen.observation
        assert database.entry is not None
        assert database.server is not None
        assert seen.revision is not None
        return Adoption(
            lane=seen.asked.lane,
            requester=seen.asked.requester,
            reason=seen.asked.reason,
            system_identifier=database.server.system_identifier,
            database=database.name,
            database_oid=database.entry.oid,
            filestore_path=observation.filestore.path,
            policy_revision=seen.revision.number,
            recorded_generation=seen.record.generation,
            marker=observation.marker.state,
            marker_digest=database.marker_digest,
            files=observation.filestore.state,
            only_a_tag_was_lost=_only_a_tag_was_lost(seen),
        )

    def words(self, document: Adoption) -> tuple[str, ...]:
        """An adoption in words."""
        return (
            f"ADOPT what stands at the place of lane {document.lane} as its data, asked for by "
            f"{document.requester}: {document.reason}",
            f"Database:   {document.database}, oid {document.database_oid}, cluster "
            f"{document.system_identifier}",
            f"Files:      {document.filestore_path}, {document.files}",
            f"Recorded:   generation {document.recorded_generation or 'none'}, policy revision "
            f"{document.policy_revision}",
            f"Differs:    {_DIFFERS[document.marker]}"
            + ("; only a tag was lost" if document.only_a_tag_was_lost else ""),
            "Afterwards: its data counts as authoritative, under a new generation; every other "
            "copy is an old one.",
        )

    def act(self, office: LaneOffice, plan: LifePlan[Adoption]) -> str:
        """Replace exactly the row that was seen, and record the data."""
        marker = mark(office, plan, "adopted", authoritative=True)
        return _done(marker.generation, plan.document)

    def go_on(self, office: LaneOffice, document: Adoption, digest: Digest) -> str | None:
        """The marker may stand there already."""
        marker = marked_before(office, self.asked(document), digest, "adopted")
        return _done(marker.generation, document) if marker is not None else None


def _done(generation: int, document: Adoption) -> str:
    return (
        f"Lane {document.lane}: what stands at its place is its data again, generation "
        f"{generation}."
    )


def _is_at_its_own_place(seen: Seen) -> Iterator[Reason]:
    database, recorded = seen.reading.database, seen.record.identity
    elsewhere = lane_data_under_another_name(database, seen.record)
    if elsewhere is not None:
        yield reason(
            ReasonCode.DATABASE_RENAMED,
            f"The lane's recorded data (oid {elsewhere.oid}) stands under the name "
            f"{elsewhere.name}.",
            "Rename what stands under the lane's name away and give that database its name back "
            "(ALTER DATABASE ... RENAME), then plan again.",
            oid=elsewhere.oid,
        )
    if (
        recorded is not None
        and database.server is not None
        and recorded.system_identifier != database.server.system_identifier
    ):
        yield reason(
            ReasonCode.MARKER_COPIED,
            f"The data was recorded on cluster {recorded.system_identifier}; this is cluster "
            f"{database.server.system_identifier}.",
            "Data that was moved here is recorded with `lane-authority moved`; data of a server "
            f"that is gone is declared lost: `lane-authority lost {seen.asked.lane}`.",
        )


def _is_nobody_elses(seen: Seen) -> Iterator[Reason]:
    lane, observation, database = seen.asked.lane, seen.observation, seen.reading.database
    row, entry = database.marker_row, database.entry
    tag = entry.tag if entry is not None else None
    state = observation.marker.state
    own_of_another = (
        entry is not None and tag is not None and tag.lane != lane and tag.database_oid == entry.oid
    )
    if state is MarkerState.FOREIGN or (row is not None and row.lane != str(lane)):
        found = marker_reason(observation.marker)
        assert found is not None
        yield found.model_copy(update={"code": ReasonCode.MARKER_FOREIGN})
    elif own_of_another:
        assert tag is not None
        yield reason(
            ReasonCode.MARKER_FOREIGN,
            f"The database is lane {tag.lane}'s own: its tag says so.",
            "Put the database of this lane under the name, then plan again.",
        )
    elif state is MarkerState.AHEAD:
        found = marker_reason(observation.marker)
        assert found is not None
        yield found
    elif database.marker_problem is not None and database.marker_digest is None:
        yield reason(
            ReasonCode.MARKER_TAMPERED,
            f"No marker can be written: {database.marker_problem}.",
            "Rename that table away (ALTER TABLE ... RENAME), then adopt.",
        )
    elif state is MarkerState.ABSENT and seen.record.generation is None:
        yield reason(
            ReasonCode.NOTHING_TO_ENROL,
            f"No data of lane {lane} was ever recorded, and there is no marker.",
            f"Enrol it: `lane-authority enrol {lane}`.",
        )
    elif state is MarkerState.BOUND and observation.filestore.state is FilestoreState.OURS:
        yield reason(
            ReasonCode.ALREADY_ENROLLED,
            f"It is this lane's data, as recorded: {observation.marker.detail}.",
            "There is nothing to adopt. Plan an operation on the lane.",
        )


def _only_a_tag_was_lost(seen: Seen) -> bool:
    """Whether a tag is simply not there, while all else is as recorded."""
    marker, files = seen.observation.marker.state, seen.observation.filestore.state
    entry = seen.reading.database.entry
    tag_is_gone = marker is MarkerState.TAG_LOST and entry is not None and entry.tag is None
    files_are_known = files in (FilestoreState.OURS, FilestoreState.UNTAGGED)
    return files_are_known and (tag_is_gone or marker is MarkerState.BOUND)
