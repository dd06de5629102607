"""What `doctor` found: part by part, and what to do about each."""

from enum import StrEnum
from typing import Self

from pydantic import model_validator

from launchplane_lane_contracts.contract import Contract, UtcInstant, VersionedContract
from launchplane_lane_contracts.errors import CouldNotTell, ExitCode, LaneAuthorityError
from launchplane_lane_contracts.lane import Lane


class Health(StrEnum):
    """How one part is."""

    GOOD = "good"
    WARNING = "warning"
    """It works, and something should be known."""
    WRONG = "wrong"
    """It does not work, or not safely, until something is done."""
    UNKNOWN = "unknown"
    """It did not answer, so nobody can tell."""


class Finding(Contract):
    """One part."""

    part: str
    """Which part, in a word or two."""
    lane: Lane | None = None
    """Whose part it is; None for the host's own."""
    health: Health
    """How it is."""
    message: str
    """What was seen."""
    remedy: str = ""
    """What to do about it; empty exactly where it is good."""

    @model_validator(mode="after")
    def _good_or_remedy(self) -> Self:
        if (self.health is Health.GOOD) is bool(self.remedy):
            raise ValueError("a finding is good, or it says what to do")
        return self

    @classmethod
    def good(cls, part: str, message: str) -> Self:
        """A part that is as it should be."""
        return cls(part=part, health=Health.GOOD, message=message)

    @classmethod
    def warning(cls, part: str, message: str, remedy: str) -> Self:
        """A part that works, and of which something should be known."""
        return cls(part=part, health=Health.WARNING, message=message, remedy=remedy)

    @classmethod
    def wrong(cls, part: str, message: str, remedy: str) -> Self:
        """A part that needs something done."""
        return cls(part=part, health=Health.WRONG, message=message, remedy=remedy)

    @classmethod
    def unknown(cls, part: str, message: str, remedy: str) -> Self:
        """A part that did not answer."""
        return cls(part=part, health=Health.UNKNOWN, message=message, remedy=remedy)

    @classmethod
    def of_problem(cls, part: str, problem: LaneAuthorityError, remedy: str = "") -> Self:
        """A part whose own words already say what is wrong and what to do."""
        told = " ".join(each.remedy for each in problem.reasons)
        return cls(
            part=part,
            health=Health.UNKNOWN if isinstance(problem, CouldNotTell) else Health.WRONG,
            message="; ".join(each.message for each in problem.reasons) or problem.message,
            remedy=told or remedy or "Put right what it says, then run `doctor` again.",
        )


class Examination(VersionedContract):
    """The whole round."""

    examined_at: UtcInstant
    """When it began (UTC)."""
    findings: tuple[Finding, ...]
    """The host's parts first, then each lane's."""

    @property
    def exit_code(self) -> ExitCode:
        """50 where something is wrong, else 51 where something is unknown, else 0."""
        found = {each.health for each in self.findings}
        if Health.WRONG in found:
            return ExitCode.REFUSED
        return ExitCode.COULD_NOT_TELL if Health.UNKNOWN in found else ExitCode.DONE
