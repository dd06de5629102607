"""`copy`: what stands at the lane's place is accepted as a copy of another lane's data.

It loses its authority and becomes this lane's own, neutralised by the guard before it says so.
"""

from collections.abc import Iterator
from dataclasses import replace

from launchplane_lane_contracts.contract import Digest
from launchplane_lane_contracts.judgement import lane_data_under_another_name
from launchplane_lane_contracts.lives import Copying
from launchplane_lane_contracts.marker import FILESTORE_TAG_NAME
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.rules.database_and_files import marker_reason
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    FilestoreState,
    MarkerState,
)

from ..lane_office import LaneOffice
from .life import Asked, Life, LifePlan, Seen
from .lower import policy_protects
from .marking import mark, marked_before
from .place import no_witness_contradicts, the_lane_is_known_and_free

COPIED = "copied"


class Copy(Life[Copying]):
    """Never of the original itself: that stands with its own tag at its own place."""

    kind = "copying"
    command = "copy"
    document = Copying

    def refusals(self, seen: Seen) -> Iterator[Reason]:
        """It must be another lane's data by a good marker, elsewhere than that lane has it."""
        yield from the_lane_is_known_and_free(seen)
        yield from _runtime_is_this_lane(seen)
        yield from _is_another_lanes_data(seen)
        yield from _is_not_the_original(seen)
        yield from _files_are_apart(seen)
        if seen.revision is not None and policy_protects(seen.revision):
            yield reason(
                ReasonCode.POLICY_PROTECTS,
                f"Policy revision {seen.revision.number} of lane {seen.asked.lane} calls its data "
                "the only true copy, and a copy is not that.",
                "Record what this lane is for first (`lane-authority policy propose`): data that "
                "may be replaced. Data that has come here for good is restored by a rebuild.",
            )
        elsewhere = lane_data_under_another_name(seen.reading.database, seen.record)
        if elsewhere is not None:
            yield reason(
                ReasonCode.DATABASE_RENAMED,
                f"This lane's own data (oid {elsewhere.oid}) stands under the name "
                f"{elsewhere.name}.",
                "Rename what stands under the lane's name away and give that database its name "
                "back (ALTER DATABASE ... RENAME), or declare it lost first.",
                oid=elsewhere.oid,
            )

    def proposed(self, seen: Seen) -> Copying:
        """Whose copy it is, and what it replaces."""
        database, original = seen.reading.database, seen.original
        assert database.server is not None
        assert database.entry is not None
        assert database.marker_digest is not None
        assert original is not None
        assert seen.revision is not None
        return Copying(
            lane=seen.asked.lane,
            requester=seen.asked.requester,
            reason=seen.asked.reason,
            policy_revision=seen.revision.number,
            recorded_generation=seen.record.generation,
            copy_of=original.lane,
            generation_there=seen.observation.marker.generation or 1,
            authoritative_there=_needs_the_original(seen),
            original_seen=not original.not_alive,
            system_identifier=database.server.system_identifier,
            database=database.name,
            database_oid=database.entry.oid,
            filestore_path=seen.observation.filestore.path,
            marker_digest=database.marker_digest,
        )

    def words(self, document: Copying) -> tuple[str, ...]:
        """A copying in words."""
        kind = "the only true copy" if document.authoritative_there else "replaceable"
        seen = "read alive at its own place" if document.original_seen else "NOT READ"
        return (
            f"COPY: what stands at the place of lane {document.lane} is a copy, says "
            f"{document.requester}: {document.reason}",
            f"Original:   lane {document.copy_of}, generation {document.generation_there}, {kind} "
            f"there; {seen}",
            f"Database:   {document.database}, oid {document.database_oid}, cluster "
            f"{document.system_identifier}",
            f"Files:      {document.filestore_path}",
            f"Recorded:   generation {document.recorded_generation or 'none'} of this lane, policy "
            f"revision {document.policy_revision}",
            "Afterwards: it is neutralised (no mail, no scheduled action), it has no authority and "
            "no claim, and it is this lane's data under a new generation.",
        )

    def asked(self, document: Copying) -> Asked:
        """What was asked for, from what was signed."""
        return replace(super().asked(document), with_original=True)

    def act(self, office: LaneOffice, plan: LifePlan[Copying]) -> str:
        """Have it neutralised and stamped as this lane's, and record it."""
        marker = mark(office, plan, COPIED, authoritative=False, copy_of=plan.document.copy_of)
        return _done(marker.generation, plan.document)

    def go_on(self, office: LaneOffice, document: Copying, digest: Digest) -> str | None:
        """The marker may stand there already; then it was neutralised before."""
        marker = marked_before(office, self.asked(document), digest, COPIED)
        return _done(marker.generation, document) if marker is not None else None


def _done(generation: int, document: Copying) -> str:
    return (
        f"Lane {document.lane}: the copy of lane {document.copy_of}'s data is its own, generation "
        f"{generation}, neutralised and without authority."
    )


def _runtime_is_this_lane(seen: Seen) -> Iterator[Reason]:
    """The runtime's own lane is this one, whatever the marker says."""
    # The files are judged by themselves.
    files = seen.observation.filestore.model_copy(update={"state": FilestoreState.OURS})
    yield from no_witness_contradicts(seen.observation.model_copy(update={"filestore": files}))


def _is_another_lanes_data(seen: Seen) -> Iterator[Reason]:
    marker, lane = seen.observation.marker, seen.asked.lane
    if seen.observation.database.state is not DatabaseState.INITIALISED:
        yield reason(
            ReasonCode.NOTHING_TO_ENROL,
            f"There is no data here: {seen.observation.database.detail}.",
            "Restore the copy here first, then look again.",
        )
    elif marker.state is MarkerState.BOUND:
        yield reason(
            ReasonCode.NOTHING_TO_DO,
            f"It is this lane's own data: {marker.detail}.",
            "Plan an operation on the lane.",
        )
    elif marker.state is not MarkerState.FOREIGN or seen.original is None:
        yield marker_reason(marker) or reason(
            ReasonCode.MARKER_ABSENT,
            "The database has no marker that says whose data it is.",
            f"Enrol it (`lane-authority enrol {lane}`).",
        )


def _is_not_the_original(seen: Seen) -> Iterator[Reason]:
    original, entry = seen.original, seen.reading.database.entry
    found = marker_reason(seen.observation.marker)
    if seen.observation.marker.is_anothers_own and found is not None:
        yield found
    if original is None:
        return
    tag = entry.tag if entry is not None else None
    written_for = tag.database_oid if tag is not None and tag.lane != seen.asked.lane else None
    if entry is not None and tag is not None and written_for == entry.oid:
        yield reason(
            ReasonCode.MARKER_FOREIGN,
            f"This is lane {tag.lane}'s own database: its tag was written for it.",
            "Put this lane's own database under the name. A copy of a whole server keeps every "
            "identity: dump it and restore it into a new database, which is a copy then.",
        )
    why = original.not_alive
    if _needs_the_original(seen) and why:
        yield reason(
            ReasonCode.ORIGINAL_NOT_SEEN,
            f"The marker calls this the only true copy of lane {original.lane}'s data, and the "
            f"original was not read alive: {why}.",
            f"Bring lane {original.lane} into this host's reach and in order (`lane-authority lane "
            f"{original.lane}`), then look again. If its data is gone, this copy is all that there "
            "is of it: put it at that lane's place and adopt it there.",
            original=original.lane,
        )
    elif (
        original.reading is not None
        and original.reading.database.identity() == seen.reading.database.identity()
    ):
        yield reason(
            ReasonCode.MARKER_FOREIGN,
            f"The guard of lane {original.lane} and this one look at the very same database.",
            "Correct this lane's connection: it must have a database of its own.",
        )


def _needs_the_original(seen: Seen) -> bool:
    marker, original = seen.observation.marker, seen.original
    by_policy = (
        original is not None
        and original.revision is not None
        and policy_protects(original.revision)
    )
    return marker.authoritative or marker.claimed or by_policy


def _files_are_apart(seen: Seen) -> Iterator[Reason]:
    files = seen.observation.filestore
    if files.state in (FilestoreState.FOREIGN, FilestoreState.UNREADABLE, FilestoreState.ELSEWHERE):
        yield reason(
            ReasonCode.FILESTORE_FOREIGN,
            f"The files cannot be taken as a copy's: {files.detail}.",
            "Give this lane a folder of its own with a copy of the files, without the original's "
            f"tag ({FILESTORE_TAG_NAME} at its root). The tag belongs to the original's folder "
            "alone: taken off there, that lane stops.",
        )
    elif files.state in (FilestoreState.ABSENT, FilestoreState.EMPTY):
        yield reason(
            ReasonCode.FILESTORE_MISSING,
            f"The files of the data are not there: {files.detail}.",
            "Copy them to the lane's folder, then look again.",
        )
