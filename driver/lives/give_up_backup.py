"""`backup give-up`: a backup that holds the last copy of released data may go, as people signed."""

from collections.abc import Iterator
from dataclasses import replace

from launchplane_lane_contracts.contract import BackupId, Digest
from launchplane_lane_contracts.lives import BackupGivenUp
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from ..backups.pins import unpin
from ..lane_office import LaneOffice
from .life import Asked, Life, LifePlan, Seen
from .place import nothing_is_under_way


class GiveUpBackup(Life[BackupGivenUp]):
    """Nothing is removed by it: `backup prune` may take the backup from then on, by its rules."""

    kind = "backup_given_up"
    command = "backup give-up"
    document = BackupGivenUp
    needs_the_guard = False

    def refusals(self, seen: Seen) -> Iterator[Reason]:
        """Data must have been released on it, and nothing be unfinished."""
        yield from nothing_is_under_way(seen)
        if not seen.held_by_backup:
            yield reason(
                ReasonCode.NOTHING_TO_DO,
                f"No data of lane {seen.asked.lane} was released on the proof of a backup "
                f"{seen.asked.backup}, or it was given up since.",
                "What nothing leans on goes by its age: `lane-authority backup prune "
                f"{seen.asked.lane} --dry-run` says of each backup why it stays.",
            )

    def proposed(self, seen: Seen) -> BackupGivenUp:
        """Which backup, and all that was in it alone."""
        assert seen.asked.backup is not None
        return BackupGivenUp(
            lane=seen.asked.lane,
            requester=seen.asked.requester,
            reason=seen.asked.reason,
            backup_id=seen.asked.backup,
            held=seen.held_by_backup,
        )

    def words(self, document: BackupGivenUp) -> tuple[str, ...]:
        """It in words."""
        return (
            f"GIVE UP a backup of lane {document.lane}, asked for by {document.requester}: "
            f"{document.reason}",
            f"Backup:     {document.backup_id}",
            f"It holds:   {', '.join(document.held)}, which was dropped because it does",
            "Afterwards: `backup prune` may remove it like any other; then nothing brings that "
            "data back.",
        )

    def asked(self, document: BackupGivenUp) -> Asked:
        """What was asked for, from what was signed."""
        return replace(super().asked(document), backup=BackupId(document.backup_id))

    def act(self, office: LaneOffice, plan: LifePlan[BackupGivenUp]) -> str:
        """Put on record what was given up, and by whom."""
        document = plan.document
        people = tuple(sorted({*plan.tally.approvers, document.requester}))
        unpin(office, document, plan.digest, people)
        return f"Lane {document.lane}: backup {document.backup_id} was given up."

    def go_on(self, office: LaneOffice, document: BackupGivenUp, digest: Digest) -> str | None:
        """Nothing on the lane was changed, so there is nothing to go on with."""
        del office, document, digest
        return None
