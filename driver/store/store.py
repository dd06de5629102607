"""The host's store: every question and every change, each in one transaction.

Every change adds its entry to the ledger in the same transaction; the ledger's head is then
written beside the signing key before the change is answered. A store that does not contain that
head takes no change at all.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import select

from launchplane_lane_contracts.clock_correction import ClockCorrection
from launchplane_lane_contracts.contract import (
    BackupId,
    Contract,
    DatabaseName,
    Digest,
    FilestorePath,
    Nonce,
    OperationId,
    PermitId,
    Person,
    SystemIdentifier,
    UtcInstant,
)
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.evidence import BackupGate, Evidence, KeptData, LoadProof
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import PhysicalIdentity
from launchplane_lane_contracts.observation import HostRecord
from launchplane_lane_contracts.people import People
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.policy import Policy, PolicyRevision
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import (
    UNFINISHED_PHASES,
    DataSource,
    Operation,
    OperationPhase,
)

from ..highest import NOTHING, HighestFile
from ..ledger_head import GENESIS, LedgerHead, LedgerHeadFile
from . import (
    approvals,
    clocks,
    drills,
    evidence,
    lanes,
    ledger,
    operations,
    people,
    policies,
    reconciling,
    replay,
)
from .engine import StoreDatabase
from .ledger import EntryKind, Transaction
from .migrate import migrate
from .overview import LaneOverview, OperationSummary, lane_overviews, last_settled
from .reconciling import LaneClaim, Reconciled
from .records import (
    FailedProof,
    LaneEvidence,
    LedgerEntry,
    OperationRecord,
    Proposal,
    StoredApproval,
)
from .schema import LedgerRow
from .whose_data import AnothersData, anothers_data, others_stand_on

LARGEST_STEP_BACK = timedelta(seconds=60)
"""How far the clock may stand before the highest time in the ledger."""

AT_ONCE = 1000
"""How many entries are held at once where the whole ledger is walked."""

LOWERED = "lowered"
"""How data was recorded whose marker lost its authority."""

ORDER_SIGNED = "order_signed"
"""What is noted before an order is given to anybody."""

NO_PARTICULARS: Mapping[str, Any] = {}


def utc_now() -> datetime:
    """The host's clock."""
    return datetime.now(UTC)


class Store:
    """The store. `now` is always in UTC and is what the records say; ledger entries are dated
    by `clock`, inside their transaction.

    Any method raises CouldNotTell when the database cannot be used; those that change something
    raise Busy when others write for too long, and Refused when the store is an old copy.
    """  # noqa: D205

    def __init__(
        self, database: StoreDatabase, head_file: LedgerHeadFile, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._head_file = head_file
        # Beside the head, so that it is not put back with the store either.
        self._highest_file = HighestFile(head_file.path.with_name("highest.json"))
        self._clock = clock
        self.on_entry: Callable[[LedgerEntry], None] = _nobody
        """Told of each entry once it is durable. It must return at once and raise nothing."""

    @classmethod
    def open(cls, url: str, head_file: Path, *, clock: Callable[[], datetime] = utc_now) -> Self:
        """Open the store, make its tables where they are missing, and bring them up to date.

        `head_file` is where the ledger's head is kept, in another folder than the store's backup.
        Raises BadInput for an address that is none, CouldNotTell when the store cannot be used.
        """
        database = StoreDatabase(url)
        store = cls(database, LedgerHeadFile(head_file), clock)
        with store._head_file.lock():
            migrate(database)
        store._begin_head_file()
        return store

    @property
    def place(self) -> str:
        """Where it is, without its password."""
        return self._database.place

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    # -- policies ------------------------------------------------------------------

    def policy(self, lane: Lane) -> PolicyRevision | None:
        """The policy in force; None for a lane that nobody recorded."""
        with self._database.reading() as session:
            return policies.policy_in_force(session, lane)

    def policies(self) -> dict[Lane, PolicyRevision]:
        """The policy in force of every lane that has one."""
        with self._database.reading() as session:
            # Later revisions come later, and take the place of earlier ones.
            return {each.policy.lane: each for each in policies.policy_history(session, None)}

    def history(self, lane: Lane) -> tuple[PolicyRevision, ...]:
        """Every revision of a lane's policy, oldest first."""
        with self._database.reading() as session:
            return policies.policy_history(session, lane)

    def record_policy(
        self,
        policy: Policy,
        *,
        actor: Person,
        reason: str,
        change_digest: Digest,
        now: UtcInstant,
        approvals_used: tuple[int, ...] | None = None,
        replaces: int | None = None,
    ) -> PolicyRevision:
        """Add a revision, and use up the signatures that allowed it.

        Whether they suffice is the caller's judgement; without `approvals_used`, all that are free
        under the digest and count at `now` are used up. `replaces` is the number of the revision
        that the caller judged against (0 for none): another one in force is a refusal.
        Raises BadInput when the policy may not be recorded now; Refused when a signature does not
        stand for this change or was used, or the change came into force before.
        """
        with self._changing() as change:
            return policies.record_policy(
                change,
                policy,
                actor=actor,
                reason_given=reason,
                change_digest=change_digest,
                now=now,
                approvals_used=approvals_used,
                replaces=replaces,
                highest=self._highest_file.read().get(str(policy.lane), NOTHING).policy_revision,
            )

    # -- people ----------------------------------------------------------------------

    def people(self) -> People | None:
        """Whose signatures count, as it was last recorded; None before anybody was."""
        with self._database.reading() as session:
            return people.people_on_record(session)

    def record_people(
        self,
        found: People,
        *,
        now: UtcInstant,
        change_digest: Digest | None,
        approvals_used: tuple[int, ...],
    ) -> None:
        """Record whose signatures count, and use up those that allowed it.

        `change_digest` is what was signed; None for the very beginning. Raises Refused when there
        is a beginning already, or a signature does not stand for this change or was used.
        """
        with self._changing() as change:
            people.record_people(
                change, found, now=now, change_digest=change_digest, approvals_used=approvals_used
            )

    # -- proposals and signatures --------------------------------------------------

    def propose(self, kind: str, document: Contract, proposer: Person, now: UtcInstant) -> Digest:
        """Store something that people are to sign; they sign the digest of the document.

        Proposing the same document again changes nothing. One that may be asked for again after it
        came into force therefore names its own instant, or what it replaces.
        """
        with self._changing() as change:
            return policies.propose(change, kind, document, proposer, now)

    def proposal(self, digest: Digest) -> Proposal:
        """One proposal.

        Raises BadInput when there is none.
        """
        with self._database.reading() as session:
            return policies.proposal(session, digest)

    def add_approval(
        self,
        *,
        digest: Digest,
        person: Person,
        key_fingerprint: str,
        signature: str,
        now: UtcInstant,
        not_before: UtcInstant | None = None,
    ) -> StoredApproval:
        """Store a signature that was verified.

        A person signs one digest once: a second one, by another key as well, gives the first.
        Raises Refused when the first was used or has lapsed; where there is a cooling-off that ends
        at `not_before`, its 24 hours are counted from there.
        """
        with self._changing() as change:
            return approvals.add_approval(
                change,
                digest=digest,
                person=person,
                key_fingerprint=key_fingerprint,
                signature=signature,
                now=now,
                not_before=not_before,
            )

    def approvals(self, digest: Digest | None = None) -> tuple[StoredApproval, ...]:
        """The signatures under one digest, or all, oldest first; used ones are among them."""
        with self._database.reading() as session:
            return approvals.approvals_under(session, digest)

    # -- lanes and operations ------------------------------------------------------

    def host_record(self, lane: Lane) -> HostRecord:
        """What was last recorded of a lane, who holds it, and what is kept."""
        with self._database.reading() as session:
            return lanes.host_record(session, lane)

    def anothers_data(
        self, lane: Lane, *, system_identifier: str, database_oid: int, name: str
    ) -> AnothersData | None:
        """What lane has this very database on record, where it is not `lane`; None if none has."""
        with self._database.reading() as session:
            return anothers_data(
                session,
                lane,
                system_identifier=system_identifier,
                database_oid=database_oid,
                name=name,
            )

    def others_stand_on(self, lane: Lane, system_identifier: str) -> bool:
        """Whether any other lane's data was ever recorded on this cluster."""
        with self._database.reading() as session:
            return others_stand_on(session, lane, system_identifier)

    def overviews(self, lanes: Sequence[Lane]) -> tuple[LaneOverview, ...]:
        """What is on record of each of these lanes, in their order. At most some hundred."""
        with self._database.reading() as session:
            return lane_overviews(session, lanes)

    def claim(
        self, plan: Plan, *, now: UtcInstant, approvals_used: tuple[int, ...] | None = None
    ) -> OperationRecord:
        """Take the lane for a plan, in phase authorized, and use up its signatures.

        Without `approvals_used`, those are all that the plan was decided on and all others that
        are free under its digest, as far as they count at `now`.
        Raises Busy when an operation holds the lane; Refused when the plan was not allowed, when
        policy or generation are no longer the plan's, or a signature is not for it or was used.
        """
        with self._changing() as change:
            return operations.claim(change, plan, now=now, approvals_used=approvals_used)

    def operation(self, operation_id: OperationId) -> OperationRecord:
        """One operation.

        Raises BadInput when there is none.
        """
        with self._database.reading() as session:
            return operations.operation(session, operation_id)

    def live_operation(self, lane: Lane) -> OperationRecord | None:
        """The operation that holds the lane."""
        with self._database.reading() as session:
            row = lanes.live_row(session, lane)
            return operations.record_of(row) if row is not None else None

    def last_settled(
        self, lane: Lane, operation: Operation, source: DataSource
    ) -> OperationSummary | None:
        """The newest settled operation of a lane that was of this kind."""
        with self._database.reading() as session:
            return last_settled(session, lane, operation, source)

    def operations(self, lane: Lane | None = None) -> tuple[OperationRecord, ...]:
        """Every operation, of one lane or of all, oldest first."""
        with self._database.reading() as session:
            return operations.operations(session, lane)

    def lapse(self, lane: Lane, *, now: UtcInstant) -> OperationRecord | None:
        """Give up a claim that nobody started within its time, and say which.

        It lapses with the first of the signatures that it rests on, after 24 hours at the latest.
        """
        with self._database.reading() as session:
            row = lanes.live_row(session, lane)
            if row is None or not operations.has_lapsed(session, row, now):
                return None
        with self._changing() as change:
            return operations.lapse(change, lane, now)

    def advance(
        self,
        operation_id: OperationId,
        *,
        expected: frozenset[OperationPhase],
        to: OperationPhase,
        now: UtcInstant,
        permit_id: PermitId | None = None,
        permit_token: str | None = None,
        kept: KeptData | None = None,
        gone_back: DatabaseName | None = None,
        ledger_document: Mapping[str, Any] = NO_PARTICULARS,
    ) -> OperationRecord:
        """Take an operation to another phase; `settle` is the way to settled.

        `kept` is what was set aside; `gone_back` names kept data that is live again (an abort).
        Raises Busy when the operation is in another live phase than expected, Refused when it is
        over, BadInput when there is none.
        """
        with self._changing() as change:
            return operations.advance(
                change,
                operation_id,
                expected=expected,
                to=to,
                now=now,
                permit_id=permit_id,
                permit_token=permit_token,
                kept=kept,
                gone_back=gone_back,
                ledger_document=ledger_document,
            )

    def retry(
        self,
        operation_id: OperationId,
        *,
        replaces: PermitId | None,
        permit_id: PermitId,
        permit_token: str,
        generation: int,
        plan: Plan,
        approvals_used: tuple[int, ...],
        now: UtcInstant,
    ) -> OperationRecord:
        """Give an unfinished operation another permit, and a generation that was handed out.

        `replaces` is the permit that it has. Raises Busy when it has another one by now or is in
        another phase, Refused when it is over.
        """
        with self._changing() as change:
            return operations.retry(
                change,
                operation_id,
                replaces=replaces,
                permit_id=permit_id,
                permit_token=permit_token,
                generation=generation,
                plan=plan,
                approvals_used=approvals_used,
                now=now,
            )

    def settle(
        self,
        operation_id: OperationId,
        *,
        generation: int,
        nonce: Nonce,
        identity: PhysicalIdentity,
        filestore_path: FilestorePath,
        now: UtcInstant,
        kept_until: UtcInstant,
        to: OperationPhase = OperationPhase.SETTLED,
        expected: frozenset[OperationPhase] = UNFINISHED_PHASES,
        kept: KeptData | None = None,
        gone_back: DatabaseName | None = None,
        ledger_document: Mapping[str, Any] = NO_PARTICULARS,
    ) -> OperationRecord:
        """End an operation, and record the data that is live now; `undone` ends one by an undo.

        What the operation set aside is kept until `kept_until` (UTC) at least; `kept` is more of
        it, and `gone_back` names kept data that is live again.
        Raises as `advance` does; Refused also for a generation that was never handed out or is
        older than the recorded one.
        """
        with self._changing() as change:
            return operations.settle(
                change,
                operation_id,
                expected=expected,
                to=to,
                generation=generation,
                nonce=nonce,
                identity=identity,
                filestore_path=filestore_path,
                now=now,
                kept_until=kept_until,
                kept=kept,
                gone_back=gone_back,
                ledger_document=ledger_document,
            )

    def undone(
        self,
        operation_id: OperationId,
        *,
        generation: int | None,
        nonce: Nonce | None,
        identity: PhysicalIdentity | None,
        filestore_path: FilestorePath | None,
        now: UtcInstant,
        kept_until: UtcInstant,
        remains: KeptData | None = None,
        ledger_document: Mapping[str, Any] = NO_PARTICULARS,
    ) -> OperationRecord:
        """End an operation whose set-aside was undone, and record what is live again.

        What the operation had set aside is no longer listed as kept; `remains` is what stood in
        its place, kept until `kept_until` (UTC) at least. Generation, nonce, identity and path are
        None together where no data of the lane had been recorded. Raises as `settle` does.
        """
        with self._changing() as change:
            return operations.undone(
                change,
                operation_id,
                generation=generation,
                nonce=nonce,
                identity=identity,
                filestore_path=filestore_path,
                now=now,
                kept_until=kept_until,
                remains=remains,
                ledger_document=ledger_document,
            )

    def new_generation(self, lane: Lane) -> int:
        """Hand out a generation. It is never handed out again, used or not."""
        with self._changing() as change:
            taken = lanes.take_generation(change.session, lane)
            change.append(EntryKind.GENERATION_HANDED_OUT, lane, {"generation": taken})
            return taken

    def begin_life(
        self,
        lane: Lane,
        digest: Digest,
        *,
        approvals_used: tuple[int, ...],
        ends: OperationId | None = None,
    ) -> None:
        """Note that a proposed life of the lane is about to be carried out, before it is.

        The signatures on which that rests are used up by it, so that they count for it alone, and
        still do when it has to be carried out again after a crash. Raises Busy while an operation
        holds the lane that does not end with it; Refused when it came to its end before, or a
        signature does not stand for it or was used; BadInput when it was never proposed.
        """
        with self._changing() as change:
            operations.refuse_while_held(change.session, lane, but=ends)
            proposed = policies.proposal(change.session, digest)
            policies.refuse_when_applied(proposed)
            approvals.use_approvals(change.session, approvals_used, digest, used_by=digest)
            change.append(
                EntryKind.LIFE_BEGUN,
                lane,
                {"what": proposed.kind, "digest": digest, "approvals": sorted(approvals_used)},
            )

    def record_data(
        self,
        lane: Lane,
        generation: int,
        nonce: Nonce,
        identity: PhysicalIdentity,
        filestore_path: FilestorePath,
        now: UtcInstant,
        kind: str,
        *,
        life_digest: Digest | None = None,
        left_behind: Mapping[DatabaseName, str] | None = None,
        ledger_document: Mapping[str, Any] = NO_PARTICULARS,
    ) -> HostRecord:
        """Record data that no operation brought, for example `kind` enrol.

        Kept data that somebody gave the lane's name back to is no longer listed as kept.
        The life that was proposed under `life_digest` has come to its end with it. `left_behind`
        names kept data that stays at another place and is no longer listed, each with the ground;
        what else is kept came along to where the data is now. None where the data did not move.
        Raises Busy while an operation holds the lane; Refused for a generation that was never
        handed out or is older than the recorded one.
        """
        with self._changing() as change:
            operations.refuse_while_held(change.session, lane)
            # First: what stays at the old place did not come along.
            for name, ground in (left_behind or {}).items():
                lanes.mark_released(change.session, lane, name, now)
                change.append(
                    EntryKind.KEPT_RELEASED,
                    lane,
                    {"name": name, "digest": life_digest, "particulars": {"ground": ground}},
                )
            taken_along: tuple[DatabaseName, ...] = ()
            if left_behind is not None:
                to = identity.system_identifier
                taken_along = lanes.mark_taken_along(change.session, lane, to)
            gone_back = lanes.mark_gone_back_to(change.session, lane, identity, now)
            lanes.record_live_data(
                change.session,
                lane,
                generation=generation,
                nonce=nonce,
                identity=identity,
                filestore_path=filestore_path,
            )
            if life_digest is not None:
                policies.apply_proposal(change.session, life_digest, now)
            change.append(
                EntryKind.DATA_RECORDED,
                lane,
                {
                    "how": kind,
                    "digest": life_digest,
                    "recorded_at": now.isoformat(),
                    "generation": generation,
                    "nonce": nonce,
                    "identity": identity.to_plain(),
                    "filestore_path": filestore_path,
                    "taken_along": list(taken_along),
                    "gone_back": list(gone_back),
                    "particulars": dict(ledger_document),
                },
            )
            return lanes.host_record(change.session, lane)

    def mark_kept_gone_back(self, lane: Lane, name: DatabaseName, *, now: UtcInstant) -> None:
        """Note that kept data is live again, so that it is no longer listed as kept.

        Raises Refused when nothing is kept under that name.
        """
        with self._changing() as change:
            lanes.mark_gone_back(change.session, lane, name, now)
            change.append(EntryKind.KEPT_GONE_BACK, lane, {"name": name})

    def declare_lost(
        self,
        lane: Lane,
        *,
        life_digest: Digest,
        kept: KeptData | None,
        kept_on: SystemIdentifier | None = None,
        kept_until: UtcInstant,
        now: UtcInstant,
        ends: OperationId | None = None,
        kept_gone: tuple[DatabaseName, ...] = (),
    ) -> HostRecord:
        """Record that the lane's data is lost, under a new generation.

        `kept` is what was set aside of it, on the cluster `kept_on`, and kept until `kept_until`
        (UTC) at least. `ends` is an unfinished operation that fails with it, `kept_gone` what it
        had set aside. Raises Busy while another operation holds the lane.
        """
        with self._changing() as change:
            if ends is not None:
                operations.fail(
                    change,
                    ends,
                    now=now,
                    kept_until=kept_until,
                    kept_gone=kept_gone,
                    because=life_digest,
                )
            operations.refuse_while_held(change.session, lane)
            policies.apply_proposal(change.session, life_digest, now)
            if kept is not None:
                kept = kept.model_copy(update={"kept_until": kept_until})
                lanes.add_kept(change.session, kept, None, kept_on)
            generation = lanes.record_loss(change.session, lane)
            change.append(
                EntryKind.DATA_LOST,
                lane,
                {
                    "digest": life_digest,
                    "generation": generation,
                    "kept": lanes.kept_document(kept, kept_on),
                },
            )
            return lanes.host_record(change.session, lane)

    def retire(
        self,
        lane: Lane,
        policy: Policy,
        *,
        life_digest: Digest,
        replaces: int,
        actor: Person,
        reason: str,
        kept: KeptData | None,
        kept_on: SystemIdentifier | None = None,
        kept_until: UtcInstant,
        now: UtcInstant,
    ) -> PolicyRevision:
        """Record that a lane came to its end: its last policy, and what was set aside of it.

        `replaces` is the revision that was looked at, `kept_on` the cluster of what was set aside.
        No data of it is expected from now on, under a new generation. Raises as `record_policy`
        does; Busy while an operation holds the lane.
        """
        with self._changing() as change:
            operations.refuse_while_held(change.session, lane)
            revision = policies.record_policy(
                change,
                policy,
                actor=actor,
                reason_given=reason,
                change_digest=life_digest,
                now=now,
                approvals_used=(),
                replaces=replaces,
                highest=self._highest_file.read().get(str(lane), NOTHING).policy_revision,
            )
            if kept is not None:
                kept = kept.model_copy(update={"kept_until": kept_until})
                lanes.add_kept(change.session, kept, None, kept_on)
            generation = lanes.record_loss(change.session, lane, retired=True)
            change.append(
                EntryKind.LANE_RETIRED,
                lane,
                {
                    "digest": life_digest,
                    "generation": generation,
                    "kept": lanes.kept_document(kept, kept_on),
                },
            )
            return revision

    def life_was_begun(self, lane: Lane, digest: Digest) -> bool:
        """Whether the life that was proposed under the digest was about to be carried out."""
        return any(
            entry.kind == EntryKind.LIFE_BEGUN and entry.document.get("digest") == digest
            for entry in self.ledger_entries(lane)
        )

    def was_lowered_since(self, revision: PolicyRevision) -> bool:
        """Whether the marker of the lane's data was lowered after the policy was recorded."""
        recorded = False
        for entry in self.walk_ledger(revision.policy.lane):
            if entry.kind == EntryKind.POLICY_RECORDED:
                recorded = entry.document["revision"]["number"] == revision.number
            elif recorded and (entry.kind, entry.document.get("how")) == (
                EntryKind.DATA_RECORDED,
                LOWERED,
            ):
                return True
        return False

    def mark_kept_released(
        self,
        lane: Lane,
        name: DatabaseName,
        *,
        life_digest: Digest,
        now: UtcInstant,
        ledger_document: Mapping[str, Any] = NO_PARTICULARS,
    ) -> None:
        """Note that kept data was dropped, so that it is no longer listed as kept.

        Raises Refused when nothing is kept under that name.
        """
        with self._changing() as change:
            lanes.mark_released(change.session, lane, name, now)
            policies.apply_proposal(change.session, life_digest, now)
            change.append(
                EntryKind.KEPT_RELEASED,
                lane,
                {"name": name, "digest": life_digest, "particulars": dict(ledger_document)},
            )

    def note(
        self, kind: str, lane: Lane | None, document: Mapping[str, Any], now: UtcInstant
    ) -> None:
        """Put something on the record that changes nothing, for example a refusal."""
        with self._changing() as change:
            change.append(
                EntryKind.NOTED,
                lane,
                {"what": kind, "noted_at": now.isoformat(), "particulars": dict(document)},
            )

    # -- backups and sources -------------------------------------------------------

    def record_evidence(self, found: Evidence, *, now: UtcInstant) -> Lane:
        """Add a gate, a proof or a declared source; the very same again changes nothing.

        Gives the lane that it is about. Raises Refused for a proof of a backup that is not on
        record as it was proven, BadInput for a second backup of one name.
        """
        with self._changing() as change:
            return evidence.record_evidence(change, found, now)

    def record_failed_proof(self, failed: FailedProof, *, now: UtcInstant) -> None:
        """Take what was proven of a backup before: it is not what was captured any more.

        A proof that is given later counts again. Raises BadInput for a backup that is unknown.
        """
        with self._changing() as change:
            evidence.record_failed_proof(change, failed, now)

    def evidence(self, lane: Lane, *, everything: bool = False) -> LaneEvidence:
        """What was recorded of a lane's backups and sources, newest first.

        The newest of each, which is more than may still be a gate; or everything.
        """
        with self._database.reading() as session:
            return evidence.evidence_of(session, lane, everything=everything)

    def backup(self, backup_id: BackupId) -> tuple[BackupGate | None, LoadProof | None]:
        """One backup's gate, whichever lane's it is, and its newest load proof."""
        with self._database.reading() as session:
            return evidence.gate(session, backup_id), evidence.load_proof_of(session, backup_id)

    # -- drills --------------------------------------------------------------------

    def claim_drill(self, lane: Lane, holder: str, *, now: UtcInstant, until: UtcInstant) -> bool:
        """Take a lane for a drill until then (UTC), or keep it; False while another drill has it.

        It is no record of anything, so the ledger does not know it.
        """
        with self._database.writing() as session:
            return drills.claim(session, lane, holder, now=now, until=until)

    def end_drill(self, lane: Lane, holder: str) -> None:
        """Give a lane back that a drill took."""
        with self._database.writing() as session:
            drills.give_back(session, lane, holder)

    # -- the ledger ----------------------------------------------------------------

    def ledger_entries(
        self, lane: Lane | None = None, *, after: int = 0
    ) -> tuple[LedgerEntry, ...]:
        """Entries with a number above `after`, of one lane or of all, in their order."""
        query = select(LedgerRow).where(LedgerRow.sequence > after).order_by(LedgerRow.sequence)
        if lane is not None:
            query = query.where(LedgerRow.lane == str(lane))
        with self._database.reading() as session:
            return tuple(ledger.entry_of(row) for row in session.scalars(query))

    def signed_order(self, lane: Lane, order_digest: Digest) -> bool:
        """Whether the ledger says that this host signed the order with this digest."""
        return any(
            entry.kind == EntryKind.NOTED
            and entry.document["what"] == ORDER_SIGNED
            and entry.document["particulars"]["order_digest"] == order_digest
            for entry in self.ledger_entries(lane)
        )

    def walk_ledger(self, lane: Lane | None = None) -> Iterator[LedgerEntry]:
        """The same, oldest first and a few at a time, however many there are."""
        query = select(LedgerRow).order_by(LedgerRow.sequence)
        if lane is not None:
            query = query.where(LedgerRow.lane == str(lane))
        with self._database.reading() as session:
            for row in session.scalars(query.execution_options(yield_per=AT_ONCE)):
                yield ledger.entry_of(row)

    @contextmanager
    def whole_record(
        self,
    ) -> Iterator[tuple[tuple[StoredApproval, ...], Iterator[LedgerEntry]]]:
        """Every signature and every entry, of one moment, whoever writes meanwhile."""
        query = select(LedgerRow).order_by(LedgerRow.sequence)
        with self._database.reading() as session:
            rows = session.scalars(query.execution_options(yield_per=AT_ONCE))
            stored = approvals.approvals_under(session, None)
            yield stored, (ledger.entry_of(row) for row in rows)

    def ledger_head(self) -> LedgerHead:
        """The newest entry's number and digest: enough to tell later that nothing was cut off."""
        with self._database.reading() as session:
            return ledger.head_of(ledger.newest_row(session))

    def verify_ledger(self) -> None:
        """See that no entry was changed, removed, moved or cut off, and that the tables agree.

        Raises Refused, saying which entry is wrong first.
        """
        remembered = self._head_file.read()
        every = select(LedgerRow).order_by(LedgerRow.sequence).execution_options(yield_per=AT_ONCE)
        with self._database.reading() as session:
            problem = (
                ledger.chain_problem(session.scalars(every), GENESIS)
                or ledger.head_problem(session, remembered)
                or policies.difference_to_ledger(session)
                or evidence.difference_to_ledger(session)
                or replay.difference_to_ledger(session)
            )
        if problem:
            raise Refused.because(self._not_trusted(problem))

    def verify_anchor(self, anchor: LedgerHead) -> None:
        """See that the ledger still holds an entry that was noted somewhere else.

        Raises Refused when it does not.
        """
        with self._database.reading() as session:
            problem = ledger.head_problem(session, anchor)
        if problem:
            raise Refused.because(self._not_trusted(f"by the anchor, {problem}"))

    def trusted(self, now: UtcInstant) -> tuple[bool, str]:
        """Whether the store is the newest one, and if not, why, and how old it is at `now`.

        It is not when it lacks the entry that the head file names, or has another in its place.
        Entries beyond it (after a crash between the two writes) are checked, and the file is
        moved forward.
        """
        remembered = self._head_file.read()
        with self._database.reading() as session:
            problem = ledger.head_problem(session, remembered)
            if problem or remembered is None:
                newest = ledger.newest_row(session)
                age = f"; its last entry is from {_ago(newest.at, now)}" if newest else ""
                return False, f"The ledger cannot be trusted: {problem}{age}."
            newer = session.scalars(
                select(LedgerRow)
                .where(LedgerRow.sequence > remembered.sequence)
                .order_by(LedgerRow.sequence)
            ).all()
            problem = ledger.chain_problem(newer, remembered)
            head = ledger.head_of(newer[-1]) if newer else remembered
        if problem:
            return False, f"The ledger cannot be trusted: {problem}."
        self._head_file.move_forward(head)
        return True, ""

    def clock_problem(self, now: UtcInstant) -> str:
        """Why `now` cannot be right, or nothing: an entry is more than 60 s later.

        Entries of before the last correction of the clock no longer count.
        """
        latest = self.latest_entry()
        if latest is None or now >= latest.at - LARGEST_STEP_BACK:
            return ""
        return (
            f"this clock says {now:%Y-%m-%d %H:%M:%S} UTC, and entry {latest.sequence} of the "
            f"ledger was written at {latest.at:%Y-%m-%d %H:%M:%S} UTC"
        )

    def latest_entry(self) -> LedgerEntry | None:
        """The entry with the highest time since the last correction of the clock."""
        with self._database.reading() as session:
            latest = clocks.latest_row(session)
            return ledger.entry_of(latest) if latest is not None else None

    def correct_clock(
        self,
        correction: ClockCorrection,
        *,
        digest: Digest,
        approvals_used: tuple[int, ...],
        now: UtcInstant,
    ) -> tuple[int, tuple[str, ...]]:
        """Record that entries from the future no longer say what time it is.

        Every signature that nobody used lapses with it, and every operation that was authorized
        only; answers how many, and which. Raises Refused when another entry is the latest by now,
        or the correction came into force before.
        """
        with self._changing() as change:
            return clocks.correct_clock(
                change, correction, digest=digest, approvals_used=approvals_used, now=now
            )

    def reconcile(
        self, claims: tuple[LaneClaim, ...], *, by: Person, now: UtcInstant, look_only: bool
    ) -> Reconciled:
        """Bring a store that was lost or put back in line with what the lanes say of themselves.

        Only what tightens is taken. With `look_only`, nothing is written. Raises Refused when the
        store's own ledger is broken: then another copy, or none, is to be put in its place.
        """
        remembered = self._head_file.read()
        with self._database.writing() as session:
            rows = session.scalars(select(LedgerRow).order_by(LedgerRow.sequence)).all()
            broken = (
                ledger.chain_problem(rows, GENESIS)
                or policies.difference_to_ledger(session)
                or evidence.difference_to_ledger(session)
                or replay.difference_to_ledger(session)
            )
            if broken:
                raise Refused.because(self._not_trusted(broken))
            problem = ledger.head_problem(session, remembered)
            newest = ledger.newest_row(session)
            head = ledger.head_of(newest)
            change = Transaction(session=session, at=self._clock(), head=head)
            taken = reconciling.reconcile(
                change,
                claims,
                highest=self._highest_file.read(),
                lost=(remembered or head) if problem else None,
                written_until=newest.at if newest is not None else None,
                by=by,
                now=now,
            )
            if look_only:
                session.rollback()
                return Reconciled(problem, taken)
            entries = [ledger.entry_of(row) for row in change.written]
            self._highest_file.raise_to(change.highest)
        self._head_file.move_forward(change.head)
        for entry in entries:
            self.on_entry(entry)
        return Reconciled(problem, taken)

    # -- how it is done ------------------------------------------------------------

    @contextmanager
    def _changing(self) -> Iterator[Transaction]:
        with self._database.writing() as session:
            # Only inside the transaction is the head file known not to be ahead of us.
            problem = ledger.head_problem(session, self._head_file.read())
            if problem:
                raise Refused.because(self._not_trusted(problem))
            head = ledger.head_of(ledger.newest_row(session))
            change = Transaction(session=session, at=self._clock(), head=head)
            yield change
            # Read while the rows are at hand; they are told of once all of it is durable.
            entries = [ledger.entry_of(row) for row in change.written]
            # Before the commit: a number that nobody had is harmless, one that is lost is not.
            self._highest_file.raise_to(change.highest)
        self._head_file.move_forward(change.head)
        for entry in entries:
            self.on_entry(entry)

    def _begin_head_file(self) -> None:
        if self._head_file.read() is not None:
            return
        with self._database.reading() as session:
            is_new = ledger.newest_row(session) is None
        if is_new:
            self._head_file.move_forward(GENESIS)

    def _not_trusted(self, problem: str) -> Reason:
        return reason(
            ReasonCode.STORE_ROLLED_BACK,
            f"The ledger of the store {self._database.place} cannot be trusted: {problem}.",
            "Put the newest store back, together with nothing else: the head in "
            f"{self._head_file.path} stays as it is. Where the newest one is lost, bring this one "
            "in line with the lanes: `lane-authority reconcile`.",
            problem=problem,
        )


def _ago(then: datetime, now: datetime) -> str:
    minutes = int((now - then).total_seconds() // 60)
    return f"{then:%Y-%m-%d %H:%M} UTC, {minutes} minutes ago"


def _nobody(_entry: LedgerEntry) -> None:
    """Nobody is told."""
