"""What the guard answers. A guard must prove that it ran: the receipt repeats the order's nonce."""

import base64
from enum import StrEnum
from typing import Annotated

from pydantic import Field, JsonValue

from .contract import (
    Contract,
    DatabaseNameField,
    PermitIdField,
    UtcInstant,
    VersionedContract,
)
from .marker import ObjectId
from .reading import LaneReading
from .reasons import Reason

RECEIPT_NAME = "LAUNCHPLANE_LANE_AUTHORITY_RESULT_B64"
"""The name before the `=` in the one-line receipt."""


class Outcome(StrEnum):
    """How a guard command ended."""

    DONE = "done"
    REFUSED = "refused"
    COULD_NOT_TELL = "could_not_tell"
    BUSY = "busy"
    BAD_INPUT = "bad_input"
    COMMAND_FAILED = "command_failed"
    """Of `run` alone: the guard did its part, the command that it ran did not."""


class SetAside(Contract):
    """What was set aside."""

    name: DatabaseNameField
    """The name that it is kept under."""
    database_oid: ObjectId | None
    """The database's oid; None when only files were there."""
    has_filestore: bool
    """Whether a folder was set aside with it."""


class CommandRun(Contract):
    """The end of the command that `run` ran."""

    exit_code: Annotated[int, Field(ge=0, le=255)]
    """Its exit code; 128 and the signal's number where a signal ended it, as a shell says it."""


class Receipt(VersionedContract):
    """The answer to one guard command."""

    command: str
    """The command."""
    outcome: Outcome
    """How it ended."""
    nonce: str
    """The nonce of the order; empty for commands that take none or could not read it."""
    permit_id: PermitIdField | None = None
    """The permit, where there was one."""
    reasons: tuple[Reason, ...] = ()
    """Why it was refused."""
    message: str = ""
    """The same in words, for people."""
    set_aside: SetAside | None = None
    """What the command set aside."""
    ran: CommandRun | None = None
    """How the command ended, where `run` came to start one."""
    result: dict[str, JsonValue] | None = None
    """What this command alone answers: the plain form of a contract of its own."""
    reading: LaneReading | None = None
    """What stands there now."""
    answered_at: UtcInstant
    """When (UTC, by the guard's clock)."""
    guard_version: str
    """The guard's version."""
    rulebook_version: int
    """The version of the guard's rule book."""

    def line(self) -> str:
        """The one-line receipt, for a caller that sees only log lines.

        It has every field; `result` and `reading`, which can be long, are empty in it.
        """
        small = self.model_copy(update={"result": None, "reading": None})
        return f"{RECEIPT_NAME}={base64.b64encode(small.canonical()).decode()}"
