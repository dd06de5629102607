"""What a drill came to: a report that an operator would forward."""

from datetime import datetime, timedelta
from enum import StrEnum

from launchplane_lane_contracts.contract import (
    BackupId,
    Contract,
    Duration,
    UtcInstant,
    VersionedContract,
)
from launchplane_lane_contracts.errors import ExitCode
from launchplane_lane_contracts.lane import Lane

from .listing import in_words


class DrillOutcome(StrEnum):
    """How it ended for one lane."""

    PROVEN = "proven"
    NOT_DUE = "not due"
    FAILED = "failed"
    COULD_NOT_TELL = "could not tell"
    ELSEWHERE = "another drill is at it"
    NOTHING_THERE = "no data on record"


class DrilledLane(Contract):
    """One lane."""

    lane: Lane
    """The lane."""
    outcome: DrillOutcome
    """How it ended."""
    backup_id: BackupId | None = None
    """The newest proven backup of the data that is there."""
    snapshot_at: UtcInstant | None = None
    """The moment that it holds (UTC)."""
    proven_at: UtcInstant | None = None
    """When it was proven (UTC)."""
    recovery: Duration | None = None
    """How long it took to have it back and compared."""
    loads: bool = False
    """Whether Odoo was seen to load on it."""
    problem: str = ""
    """What failed, in words; of a load that failed too."""

    def line(self, now: datetime) -> str:
        """As lines for people."""
        head = f"{self.lane}: {self.outcome}"
        if self.backup_id is None or self.snapshot_at is None or self.proven_at is None:
            facts = "" if self.outcome is DrillOutcome.NOTHING_THERE else "no proven backup"
        else:
            taken = "unknown" if self.recovery is None else in_words(self.recovery)
            facts = (
                f"backup {self.backup_id[:12]} of {self.snapshot_at:%Y-%m-%d %H:%M} UTC "
                f"({in_words(now - self.snapshot_at)} old), proven {self.proven_at:%Y-%m-%d %H:%M} "
                f"UTC, recovery {taken}, " + ("Odoo loads" if self.loads else "Odoo not loaded")
            )
        return "\n    ".join(part for part in (head, facts, self.problem) if part)


class DrillReport(VersionedContract):
    """All lanes that require a backup or its proof."""

    began_at: UtcInstant
    """When the drill began (UTC)."""
    ended_at: UtcInstant
    """When it ended (UTC)."""
    lanes: tuple[DrilledLane, ...]
    """The lanes, those that failed first."""

    @property
    def exit_code(self) -> ExitCode:
        """Fit for cron: 0 where nothing failed and nothing stayed unknown."""
        outcomes = {each.outcome for each in self.lanes}
        if DrillOutcome.FAILED in outcomes:
            return ExitCode.REFUSED
        if DrillOutcome.COULD_NOT_TELL in outcomes:
            return ExitCode.COULD_NOT_TELL
        return ExitCode.DONE

    def words(self) -> str:
        """As a text for people."""
        took: timedelta = self.ended_at - self.began_at
        bad = sum(
            each.outcome in (DrillOutcome.FAILED, DrillOutcome.COULD_NOT_TELL)
            for each in self.lanes
        )
        head = (
            f"Drill of {self.began_at:%Y-%m-%d %H:%M} UTC: {len(self.lanes)} lane(s), "
            f"{bad} failed, in {in_words(took)}"
        )
        return "\n".join((head, *(each.line(self.ended_at) for each in self.lanes)))
