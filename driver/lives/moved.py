"""`moved`: the same data stands on another server, after a PostgreSQL upgrade or a migration."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace

from launchplane_lane_contracts.contract import DatabaseName, Digest
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.judgement import judge_filestore, kept_is_unchanged
from launchplane_lane_contracts.lives import Move
from launchplane_lane_contracts.observation import Observation
from launchplane_lane_contracts.policy import effective_policy
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.rules.database_and_files import marker_reason
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    FilestoreState,
    MarkerState,
    OldPlace,
)

from ..lane_office import LaneOffice, utc_now
from .kept_doors import is_open, switch_kept
from .life import Asked, Life, LifePlan, Seen
from .marking import mark, marked_before
from .old_place import read_old_place
from .place import no_witness_contradicts, the_lane_is_known_and_free
from .release import counts_as_authoritative

MOVED = "moved"


@dataclass(frozen=True)
class _KeptData:
    """What becomes of the kept data of the old place."""

    taken: tuple[KeptData, ...]
    """It was taken along."""
    proven: tuple[KeptData, ...]
    """It was not, and a backup of it is proven."""
    left: tuple[KeptData, ...]
    """It was not, and it is not the only true copy."""
    given_up: tuple[KeptData, ...]
    """It was not, and nothing is left of it."""


class Moved(Life[Move]):
    """A new generation at the new place, so what comes back at the old one is rolled back."""

    kind = "move"
    command = "moved"
    document = Move

    def refusals(self, seen: Seen) -> Iterator[Reason]:
        """It must be the recorded data by its marker, elsewhere, and the old place must be over."""
        yield from the_lane_is_known_and_free(seen)
        observation = _as_a_new_place(seen)
        yield from no_witness_contradicts(observation)
        yield from _is_the_recorded_data(seen)
        if observation.filestore.state in (FilestoreState.ABSENT, FilestoreState.EMPTY):
            yield reason(
                ReasonCode.FILESTORE_MISSING,
                f"The files of the data are not here: {observation.filestore.detail}.",
                "Bring the lane's filestore along, with the tag at its root, then look again.",
            )
        if seen.record.identity is not None:
            found = read_old_place(seen)
            if isinstance(found, Reason):
                yield found
        given_up = _kept(seen).given_up
        if given_up and not seen.asked.give_up:
            names = ", ".join(each.name for each in given_up)
            yield reason(
                ReasonCode.KEPT_CHANGED,
                f"Kept data of the old place is not here as it was recorded, and no backup of it "
                f"is proven: {names}.",
                "Take it along (databases and the keep's folders; pg_upgrade needs it opened: "
                "`lane-authority kept-data open`), or release it at the old place first. To leave "
                "it behind for good, ask for the same with --give-up, which two approvers besides "
                "you sign.",
            )

    def proposed(self, seen: Seen) -> Move:
        """Both places, and what becomes of what was kept."""
        database, record = seen.reading.database, seen.record
        old_place = read_old_place(seen)
        assert not isinstance(old_place, Reason)
        assert database.server is not None
        assert database.entry is not None
        assert database.marker_digest is not None
        assert record.identity is not None
        assert record.generation is not None
        assert seen.revision is not None
        marker, kept = seen.observation.marker, _kept(seen)
        return Move(
            lane=seen.asked.lane,
            requester=seen.asked.requester,
            reason=seen.asked.reason,
            policy_revision=seen.revision.number,
            recorded_generation=record.generation,
            authoritative=effective_policy(
                seen.revision.policy,
                utc_now(),
                marker_authoritative=marker.authoritative,
                claimed=marker.claimed,
            ).authoritative,
            from_system_identifier=record.identity.system_identifier,
            from_oid=record.identity.database_oid,
            system_identifier=database.server.system_identifier,
            database=database.name,
            database_oid=database.entry.oid,
            filestore_path=seen.reading.filestore.path,
            marker_digest=database.marker_digest,
            files=_as_a_new_place(seen).filestore.state,
            old_place=old_place,
            old_guard=seen.asked.old_guard,
            kept_taken=_names(kept.taken),
            kept_proven=_names(kept.proven),
            kept_left=_names(kept.left),
            kept_given_up=_names(kept.given_up),
        )

    def words(self, document: Move) -> tuple[str, ...]:
        """A move in words."""
        kind = "the only true copy" if document.authoritative else "replaceable"
        old = {
            OldPlace.GONE: "read: the database is gone from it",
            OldPlace.CLOSED: "read: the database is closed there",
            OldPlace.ATTESTED: f"NOT READ: {document.requester} says that it is stopped for good",
        }[document.old_place]
        kept = [
            f"Kept:       {what}: {', '.join(names)}"
            for what, names in (
                ("taken along", document.kept_taken),
                ("left behind, proven by a backup", document.kept_proven),
                ("left behind, not the only true copy", document.kept_left),
                ("LEFT BEHIND AND GIVEN UP", document.kept_given_up),
            )
            if names
        ]
        return (
            f"MOVED are the data of lane {document.lane}, generation "
            f"{document.recorded_generation}, {kind}, says {document.requester}: {document.reason}",
            f"From:       cluster {document.from_system_identifier}, oid {document.from_oid}",
            f"Old place:  {old}",
            *((f"Read with:  {shlex.join(document.old_guard)}",) if document.old_guard else ()),
            f"To:         cluster {document.system_identifier}, database {document.database}, oid "
            f"{document.database_oid}; files {document.filestore_path}, {document.files}",
            *kept,
            "Afterwards: the data here is the lane's, under a new generation and policy revision "
            f"{document.policy_revision}; what comes back at the old place is an old copy.",
        )

    def asked(self, document: Move) -> Asked:
        """What was asked for, from what was signed."""
        return replace(
            super().asked(document),
            old_guard=document.old_guard,
            old_place_is_stopped=document.old_place is OldPlace.ATTESTED,
            give_up=bool(document.kept_given_up),
        )

    def act(self, office: LaneOffice, plan: LifePlan[Move]) -> str:
        """Close what was opened for the way, stamp the data here, and record it."""
        taken = _kept(plan.seen).taken
        if any(is_open(plan.seen, each) for each in taken):
            record = plan.seen.record.model_copy(update={"kept": taken})
            switch_kept(office, replace(plan.seen, record=record), closing=True)
        marker = mark(
            office,
            plan,
            MOVED,
            authoritative=plan.document.authoritative,
            left_behind=_left_behind(plan.document),
        )
        return _done(marker.generation, plan.document)

    def go_on(self, office: LaneOffice, document: Move, digest: Digest) -> str | None:
        """The marker may stand there already."""
        marker = marked_before(
            office, self.asked(document), digest, MOVED, left_behind=_left_behind(document)
        )
        return _done(marker.generation, document) if marker is not None else None


def _done(generation: int, document: Move) -> str:
    return (
        f"Lane {document.lane}: its data is recorded on cluster {document.system_identifier}, "
        f"generation {generation}."
    )


def _as_a_new_place(seen: Seen) -> Observation:
    """What was seen, with the files judged by themselves: the folder may have another path here."""
    files = judge_filestore(
        seen.reading.filestore,
        seen.reading.database,
        seen.record.model_copy(update={"filestore_path": None}),
        seen.runtime,
    )
    return seen.observation.model_copy(update={"filestore": files})


def _is_the_recorded_data(seen: Seen) -> Iterator[Reason]:
    lane, record, database = seen.asked.lane, seen.record, seen.reading.database
    marker, row = seen.observation.marker, database.marker_row
    if record.identity is None:
        yield reason(
            ReasonCode.NOTHING_TO_ENROL,
            f"No data of lane {lane} is recorded anywhere, so none can have moved.",
            f"Enrol what stands here (`lane-authority enrol {lane}`), or adopt it where the lane's "
            f"data was given up before (`lane-authority adopt {lane}`).",
        )
    elif seen.observation.database.state is not DatabaseState.INITIALISED:
        yield reason(
            ReasonCode.DATABASE_MISSING,
            f"There is no data here: {seen.observation.database.detail}.",
            "Bring it first (pg_upgrade, or dump and restore), then look again.",
        )
    elif marker.state is MarkerState.BOUND:
        yield reason(
            ReasonCode.NOTHING_TO_DO,
            f"The data stands where it is recorded: {marker.detail}.",
            "Plan an operation on the lane.",
        )
    elif database.server is not None and (
        database.server.system_identifier == record.identity.system_identifier
    ):
        yield reason(
            ReasonCode.MARKER_COPIED,
            "This is the server on which the data is recorded, so it did not move to another one.",
            f"What was restored in the lane's own place is adopted: `lane-authority adopt {lane}`.",
        )
    elif marker.state is not MarkerState.COPIED or row is None or row.nonce != record.nonce:
        yield marker_reason(marker) or reason(
            ReasonCode.MARKER_ABSENT,
            "The database here has no marker that says whose data it is.",
            f"Adopt it if it is the lane's: `lane-authority adopt {lane}`.",
        )


def _kept(seen: Seen) -> _KeptData:
    found: dict[str, list[KeptData]] = {"taken": [], "proven": [], "left": [], "given_up": []}
    for each in seen.record.kept:
        if kept_is_unchanged(seen.reading.database, seen.reading.keep, each):
            found["taken"].append(each)
        elif not counts_as_authoritative(seen, each):
            found["left"].append(each)
        elif each.name in seen.proven_kept:
            found["proven"].append(each)
        else:
            found["given_up"].append(each)
    return _KeptData(**{name: tuple(values) for name, values in found.items()})


def _left_behind(document: Move) -> dict[DatabaseName, str]:
    """Kept data that is no longer the lane's to release, each with the ground."""
    return {
        DatabaseName(name): ground
        for names, ground in (
            (document.kept_proven, "left at the old place; a backup of it is proven"),
            (document.kept_left, "left at the old place; it was not the only true copy"),
            (document.kept_given_up, "left at the old place; given up by those who signed"),
        )
        for name in names
    }


def _names(kept: tuple[KeptData, ...]) -> tuple[DatabaseName, ...]:
    return tuple(DatabaseName(each.name) for each in kept)
