"""Checking the record again, offline: the chain, the tables beside it, and every signature used."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from launchplane_lane_contracts.errors import BadInput, CouldNotTell, Refused
from launchplane_lane_contracts.people import People
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .approvals import approval_problem
from .host_identity import HostApproval
from .key_ring import KEY_REVOKED
from .keys import PublicKeys
from .ledger_head import LedgerHead
from .people import NOBODY
from .store.ledger import EntryKind
from .store.records import LedgerEntry, StoredApproval
from .store.store import Store


@dataclass(frozen=True)
class Verified:
    """What was checked and found whole."""

    entries: int
    """Entries of the ledger."""
    used: int
    """Signatures that were used, each good by the people on record then, or taken away."""
    free: int
    """Signatures that nobody used yet."""


def verify_record(store: Store, keys: PublicKeys, anchor: LedgerHead | None = None) -> Verified:
    """Check everything that was ever written. Nothing is asked but the store and `keys`.

    Raises Refused with the first thing that is wrong; CouldNotTell when OpenSSH is not there.
    """
    store.verify_ledger()
    if anchor is not None:
        store.verify_anchor(anchor)
    with store.whole_record() as (signatures, ledger):
        return _verify(signatures, ledger, keys)


def _verify(
    signatures: tuple[StoredApproval, ...], ledger: Iterable[LedgerEntry], keys: PublicKeys
) -> Verified:
    stored = {each.approval_id: each for each in signatures}
    told: set[int] = set()
    used: set[int] = set()
    revoked: set[str] = set()
    people, entries = NOBODY, 0
    for entry in ledger:
        entries += 1
        if entry.kind == EntryKind.APPROVED:
            told.add(_as_told(entry, stored))
        for number in _used_by(entry):
            if number in used:
                raise _wrong(f"entry {entry.sequence} uses signature {number} a second time")
            used.add(number)
            _good_when_used(
                entry,
                stored.get(number),
                number,
                people,
                partial(keys.approval_on_record, revoked_before=frozenset(revoked)),
            )
        # A correction of the clock took them away; they never counted for anything.
        used |= {int(each) for each in entry.document.get("lapsed_approvals", ())}
        if (entry.kind, entry.document.get("what")) == (EntryKind.NOTED, KEY_REVOKED):
            revoked.add(entry.document["particulars"]["key_id"])
        if entry.kind == EntryKind.PEOPLE_RECORDED:
            people = People.from_plain(entry.document["people"])
    for number, each in sorted(stored.items()):
        if number not in told:
            raise _wrong(f"signature {number} is in the store and not in the ledger")
        if (each.used_by is not None) is not (number in used):
            raise _wrong(f"signature {number} is marked as used otherwise than the ledger says")
    return Verified(entries=entries, used=len(used), free=len(stored) - len(used))


def _as_told(entry: LedgerEntry, stored: dict[int, StoredApproval]) -> int:
    """The signature that the entry tells of, which must be the one that is stored."""
    said = entry.document
    number = int(said["approval_id"])
    each = stored.get(number)
    if each is None or (
        each.approval.signed_digest,
        each.approval.person,
        each.key_fingerprint,
        each.signature,
        each.approval.signed_at.isoformat(),
    ) != tuple(
        said[name] for name in ("digest", "person", "key_fingerprint", "signature", "signed_at")
    ):
        raise _wrong(f"signature {number} is not the one that entry {entry.sequence} tells of")
    return number


def _used_by(entry: LedgerEntry) -> Iterator[int]:
    numbers = entry.document.get("approvals")
    if isinstance(numbers, list):
        yield from (int(each) for each in numbers)


def _good_when_used(
    entry: LedgerEntry,
    stored: StoredApproval | None,
    number: int,
    people: People,
    read: Callable[[str], HostApproval | None],
) -> None:
    if stored is None:
        raise _wrong(f"entry {entry.sequence} uses signature {number}, which is not in the store")
    problem = approval_problem(people, stored, now=entry.at, read=read)
    if problem:
        raise _wrong(
            f"signature {number} of {stored.approval.person} was used by entry {entry.sequence} "
            f"and does not stand by the people on record then: {problem.rstrip('.')}"
        )


def read_anchor(file: Path) -> LedgerHead:
    """The head that `audit anchor` printed. Raises BadInput, CouldNotTell."""
    try:
        return LedgerHead.from_json(file.read_bytes())
    except OSError as problem:
        raise CouldNotTell(f"{file} cannot be read: {problem.strerror}.") from None
    except ValidationError:
        raise BadInput(
            f"{file} holds no anchor. Give a file into which `lane-authority audit anchor` wrote."
        ) from None


def _wrong(problem: str) -> Refused:
    return Refused.because(
        reason(
            ReasonCode.STORE_ROLLED_BACK,
            f"The record cannot be trusted: {problem}.",
            "Put the newest store back, together with nothing else, and find out who changed this "
            "one.",
            problem=problem,
        )
    )
