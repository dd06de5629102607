"""Refusals as exceptions, and the exit codes that programs see. The same on both sides."""

from enum import IntEnum

from .reasons import Reason


class ExitCode(IntEnum):
    """What a command answers. The devkit's own codes (10 to 40) are left free."""

    DONE = 0
    USAGE = 2
    REFUSED = 50
    COULD_NOT_TELL = 51
    BUSY = 52


class LaneAuthorityError(Exception):
    """The base of every error that we raise on purpose."""

    exit_code = ExitCode.COULD_NOT_TELL

    def __init__(self, message: str, reasons: tuple[Reason, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.reasons = reasons


class Refused(LaneAuthorityError):
    """The rules say no."""

    exit_code = ExitCode.REFUSED

    @classmethod
    def because(cls, *reasons: Reason) -> "Refused":
        """A refusal for these reasons, whose text holds them all."""
        return cls("\n".join(f"{each.code}: {each.message}" for each in reasons), reasons)


class CouldNotTell(LaneAuthorityError):
    """Something that had to be known could not be known. It counts as no."""

    exit_code = ExitCode.COULD_NOT_TELL


class Busy(LaneAuthorityError):
    """Somebody else is at it."""

    exit_code = ExitCode.BUSY


class BadInput(LaneAuthorityError):
    """What was given makes no sense."""

    exit_code = ExitCode.USAGE
