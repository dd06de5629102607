"""Backups that a release leaned on: what was dropped is in them alone from then on."""

from launchplane_lane_contracts.contract import BackupId
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.lives import Release

from ..lane_office import LaneOffice, utc_now
from ..store.ledger import EntryKind
from ..store.store import Store

PINNED = "backup_pinned"


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


def pinned_backups(store: Store, lane: Lane) -> frozenset[BackupId]:
    """Every backup of the lane that data was, or was about to be, released on: the last copy."""
    found = set()
    for entry in store.walk_ledger(lane):
        particulars = entry.document.get("particulars", {})
        if entry.kind == EntryKind.NOTED and entry.document.get("what") == PINNED:
            found.add(BackupId(particulars["backup_id"]))
        elif entry.kind == EntryKind.KEPT_RELEASED:
            basis = particulars.get("basis", {})
            if basis.get("kind") == "proof":
                found.add(BackupId(basis["backup_id"]))
    return frozenset(found)
