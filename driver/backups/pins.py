"""Backups that a release leaned on: what was dropped is in them alone from then on."""

from collections.abc import Iterable, Mapping

from launchplane_lane_contracts.contract import BackupId, DatabaseName, Digest, Person
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.lives import BackupGivenUp, Release

from ..lane_office import LaneOffice, utc_now
from ..store.ledger import EntryKind
from ..store.store import Store

PINNED = "backup_pinned"
GIVEN_UP = "backup_given_up"


def pin(office: LaneOffice, document: Release) -> None:
    """Put on record that kept data is about to be dropped because this backup holds it.

    Before the drop: a backup that is pinned for nothing does no harm, one that is not pinned might
    be pruned in the moment after.
    """
    if document.proof is None:
        return
    office.store.note(
        PINNED,
        document.lane,
        {"backup_id": document.proof.backup_id, "kept": document.kept.to_plain()},
        utc_now(),
    )


def unpin(
    office: LaneOffice, document: BackupGivenUp, digest: Digest, people: Iterable[Person]
) -> None:
    """Put on record that people gave up what this backup holds."""
    office.store.note(
        GIVEN_UP,
        document.lane,
        {
            "backup_id": document.backup_id,
            "held": list(document.held),
            "digest": digest,
            "by": list(people),
        },
        utc_now(),
    )


def pinned_backups(store: Store, lane: Lane) -> Mapping[BackupId, tuple[DatabaseName, ...]]:
    """Every backup of the lane that data was, or was about to be, released on: the last copy.

    With the names of that data, in the order in which it went. One that was given up is none, until
    more data is released on it.
    """
    found: dict[BackupId, dict[DatabaseName, None]] = {}
    for entry in store.walk_ledger(lane):
        particulars = entry.document.get("particulars", {})
        what = entry.document.get("what") if entry.kind == EntryKind.NOTED else None
        if what == PINNED:
            held = found.setdefault(BackupId(particulars["backup_id"]), {})
            held[DatabaseName(particulars["kept"]["name"])] = None
        elif what == GIVEN_UP:
            found.pop(BackupId(particulars["backup_id"]), None)
        elif entry.kind == EntryKind.KEPT_RELEASED:
            basis = particulars.get("basis", {})
            if basis.get("kind") == "proof":
                held = found.setdefault(BackupId(basis["backup_id"]), {})
                held[DatabaseName(entry.document["name"])] = None
    return {backup: tuple(held) for backup, held in found.items()}
