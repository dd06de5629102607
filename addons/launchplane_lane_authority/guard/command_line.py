"""`lane-authority-guard`: JSON on standard output, words on standard error, the same exit codes."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psycopg2

from launchplane_lane_contracts.contract import RULEBOOK_VERSION
from launchplane_lane_contracts.errors import BadInput, CouldNotTell, ExitCode, LaneAuthorityError
from launchplane_lane_contracts.orders import Permit, PrepareOrder, StampOrder, UndoOrder
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.receipt import Outcome, Receipt, SetAside

from . import __version__
from .begin import begin
from .database import first_line
from .finish import finish
from .lane_reading import read_lane
from .reopen import reopen
from .settings import GuardSettings, settings_from_environment
from .stamp import prepare, stamp
from .tokens import PublicKeys, SignedOrder
from .undo import undo

LARGEST_ORDER_BYTES = 1_000_000

OUTCOMES = {
    ExitCode.DONE: Outcome.DONE,
    ExitCode.USAGE: Outcome.BAD_INPUT,
    ExitCode.REFUSED: Outcome.REFUSED,
    ExitCode.COULD_NOT_TELL: Outcome.COULD_NOT_TELL,
    ExitCode.BUSY: Outcome.BUSY,
}

Answer = tuple[LaneReading, SetAside | None]


def _begin(settings: GuardSettings, keys: PublicKeys, order: SignedOrder, token: str) -> Answer:
    assert isinstance(order, Permit)
    return begin(settings, keys, order, token)


def _finish(settings: GuardSettings, keys: PublicKeys, order: SignedOrder, token: str) -> Answer:
    assert isinstance(order, Permit)
    return finish(settings, order, token), None


def _prepare(settings: GuardSettings, keys: PublicKeys, order: SignedOrder, token: str) -> Answer:
    assert isinstance(order, PrepareOrder)
    return prepare(settings, order), None


def _stamp(settings: GuardSettings, keys: PublicKeys, order: SignedOrder, token: str) -> Answer:
    assert isinstance(order, StampOrder)
    return stamp(settings, order, token), None


def _undo(settings: GuardSettings, keys: PublicKeys, order: SignedOrder, token: str) -> Answer:
    assert isinstance(order, UndoOrder)
    return undo(settings, keys, order)


Handler = Callable[[GuardSettings, PublicKeys, SignedOrder, str], Answer]

ORDERED: dict[str, tuple[str, bool, Handler, str]] = {
    "begin": ("permit", True, _begin, "set aside what stands there, under a permit"),
    # A rebuild that has begun must be able to end, so the permit's time bounds only its begin.
    "finish": ("permit", False, _finish, "check what came and write its pending marker"),
    "prepare": ("prepare", True, _prepare, "make the marker's empty table"),
    "stamp": ("stamp", True, _stamp, "write the signed marker, the tags and the lock"),
    "undo": ("undo", True, _undo, "put back what was set aside"),
}
"""Commands that take a signed order: its kind, whether its time counts, who does it, what it is."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is the answer's."""
    parser = _parser()
    try:
        chosen = parser.parse_args(arguments)
    except SystemExit as ending:
        return int(ending.code or 0)
    nonce, permit_id = "", None
    reading: LaneReading | None = None
    set_aside: SetAside | None = None
    failure: LaneAuthorityError | None = None
    try:
        settings = settings_from_environment()
        if chosen.command in ORDERED:
            kind, heed_time, handler, _words = ORDERED[chosen.command]
            token = _read_order(chosen.order)
            keys = PublicKeys.from_file(settings.public_keys)
            order = keys.order(token, kind=kind, heed_time=heed_time)
            nonce, permit_id = order.nonce, getattr(order, "permit_id", None)
            reading, set_aside = handler(settings, keys, order, token)
        elif chosen.command == "reopen":
            reading = reopen(settings)
        else:
            reading = read_lane(settings)
    except LaneAuthorityError as problem:
        failure = problem
    except psycopg2.Error as problem:
        failure = CouldNotTell(f"The server did not do it: {first_line(problem)}.")
    except OSError as problem:
        failure = CouldNotTell(f"The system did not do it: {problem}.")
    except Exception as problem:
        # A fault of ours. Its text may hold anything, a secret too; its kind does not.
        failure = CouldNotTell(
            f"The guard met something that it does not know ({type(problem).__name__}). Look at "
            "the lane with `show`; then run the same command again, or undo the operation."
        )
    receipt = Receipt(
        command=chosen.command,
        outcome=OUTCOMES[failure.exit_code if failure else ExitCode.DONE],
        nonce=nonce,
        permit_id=permit_id,
        reasons=failure.reasons if failure else (),
        message=failure.message if failure else "",
        set_aside=set_aside,
        reading=reading,
        answered_at=datetime.now(UTC),
        guard_version=__version__,
        rulebook_version=RULEBOOK_VERSION,
    )
    sys.stdout.write(receipt.canonical().decode() + "\n")
    sys.stdout.flush()
    _tell(receipt)
    return failure.exit_code if failure else ExitCode.DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lane-authority-guard",
        description="Reads this lane, and changes it by signed orders only. "
        "Exit codes: 0 done, 2 bad input, 50 refused, 51 could not tell, 52 busy.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("show", help="say everything that can be seen of the lane")
    commands.add_parser("reopen", help="open this lane's database where a begin left it closed")
    for name, (kind, _heed_time, _handler, words) in ORDERED.items():
        command = commands.add_parser(name, help=words)
        command.add_argument(
            "--order",
            required=True,
            metavar="FILE",
            help=f"the signed {kind}; - reads it from standard input",
        )
    return parser


def _read_order(source: str) -> str:
    try:
        if source == "-":
            # Bytes, since the locale decides what standard input makes of what is no text.
            text = sys.stdin.buffer.read(LARGEST_ORDER_BYTES).decode()
        else:
            with Path(source).open(encoding="utf-8") as stream:
                text = stream.read(LARGEST_ORDER_BYTES)
    except (OSError, UnicodeDecodeError) as problem:
        raise BadInput(f"The order in {source} could not be read: {problem}.") from None
    if not text.strip():
        raise BadInput(f"There is no order in {'standard input' if source == '-' else source}.")
    return text.strip()


def _not_seen(reading: LaneReading) -> list[str]:
    """What could not be read, in words; the JSON holds the same."""
    problems = {
        "database": reading.database.problem,
        "marker": reading.database.marker_problem,
        "files": reading.filestore.problem,
        "files' tag": reading.filestore.tag_problem,
        "keep": reading.keep.problem,
        "lane's identity": reading.identity_problem,
    }
    return [f"the {what}: {problem}" for what, problem in problems.items() if problem]


def _tell(receipt: Receipt) -> None:
    lines = [f"lane-authority-guard {receipt.command}: {receipt.outcome.replace('_', ' ')}"]
    if receipt.reasons:
        for each in receipt.reasons:
            lines += [f"  {each.code}: {each.message}", f"    way on: {each.remedy}"]
    elif receipt.message:
        lines.append(f"  {receipt.message}")
    if receipt.set_aside is not None:
        lines.append(f"  set aside as {receipt.set_aside.name}")
    if receipt.reading is not None:
        lines += [f"  {words}" for words in _not_seen(receipt.reading)]
    lines.append(receipt.line())
    sys.stderr.write("\n".join(lines) + "\n")
