"""Reaching the guard in a lane's runtime: a child process that must prove that it ran."""

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from pydantic import ValidationError

from launchplane_lane_contracts.contract import RULEBOOK_VERSION, FilestorePath
from launchplane_lane_contracts.errors import (
    BadInput,
    Busy,
    CouldNotTell,
    LaneAuthorityError,
    Refused,
)
from launchplane_lane_contracts.reading import (
    DatabaseReading,
    FilestoreReading,
    KeepReading,
    LaneReading,
)
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_contracts.receipt import Outcome, Receipt
from launchplane_lane_contracts.vocabulary import KeepState

from .lane_configuration import LaneConfiguration

LARGEST_ANSWER_BYTES = 8_000_000
SHOW_TIMEOUT_SECONDS = 60

_ERRORS: dict[Outcome, type[LaneAuthorityError]] = {
    Outcome.REFUSED: Refused,
    Outcome.COULD_NOT_TELL: CouldNotTell,
    Outcome.BUSY: Busy,
    Outcome.BAD_INPUT: BadInput,
}


def show(configuration: LaneConfiguration) -> LaneReading:
    """What the guard sees. Never raises: a guard that cannot answer is a reading with problems."""
    try:
        timeout = min(SHOW_TIMEOUT_SECONDS, configuration.guard_timeout)
        receipt = _run(configuration, ["show"], "", timeout)
        reading = receipt.reading
        if receipt.command == "show" and reading is not None:
            return reading
        problem = receipt.message or "the guard answered without a reading"
    except LaneAuthorityError as error:
        problem = error.message
    return unread(configuration, problem)


def sweep(configuration: LaneConfiguration) -> None:
    """Have the guard drop what waits beside the lane for an operation that is given up.

    Never raises: what stays is dropped by the next restore.
    """
    with suppress(LaneAuthorityError):
        _run(configuration, ["sweep"], "", configuration.guard_timeout)


def ask(configuration: LaneConfiguration, arguments: Sequence[str], *, timeout: float) -> Receipt:
    """Have the guard do what needs no order, and give its receipt, whatever it came to.

    Raises CouldNotTell when it did not answer properly.
    """
    receipt = _run(configuration, list(arguments), "", timeout)
    if receipt.command != arguments[0]:
        raise _silence(configuration, "its receipt belongs to another command")
    return receipt


def failure_of(receipt: Receipt) -> LaneAuthorityError:
    """What a receipt says went wrong, as the error that it is."""
    return _ERRORS.get(receipt.outcome, CouldNotTell)(receipt.message, receipt.reasons)


def carry_out(
    configuration: LaneConfiguration,
    command: str,
    token: str,
    nonce: str,
    *,
    options: Sequence[str] = (),
    timeout: float | None = None,
) -> tuple[Receipt, LaneReading]:
    """Have one signed order carried out, with these further options of the command.

    `timeout` (seconds) is another one than the guard's usual.

    Raises Refused, CouldNotTell, Busy or BadInput as the guard answered, and CouldNotTell when it
    did not answer properly: then the order may or may not have been carried out.
    """
    seconds = configuration.guard_timeout if timeout is None else timeout
    receipt = _run(configuration, [command, *options, "--order", "-"], token, seconds)
    if receipt.command != command or receipt.nonce not in (nonce, ""):
        raise _silence(configuration, "its receipt belongs to another order")
    if receipt.outcome is not Outcome.DONE:
        raise _ERRORS[receipt.outcome](receipt.message, receipt.reasons)
    if receipt.nonce != nonce or receipt.reading is None:
        raise _silence(configuration, "its receipt does not prove that it ran")
    return receipt, receipt.reading


def _run(
    configuration: LaneConfiguration, arguments: list[str], token: str, timeout: float
) -> Receipt:
    try:
        child = subprocess.run(
            [*configuration.guard_command, *arguments],
            input=token.encode(),
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _silence(configuration, f"it did not answer within {timeout:g} seconds") from None
    except OSError as problem:
        raise _silence(configuration, f"it could not be started: {problem.strerror}") from None
    lines = child.stdout[:LARGEST_ANSWER_BYTES].strip().splitlines()
    try:
        receipt = Receipt.from_json(lines[-1] if lines else b"")
    except ValidationError:
        detail = _last_line(child.stderr)
        raise _silence(
            configuration,
            f"it ended with code {child.returncode} and no receipt"
            + (f"; its last words: {detail}" if detail else ""),
        ) from None
    if receipt.rulebook_version != RULEBOOK_VERSION:
        raise CouldNotTell(
            f"The guard of lane {configuration.lane} runs rule book {receipt.rulebook_version}, "
            f"this host {RULEBOOK_VERSION}. Give the lane the guard of the host's version: "
            "`lane-authority guard-bundle` makes one file of it, for an image that has another."
        )
    return receipt


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else ""


def _silence(configuration: LaneConfiguration, detail: str) -> CouldNotTell:
    found = reason(
        ReasonCode.GUARD_SILENT,
        f"The guard of lane {configuration.lane} gave no valid answer: {detail.rstrip('.')}.",
        "Try its guard command by hand with `show`; put right what it says, then go on. Whatever "
        "was under way can be run again.",
        lane=configuration.lane,
        detail=detail,
    )
    return CouldNotTell(f"{found.code}: {found.message}", (found,))


NO_GUARD = "unknown"
"""The version of a guard that did not answer."""


def require_answer(configuration: LaneConfiguration, reading: LaneReading) -> None:
    """Raise CouldNotTell where the guard did not answer, so that nothing of it was read."""
    if reading.guard_version != NO_GUARD:
        return
    problem = reading.identity_problem or "it did not answer"
    found = reason(
        ReasonCode.GUARD_SILENT,
        f"Lane {configuration.lane} was not read. "
        + problem.removeprefix(f"{ReasonCode.GUARD_SILENT}: "),
        "Try its guard command by hand with `show` and put right what it says; then try again.",
        lane=configuration.lane,
        detail=problem,
    )
    raise CouldNotTell(f"{found.code}: {found.message}", (found,))


def unread(configuration: LaneConfiguration, problem: str) -> LaneReading:
    """The reading of a lane that was not read, and why."""
    return LaneReading(
        lane=None,
        runtime_identity=None,
        identity_problem=problem,
        database=DatabaseReading(name=configuration.database, problem=problem),
        filestore=FilestoreReading(
            path=FilestorePath(configuration.filestore_path), problem=problem
        ),
        keep=KeepReading(state=KeepState.UNUSABLE, problem=problem),
        read_at=datetime.now(UTC),
        guard_version=NO_GUARD,
        rulebook_version=RULEBOOK_VERSION,
    )
