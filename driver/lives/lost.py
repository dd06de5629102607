"""`lost`: the present data can't be backed up, or its server is gone. Nothing is dropped."""

from collections.abc import Iterator

from launchplane_lane_contracts.contract import (
    DatabaseName,
    Digest,
    FilestorePath,
    PermitId,
    later,
)
from launchplane_lane_contracts.judgement import lane_data_under_another_name
from launchplane_lane_contracts.lives import Loss
from launchplane_lane_contracts.policy import effective_policy
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import (
    DataSource,
    FilestoreState,
    MarkerState,
    OperationPhase,
)

from ..lane_office import LaneOffice, utc_now
from .life import Life, LifePlan, Seen, see
from .place import nothing_is_under_way, the_guard_looks_at_the_lane, the_policy_is_known
from .setting_aside import WhatIsThere, generation_there, has_files, keep_for, set_aside

LOST = "lost"
"""What stands in the name of what was set aside so."""


class DeclareLost(Life[Loss]):
    """What is there is set aside if it can be; an old server that comes back is rolled back."""

    kind = "loss"
    command = "lost"
    document = Loss
    needs_the_guard = False

    def refusals(self, seen: Seen) -> Iterator[Reason]:
        """There must be recorded data, and what stands there must not be another lane's."""
        yield from the_policy_is_known(seen)
        yield from (
            each
            for each in nothing_is_under_way(seen)
            if each.code is not ReasonCode.OPERATION_UNFINISHED or not its_data_is_gone(seen)
        )
        if seen.reading.database.server is not None:
            # Where the guard or its server is gone, nothing is touched there either.
            yield from the_guard_looks_at_the_lane(seen)
        if seen.record.generation is None:
            yield reason(
                ReasonCode.NOTHING_TO_ENROL,
                f"No data of lane {seen.asked.lane} was ever recorded, so none can be lost.",
                f"Enrol what is there (`lane-authority enrol {seen.asked.lane}`), or plan a "
                "bootstrap.",
            )
        elif seen.record.declared_lost and seen.reading.database.entry is None:
            yield reason(
                ReasonCode.PLAN_CHANGED,
                f"The data of generation {seen.record.generation} was declared lost before, and "
                "nothing stands in its place.",
                "Plan a restore or a bootstrap.",
            )
        elsewhere = lane_data_under_another_name(seen.reading.database, seen.record)
        if elsewhere is not None:
            yield reason(
                ReasonCode.DATABASE_RENAMED,
                f"The lane's data (oid {elsewhere.oid}) is not lost: it stands under the name "
                f"{elsewhere.name}.",
                "Give that database its name back (ALTER DATABASE ... RENAME), then look again.",
                oid=elsewhere.oid,
            )
        entry = seen.reading.database.entry
        tag = entry.tag if entry is not None else None
        own_of_another = (
            entry is not None
            and tag is not None
            and tag.lane != seen.asked.lane
            and tag.database_oid == entry.oid
        )
        if own_of_another or seen.observation.marker.state is MarkerState.FOREIGN:
            yield reason(
                ReasonCode.MARKER_FOREIGN,
                f"What stands under the lane's name is not its own: "
                f"{seen.observation.marker.detail or 'its tag names another lane'}.",
                "Rename that database away (ALTER DATABASE ... RENAME), then look again.",
            )
        if seen.observation.filestore.state is FilestoreState.FOREIGN:
            yield reason(
                ReasonCode.FILESTORE_FOREIGN,
                f"The files are not this lane's: {seen.observation.filestore.detail}.",
                "Correct the lane's filestore path or volume, then look again.",
            )
        if (
            entry is not None
            and not seen.observation.database.may_rename
            and seen.observation.database.rename_problem
        ):
            yield reason(
                ReasonCode.ROLE_MAY_NOT_RENAME,
                f"The data could not be set aside: {seen.observation.database.rename_problem}.",
                "Give the lane's role CREATEDB and the ownership of its database, then look again.",
            )

    def proposed(self, seen: Seen) -> Loss:
        """What is recorded, and what of it can be set aside."""
        record, entry = seen.record, seen.reading.database.entry
        assert record.generation is not None
        return Loss(
            lane=seen.asked.lane,
            requester=seen.asked.requester,
            reason=seen.asked.reason,
            recorded_generation=record.generation,
            recorded_oid=record.identity.database_oid if record.identity is not None else None,
            database=seen.configuration.database,
            filestore_path=seen.configuration.filestore_path,
            found=seen.observation.database.state,
            database_oid=entry.oid if entry is not None else None,
            generation_there=generation_there(seen, entry),
            has_filestore=has_files(seen),
            ends_operation=(
                record.unfinished.operation_id if record.unfinished is not None else None
            ),
            kept_gone=_kept_gone(seen),
        )

    def words(self, document: Loss) -> tuple[str, ...]:
        """A declaration in words."""
        there = document.database_oid is not None or document.has_filestore
        gone = bool(document.kept_gone)
        kept = "database and files are" if document.has_filestore else "the database is"
        if document.database_oid is None:
            kept = "the files are"
        return (
            f"DECLARE LOST the data of lane {document.lane}, asked for by {document.requester}: "
            f"{document.reason}",
            f"Recorded:   generation {document.recorded_generation}, database oid "
            f"{document.recorded_oid or 'none'}",
            f"Found:      {document.found}, database {document.database} oid "
            f"{document.database_oid or 'none'}, generation {document.generation_there}; files "
            f"{document.filestore_path}",
            f"Set aside:  {kept + ' kept as they are' if there else 'nothing can be reached'}",
            *(
                (
                    f"Operation:  {document.ends_operation} is unfinished and ends with it, "
                    "failed: the data that it could give back is nowhere"
                    + (f" (it was kept as {', '.join(document.kept_gone)})." if gone else "."),
                )
                if document.ends_operation is not None
                else ()
            ),
            "Afterwards: none of this data is expected any more, and no backup of it is asked for. "
            "A server that comes back with it is an old one. Nothing is dropped.",
        )

    def act(self, office: LaneOffice, plan: LifePlan[Loss]) -> str:
        """Have what is there set aside, and record that none of it is expected."""
        return _declare(office, plan.document, plan.digest, plan.seen)

    def go_on(self, office: LaneOffice, document: Loss, digest: Digest) -> str | None:
        """The guard may have set it aside already; then only the record is missing."""
        seen = see(office, self.asked(document))
        if (
            seen.record.generation != document.recorded_generation
            or _another_is_unfinished(seen, document)
            or not office.store.life_was_begun(document.lane, digest)
            or not _what_is_there(document, digest, seen).stands_kept(seen)
        ):
            return None
        return _declare(office, document, digest, seen)


def _declare(office: LaneOffice, document: Loss, digest: Digest, seen: Seen) -> str:
    kept, there = None, _what_is_there(document, digest, seen)
    authoritative = _is_authoritative(seen)
    if there.needs_the_guard:
        kept = set_aside(office, seen, there, authoritative=authoritative)
    now = utc_now()
    assert seen.revision is not None
    record = office.store.declare_lost(
        document.lane,
        life_digest=digest,
        kept=kept,
        kept_on=seen.system_identifier,
        kept_until=later(now, keep_for(seen.revision.policy, authoritative=authoritative)),
        now=now,
        ends=document.ends,
        kept_gone=tuple(DatabaseName(each) for each in document.kept_gone),
    )
    said = f"; what was there is kept as {kept.name}" if kept is not None else ""
    return (
        f"Lane {document.lane}: generation {document.recorded_generation} is declared lost"
        f"{said}. Generation {record.generation} has no data yet: plan a restore or a bootstrap."
    )


def _is_authoritative(seen: Seen) -> bool:
    """A marker that cannot be read may have said so."""
    assert seen.revision is not None
    marker, unfinished = seen.observation.marker, seen.record.unfinished
    said = marker.authoritative or marker.state is not MarkerState.BOUND
    # An operation that ends with it may have found data that counted as such.
    said = said or (unfinished is not None and unfinished.authoritative)
    return effective_policy(
        seen.revision.policy, utc_now(), marker_authoritative=said, claimed=marker.claimed
    ).authoritative


def its_data_is_gone(seen: Seen) -> bool:
    """Whether the unfinished operation could give nothing back: the recorded data is nowhere.

    Only where the server was read: what cannot be seen may still be there.
    """
    unfinished, recorded = seen.record.unfinished, seen.record.identity
    database = seen.reading.database
    if unfinished is None or unfinished.phase not in _BEGUN or recorded is None:
        return False
    if database.server is None or database.problem is not None:
        return False
    if unfinished.data_source is DataSource.EXISTING and database.identity() != recorded:
        # It was to stay where it is, and other tables stand there by now.
        return not any(each.oid == recorded.database_oid for each in database.neighbours)
    entries = (*((database.entry,) if database.entry is not None else ()), *database.neighbours)
    return database.server.system_identifier != recorded.system_identifier or not any(
        each.oid == recorded.database_oid for each in entries
    )


_BEGUN = frozenset({OperationPhase.BEGUN, OperationPhase.MATERIALISED})


def _kept_gone(seen: Seen) -> tuple[DatabaseName, ...]:
    recorded, unfinished = seen.record.identity, seen.record.unfinished
    if unfinished is None or recorded is None:
        return ()
    # Kept data of another cluster may have that oid as well; it is no business of this operation.
    return tuple(
        DatabaseName(each.name)
        for each in seen.record.kept
        if each.database_oid == recorded.database_oid and each.permit_id in unfinished.permits
    )


def _another_is_unfinished(seen: Seen, document: Loss) -> bool:
    unfinished = seen.record.unfinished
    return unfinished is not None and unfinished.operation_id != document.ends_operation


def _permits(seen: Seen) -> tuple[PermitId, ...]:
    """Those of the operation that ends with it, oldest first."""
    unfinished = seen.record.unfinished
    if unfinished is None or unfinished.permit_id is None:
        return ()
    return tuple(PermitId(each) for each in (*unfinished.earlier_permits, unfinished.permit_id))


def _what_is_there(document: Loss, digest: Digest, seen: Seen) -> WhatIsThere:
    return WhatIsThere(
        lane=document.lane,
        database=DatabaseName(document.database),
        filestore_path=FilestorePath(document.filestore_path),
        database_oid=document.database_oid,
        generation=document.generation_there,
        has_filestore=document.has_filestore,
        recorded_generation=document.recorded_generation,
        why=LOST,
        digest=digest,
        ends=_permits(seen) if document.ends_operation is not None else (),
    )
