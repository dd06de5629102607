"""What every piece of work on a lane needs: configuration, store, keys, the two witnesses."""

import secrets
import uuid
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from launchplane_lane_contracts.approval import Approval, Thresholds
from launchplane_lane_contracts.contract import Digest, Nonce, PermitId
from launchplane_lane_contracts.errors import LaneAuthorityError, Refused
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.observation import HostRecord, Observation
from launchplane_lane_contracts.orders import AUDIENCE, SignedOrder
from launchplane_lane_contracts.people import People
from launchplane_lane_contracts.reading import DatabaseEntry, ServerReading
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_contracts.request import Request

from .approvals import verify_all
from .evidence import USUAL_BACKUP_MAX_AGE, incoming_data, present_evidence
from .host_directory import HostDirectory
from .keys import PublicKeys, SigningKey
from .lane_configuration import LaneConfiguration
from .notices import notices_of
from .people import people_that_count
from .store.records import LedgerEntry, StoredApproval
from .store.store import ORDER_SIGNED, Store
from .telling import Teller
from .witnesses import NOTHING_COMES, Witnessed, ask_witnesses, judge


@dataclass(frozen=True)
class LaneOffice:
    """One host, opened."""

    host: HostDirectory
    store: Store
    key: SigningKey
    keys: PublicKeys
    teller: Teller

    @classmethod
    def open(cls, host: HostDirectory) -> Self:
        """Open the store and load the keys. Raises BadInput, CouldNotTell."""
        office = cls(
            host=host,
            store=Store.open(host.store_url, host.head_file),
            key=SigningKey.load(host),
            keys=PublicKeys.load(host),
            teller=Teller(),
        )
        office.store.on_entry = office.tell_of
        return office

    def close(self) -> None:
        """Close the store's connections, and give those who are being told a moment."""
        self.store.close()
        self.teller.wait()

    def tell_of(self, entry: LedgerEntry) -> None:
        """Tell people what follows from an entry. Returns at once and raises nothing."""
        # Whatever is wrong with an entry, the operation that wrote it is not to suffer.
        with suppress(Exception):
            for notice in notices_of(entry):
                self.teller.tell(notice)

    def configuration(self, lane: Lane) -> LaneConfiguration:
        """Where the lane is. Raises BadInput when nobody configured it."""
        return self.host.lane(lane)

    def approvals(
        self, digest: Digest, *, used_by: str | None = None, by: People | None = None
    ) -> tuple[Approval, ...]:
        """Signatures under a digest that are free, or were used by this very operation.

        Each is verified once more: only the approvers on record (or `by`) say whose signature
        counts now.
        """
        return tuple(
            each.approval
            for each in self._good(digest, by)
            if each.used_by is None or each.used_by == used_by
        )

    def _good(self, digest: Digest, by: People | None) -> tuple[StoredApproval, ...]:
        if not self.store.approvals(digest):
            return ()
        people = by or self.people()
        if people is None:
            return ()
        return tuple(verify_all(people, self.store, digest, now=utc_now(), keys=self.keys).good)

    def people(self) -> People | None:
        """Whose signatures count; None while the files are not what is on record."""
        try:
            return people_that_count(self.host, self.store)
        except LaneAuthorityError:
            # Whatever is wrong with the files, no signature counts; `approve` and `doctor` say why.
            return None

    def thresholds(self) -> Thresholds:
        """How many approvers are asked for: as on record, else as usual."""
        people = self.people()
        return people.thresholds if people is not None else Thresholds()

    def free_approval_ids(
        self, digest: Digest, counted: Collection[str], *, by: People | None = None
    ) -> tuple[int, ...]:
        """The numbers of the unused signatures under a digest of those whose signatures counted.

        One that had lapsed is left where it is: what is claimed with it would lapse at once.
        """
        return tuple(
            each.approval_id
            for each in self._good(digest, by)
            if each.used_by is None and each.approval.person in counted
        )

    def look(self, record: HostRecord, *, attested_by: str | None = None) -> Witnessed:
        """Ask both witnesses about the lane of this record."""
        return ask_witnesses(
            self.configuration(record.lane), record, self.key, attested_by=attested_by
        )

    def observe(
        self,
        witnessed: Witnessed,
        *,
        request: Request | None = None,
        approvals: tuple[Approval, ...] = (),
    ) -> Observation:
        """Judge what they said, together with what can be said of store and clock."""
        trusted, _detail = self.store.trusted(witnessed.read_at)
        lane = witnessed.record.lane
        recorded, revision = self.store.evidence(lane), self.store.policy(lane)
        database = witnessed.reading.database
        return judge(
            witnessed,
            self.keys,
            request=request,
            present=present_evidence(
                recorded,
                witnessed.record,
                longest_age=revision.policy.backup_max_age if revision else USUAL_BACKUP_MAX_AGE,
                now=witnessed.read_at,
            ),
            incoming=(
                incoming_data(
                    self.store,
                    recorded,
                    request,
                    witnessed.reading.declaration,
                    revision.policy if revision else None,
                )
                if request
                else NOTHING_COMES
            ),
            approvals=approvals,
            thresholds=self.thresholds(),
            store_trusted=trusted,
            store_clock_problem=self.store.clock_problem(witnessed.read_at),
            on_record_as=self.on_record_as(lane, database.server, database.entry),
        )

    def on_record_as(
        self, lane: Lane, server: ServerReading | None, entry: DatabaseEntry | None
    ) -> str:
        """As which other lane's data this very database is on record; "" where none has it."""
        if server is None or entry is None:
            return ""
        found = self.store.anothers_data(
            lane,
            system_identifier=server.system_identifier,
            database_oid=entry.oid,
            name=entry.name,
        )
        return found.words if found is not None else ""

    def require_clock(self) -> None:
        """Raise Refused where the ledger knows that this host's clock is behind.

        Signatures that have lapsed would count again by it.
        """
        problem = self.store.clock_problem(utc_now())
        if problem:
            raise Refused.because(
                reason(
                    ReasonCode.CLOCK_UNRELIABLE,
                    f"The clocks do not agree: {problem}.",
                    "Set the clock that is wrong, then try again. Where this host's was ahead and "
                    "is right by now: `lane-authority clock correct`.",
                )
            )

    def sign(self, order: SignedOrder) -> str:
        """The order as a token for the guard; that it was signed is on record before.

        Raises Refused when the store is an old copy, Busy, CouldNotTell.
        """
        token = self.key.sign(
            order, audience=AUDIENCE, issued_at=order.issued_at, expires_at=order.begin_before
        )
        self.store.note(
            ORDER_SIGNED,
            order.lane,
            {
                "kind": order.kind,
                "nonce": order.nonce,
                "permit_id": getattr(order, "permit_id", None),
                "order_digest": order.digest(),
                "key_id": self.key.key_id,
            },
            utc_now(),
        )
        return token


def utc_now() -> datetime:
    """What the host's clock says (UTC)."""
    return datetime.now(UTC)


def new_nonce() -> Nonce:
    """A value that nobody can guess and that is never used again."""
    return Nonce(secrets.token_hex(16))


def new_permit_id() -> PermitId:
    """A permit's identifier, never used again."""
    return PermitId(uuid.uuid4().hex)
