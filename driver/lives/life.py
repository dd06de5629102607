"""How every life of a lane goes: look and get a digest; then do what the digest stands for.

The second step reads everything again and refuses when the digest would be another one by now or
signatures are missing; uses the signatures up; has the guard act by signed orders; reads both
witnesses once more; and records what is there. A step that died is gone on with by the same
command: each life finds for itself what an earlier run had done.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from launchplane_lane_contracts.approval import ApprovalTally, demand_for, tally_approvals
from launchplane_lane_contracts.contract import (
    BackupId,
    DatabaseName,
    Digest,
    Person,
    SystemIdentifier,
)
from launchplane_lane_contracts.errors import BadInput, Refused
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.lives import LifeDocument
from launchplane_lane_contracts.observation import HostRecord, Observation
from launchplane_lane_contracts.orders import ProvenByBackup
from launchplane_lane_contracts.policy import PolicyRevision
from launchplane_lane_contracts.reading import DatabaseReading, LaneReading, RuntimeWitness
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from ..backups.pins import pinned_backups
from ..guard_client import require_answer
from ..lane_configuration import LaneConfiguration
from ..lane_office import LaneOffice, utc_now
from ..policy_changes import PolicyChange, lowering_change
from .kept_proof import proof_of_kept
from .original import Original, read_original

Document = TypeVar("Document", bound=LifeDocument)


@dataclass(frozen=True)
class Asked:
    """What somebody asks for."""

    lane: Lane
    requester: Person
    reason: str = ""
    kept: DatabaseName | None = None
    """Which kept data is meant, where the life is about some."""
    backup: BackupId | None = None
    """Which backup is meant, where the life is about one."""
    give_up: bool = False
    """Whether authoritative data is to go without a proof of a backup (release, moved)."""
    old_guard: tuple[str, ...] = ()
    """The command by which the guard looks at the place where the data was before (moved)."""
    old_place_is_stopped: bool = False
    """Whether the requester says that the old place is stopped for good (moved)."""
    with_original: bool = False
    """Whether the lane that a foreign marker names is looked at as well (copy)."""


@dataclass(frozen=True)
class Seen:
    """All that is known of the lane at one moment."""

    asked: Asked
    record: HostRecord
    revision: PolicyRevision | None
    configuration: LaneConfiguration
    reading: LaneReading
    observation: Observation
    runtime: RuntimeWitness
    """What the second witness said, as it said it."""
    proof: ProvenByBackup | None = None
    """The proof of a backup of the kept data that was asked for."""
    held_by_backup: tuple[DatabaseName, ...] = ()
    """The kept data that was dropped on the proof of the backup that was asked for."""
    kept_on_record_as: str = ""
    """As which other lane's data the kept data that was asked for is on record; "" if none's."""
    proven_kept: frozenset[str] = frozenset()
    """The names of the kept data of which a backup is proven."""
    original: Original | None = None
    """The lane that a foreign marker names, where it was looked at."""
    lowering_change: PolicyChange | None = None
    """The change to the policy in force, where its signatures lower a marker and have not yet."""

    @property
    def system_identifier(self) -> SystemIdentifier | None:
        """The cluster that was read; None where none was."""
        server = self.reading.database.server
        return server.system_identifier if server is not None else None


@dataclass(frozen=True)
class LifePlan(Generic[Document]):
    """What would be done, what was found, and what it still needs."""

    digest: Digest
    document: Document
    seen: Seen
    tally: ApprovalTally


class Life(ABC, Generic[Document]):
    """One of the lives. `Document` is what people sign; its digest must stand for one moment only,
    so it names what is recorded or read of the lane now.
    """  # noqa: D205

    kind: ClassVar[str]
    """Under which it is proposed for signatures."""
    command: ClassVar[str]
    """What an operator types."""
    document: type[Document]
    """What is signed."""
    needs_reason: ClassVar[bool] = True
    """Whether the one who asks has to say why."""
    needs_the_guard: ClassVar[bool] = True
    """Whether nothing can be said where the lane's guard does not answer."""

    @abstractmethod
    def refusals(self, seen: Seen) -> Iterator[Reason]:
        """Everything that speaks against it."""

    @abstractmethod
    def proposed(self, seen: Seen) -> Document:
        """What is to be signed; asked only when nothing speaks against it."""

    @abstractmethod
    def words(self, document: Document) -> tuple[str, ...]:
        """What it found and what it will do, in lines, for those who sign."""

    @abstractmethod
    def act(self, office: LaneOffice, plan: LifePlan[Document]) -> str:
        """Have it done, see that it was, and record it. Returns what was done, in a sentence.

        Raises Refused, CouldNotTell or Busy; then it may be tried again.
        """

    def go_on(self, office: LaneOffice, document: Document, digest: Digest) -> str | None:
        """Go on where an earlier run died after it had changed the lane; None where none did."""

    def asked(self, document: Document) -> Asked:
        """What was asked for, from what was signed."""
        return Asked(Lane.parse(str(document.lane)), Person(document.requester), document.reason)


def look(office: LaneOffice, life: Life[Document], asked: Asked) -> LifePlan[Document]:
    """Say what would be done, and put it up for signatures. The lane is not changed.

    Raises Refused with all reasons when it may not be done, BadInput without a reason, CouldNotTell
    where the guard did not answer and is needed.
    """
    if life.needs_reason and not asked.reason.strip():
        raise BadInput("Say why with --reason, for those who sign and for the record.")
    seen = see(office, asked)
    if life.needs_the_guard:
        require_answer(seen.configuration, seen.reading)
    refused = tuple(life.refusals(seen))
    if refused:
        raise Refused.because(*refused)
    document = life.proposed(seen)
    digest = office.store.propose(life.kind, document, proposer=asked.requester, now=utc_now())
    return LifePlan(
        digest=digest,
        document=document,
        seen=seen,
        tally=tally_approvals(
            # Those that an earlier run of this very thing used up still count for it.
            office.approvals(digest, used_by=digest),
            requester=asked.requester,
            demand=demand_for(document.weight, office.thresholds()),
            proposed_at=office.store.proposal(digest).proposed_at,
            now=utc_now(),
        ),
    )


def see(office: LaneOffice, asked: Asked) -> Seen:
    """Read the record, both witnesses and the policy."""
    record = office.store.host_record(asked.lane)
    witnessed = office.look(record)
    revision = office.store.policy(asked.lane)
    return Seen(
        asked=asked,
        record=record,
        revision=revision,
        lowering_change=lowering_change(office, revision) if revision is not None else None,
        configuration=office.configuration(asked.lane),
        reading=witnessed.reading,
        observation=office.observe(witnessed),
        runtime=witnessed.runtime,
        original=(
            read_original(office, asked.lane, witnessed.reading) if asked.with_original else None
        ),
        proven_kept=frozenset(
            each.name
            for each in record.kept
            if proof_of_kept(office.store, asked.lane, DatabaseName(each.name)) is not None
        ),
        proof=proof_of_kept(office.store, asked.lane, asked.kept) if asked.kept else None,
        kept_on_record_as=_on_record_as(office, asked, witnessed.reading.database),
        held_by_backup=(
            pinned_backups(office.store, asked.lane).get(asked.backup, ()) if asked.backup else ()
        ),
    )


def _on_record_as(office: LaneOffice, asked: Asked, database: DatabaseReading) -> str:
    if asked.kept is None or database.server is None:
        return ""
    return next(
        (
            office.on_record_as(asked.lane, database.server, each)
            for each in database.neighbours
            if each.name == asked.kept
        ),
        "",
    )


def proposed_document(office: LaneOffice, life: Life[Document], digest: Digest) -> Document:
    """What was put up for signatures. Raises BadInput when it was something else."""
    proposal = office.store.proposal(digest)
    if proposal.kind != life.kind:
        raise BadInput(
            f"The digest {digest} is that of a {proposal.kind}. Give the one that "
            f"`lane-authority {life.command}` printed."
        )
    return life.document.from_json(proposal.document)


def carry_out(office: LaneOffice, life: Life[Document], digest: Digest) -> str:
    """Do what was shown under the digest, and say what was done. Run again it goes on.

    Raises Refused when something has changed or signatures are missing, CouldNotTell, Busy,
    BadInput.
    """
    document = proposed_document(office, life, digest)
    done = life.go_on(office, document, digest)
    if done is not None:
        return done
    found = look(office, life, life.asked(document))
    if found.digest != digest:
        raise Refused.because(_changed(life, document, found.document))
    if not found.tally.met:
        raise Refused.because(_signatures_missing(life, digest, found.tally))
    office.store.begin_life(
        document.lane,
        digest,
        approvals_used=office.free_approval_ids(digest, found.tally.who_counts(document.requester)),
        ends=document.ends,
    )
    return life.act(office, found)


def _changed(life: Life[Document], then: Document, now: Document) -> Reason:
    before, after = then.to_plain(), now.to_plain()
    moved = "; ".join(
        f"{name.replace('_', ' ')} was {before[name]} and is {after[name]}"
        for name in before
        if before[name] != after[name]
    )
    return reason(
        ReasonCode.PLAN_CHANGED,
        f"The lane is no longer as it was reviewed: {moved}.",
        f"Look at it again with `lane-authority {life.command}` and let the new digest be signed.",
        moved=moved,
    )


def _signatures_missing(life: Life[Document], digest: Digest, tally: ApprovalTally) -> Reason:
    waits = (
        f"; it may be done from {tally.cooling_off_until:%Y-%m-%d %H:%M} UTC on"
        if tally.cooling_off_until is not None
        else ""
    )
    own = "and the requester" if tally.requester_signed else "and not the requester"
    return reason(
        ReasonCode.APPROVALS_MISSING,
        f"`{life.command}` needs the requester's signature and {tally.required} approver(s) here; "
        f"signed: {', '.join(tally.approvers) or 'no approver'} {own}{waits}.",
        f"Let them read it and sign it with `lane-authority approve {digest}`.",
        required=tally.required,
    )
