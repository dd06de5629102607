"""`retire`: a lane legitimately ends. Its data is kept, and then released by the rules."""

from collections.abc import Iterator

from launchplane_lane_contracts.contract import (
    DatabaseName,
    Digest,
    FilestorePath,
    Person,
    later,
)
from launchplane_lane_contracts.lives import Retirement
from launchplane_lane_contracts.policy import Policy, effective_policy
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.rules.database_and_files import marker_reason
from launchplane_lane_contracts.vocabulary import DatabaseState, FilestoreState, MarkerState

from ..lane_office import LaneOffice, utc_now
from .life import Life, LifePlan, Seen, see
from .place import no_witness_contradicts, the_lane_is_known_and_free
from .setting_aside import WhatIsThere, has_files, keep_for, set_aside

RETIRED = "retired"
"""What stands in the name of what was set aside so."""


class Retire(Life[Retirement]):
    """Nothing is dropped, and the way back is a restore of what is kept."""

    kind = "retirement"
    command = "retire"
    document = Retirement

    def refusals(self, seen: Seen) -> Iterator[Reason]:
        """What is there must be the lane's recorded data, in order, or nothing."""
        lane, record, database = seen.asked.lane, seen.record, seen.observation.database
        yield from the_lane_is_known_and_free(seen)
        yield from no_witness_contradicts(seen.observation)
        if record.retired:
            yield reason(
                ReasonCode.NOTHING_TO_DO,
                f"Lane {lane} is retired already.",
                f"Look at what is kept of it: `lane-authority lane {lane}`.",
            )
        elif record.generation is None:
            yield reason(
                ReasonCode.NOTHING_TO_ENROL,
                f"No data of lane {lane} was ever recorded, so there is none to keep.",
                "Enrol what stands there first; where nothing does, take the lane out of the "
                "configuration.",
            )
        elif (
            database.state is DatabaseState.INITIALISED
            or seen.observation.marker.state is MarkerState.FOREIGN
        ):
            found = marker_reason(seen.observation.marker)
            if found is not None:
                yield found
            elif seen.observation.filestore.state is not FilestoreState.OURS:
                yield reason(
                    ReasonCode.FILESTORE_FOREIGN,
                    "The files are not this lane's as recorded: "
                    f"{seen.observation.filestore.detail}.",
                    f"Adopt what stands there: `lane-authority adopt {lane}`.",
                )
            elif not database.may_rename:
                yield reason(
                    ReasonCode.ROLE_MAY_NOT_RENAME,
                    f"The data could not be set aside: {database.rename_problem}.",
                    "Give the lane's role CREATEDB and the ownership of its database, then look "
                    "again.",
                )
        elif database.state not in (DatabaseState.ABSENT, DatabaseState.UNINITIALISED):
            yield reason(
                _NOT_IN_REACH.get(database.state, ReasonCode.DATABASE_UNREADABLE),
                f"The lane's data is not in order: {database.detail}.",
                "Put it back in its place, or declare it lost (`lane-authority lost "
                f"{lane}`); then retire the lane.",
            )

    def proposed(self, seen: Seen) -> Retirement:
        """What is recorded, and what of it is kept."""
        record, entry = seen.record, seen.reading.database.entry
        assert record.generation is not None
        assert seen.revision is not None
        return Retirement(
            lane=seen.asked.lane,
            requester=seen.asked.requester,
            reason=seen.asked.reason,
            recorded_generation=record.generation,
            policy_revision=seen.revision.number,
            authoritative=_is_authoritative(seen),
            database=seen.configuration.database,
            filestore_path=seen.configuration.filestore_path,
            database_oid=entry.oid if entry is not None else None,
            has_filestore=has_files(seen),
        )

    def words(self, document: Retirement) -> tuple[str, ...]:
        """A retirement in words."""
        there = _what_is_there(document, document.digest())
        kind = "the only true copy" if document.authoritative else "replaceable"
        kept = "with its files" if document.has_filestore else "without files"
        return (
            f"RETIRE lane {document.lane}, asked for by {document.requester}: {document.reason}",
            f"Recorded:   generation {document.recorded_generation}, {kind}, policy revision "
            f"{document.policy_revision}; files {document.filestore_path}",
            f"Set aside:  database {document.database}, oid {document.database_oid or 'none'}, "
            f"{kept}"
            if there.is_something
            else "Set aside:  nothing stands there",
            "Afterwards: no data of this lane is expected, and its policy allows neither empty nor "
            "upstream. What is kept goes only by a release, and a restore of it brings the lane "
            "back. Nothing is dropped.",
        )

    def act(self, office: LaneOffice, plan: LifePlan[Retirement]) -> str:
        """Have what is there set aside, and record the lane's end."""
        return _retire(office, plan.document, plan.digest, plan.seen)

    def go_on(self, office: LaneOffice, document: Retirement, digest: Digest) -> str | None:
        """The guard may have set it aside already; then only the record is missing."""
        seen = see(office, self.asked(document))
        if (
            seen.record.generation != document.recorded_generation
            or seen.record.unfinished is not None
            or not office.store.life_was_begun(document.lane, digest)
            or not _what_is_there(document, digest).stands_kept(seen)
        ):
            return None
        return _retire(office, document, digest, seen)


_NOT_IN_REACH = {
    DatabaseState.RENAMED: ReasonCode.DATABASE_RENAMED,
    DatabaseState.MISSING: ReasonCode.DATABASE_MISSING,
    DatabaseState.CLOSED: ReasonCode.DATABASE_CLOSED,
}


def _retire(office: LaneOffice, document: Retirement, digest: Digest, seen: Seen) -> str:
    kept, there = None, _what_is_there(document, digest)
    if there.is_something:
        kept = set_aside(office, seen, there, authoritative=document.authoritative)
    assert seen.revision is not None
    policy = seen.revision.policy
    now = utc_now()
    kept_until = later(now, keep_for(policy, authoritative=document.authoritative))
    revision = office.store.retire(
        document.lane,
        policy_of_a_retired_lane(policy),
        life_digest=digest,
        replaces=document.policy_revision,
        actor=Person(document.requester),
        reason=f"retired: {document.reason}"[:2000],
        kept=kept,
        kept_on=seen.system_identifier,
        kept_until=kept_until,
        now=now,
    )
    said = (
        f"; what was there is kept as {kept.name} until {kept_until:%Y-%m-%d %H:%M} UTC"
        if kept is not None
        else ""
    )
    return f"Lane {document.lane} is retired (policy revision {revision.number}){said}."


def policy_of_a_retired_lane(policy: Policy) -> Policy:
    """The same lane with nothing allowed but what any policy allows: its own data."""
    return policy.model_copy(
        update={"bootstrap_empty_allowed": False, "restore_from_upstream_allowed": False}
    )


def _is_authoritative(seen: Seen) -> bool:
    assert seen.revision is not None
    marker = seen.observation.marker
    return effective_policy(
        seen.revision.policy,
        utc_now(),
        marker_authoritative=marker.authoritative and marker.state is MarkerState.BOUND,
        claimed=marker.claimed,
    ).authoritative


def _what_is_there(document: Retirement, digest: Digest) -> WhatIsThere:
    return WhatIsThere(
        lane=document.lane,
        database=DatabaseName(document.database),
        filestore_path=FilestorePath(document.filestore_path),
        database_oid=document.database_oid,
        generation=document.recorded_generation,
        has_filestore=document.has_filestore,
        recorded_generation=document.recorded_generation,
        why=RETIRED,
        digest=digest,
    )
