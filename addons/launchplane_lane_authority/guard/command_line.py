"""`lane-authority-guard`: JSON on standard output, words on standard error, the same exit codes."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NoReturn

import psycopg2

from launchplane_lane_contracts.contract import RULEBOOK_VERSION
from launchplane_lane_contracts.errors import BadInput, CouldNotTell, ExitCode, LaneAuthorityError
from launchplane_lane_contracts.orders import SignedOrder
from launchplane_lane_contracts.receipt import Outcome, Receipt

from . import __version__
from .commands.command import Answer, Call, Command
from .commands.registry import COMMANDS
from .database import first_line
from .order_file import read_order
from .settings import settings_from_environment
from .telling import tell
from .tokens import PublicKeys

OUTCOMES = {
    ExitCode.DONE: Outcome.DONE,
    ExitCode.USAGE: Outcome.BAD_INPUT,
    ExitCode.REFUSED: Outcome.REFUSED,
    ExitCode.COULD_NOT_TELL: Outcome.COULD_NOT_TELL,
    ExitCode.BUSY: Outcome.BUSY,
}
PROGRAM = "lane-authority-guard"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is the answer's."""
    try:
        chosen = _parser().parse_args(arguments)
    except SystemExit as ending:
        return int(ending.code or 0)
    except BadInput as problem:
        return _ended("", None, Answer(failure=problem))
    command = COMMANDS[chosen.command]
    signed: SignedOrder | None = None
    try:
        settings = settings_from_environment()
        call = Call(settings, chosen)
        if command.takes is not None:
            token = read_order(chosen.order)
            keys = PublicKeys.from_file(settings.public_keys)
            signed = keys.order(token, kind=command.takes.kind, heed_time=command.takes.heed_time)
            call = Call(settings, chosen, signed, token, keys)
        answer = command.act(call)
    except LaneAuthorityError as problem:
        answer = Answer(failure=problem)
    except psycopg2.Error as problem:
        answer = Answer(failure=CouldNotTell(f"The server did not do it: {first_line(problem)}."))
    except OSError as problem:
        answer = Answer(failure=CouldNotTell(f"The system did not do it: {problem}."))
    except Exception as problem:
        # A fault of ours. Its text may hold anything, a secret too; its kind does not.
        answer = Answer(
            failure=CouldNotTell(
                f"The guard met something that it does not know ({type(problem).__name__}). Look "
                "at the lane with `show`; then run the same command again, or undo the operation."
            )
        )
    return _ended(command.name, signed, answer)


def _ended(command: str, signed: SignedOrder | None, answer: Answer) -> int:
    failure = answer.failure
    code = failure.exit_code if failure else ExitCode.DONE
    tell(
        Receipt(
            command=command,
            outcome=OUTCOMES[code],
            nonce=signed.nonce if signed else "",
            permit_id=getattr(signed, "permit_id", None),
            reasons=failure.reasons if failure else (),
            message=failure.message if failure else answer.message,
            set_aside=answer.set_aside,
            result=answer.result,
            reading=answer.reading,
            answered_at=datetime.now(UTC),
            guard_version=__version__,
            rulebook_version=RULEBOOK_VERSION,
        )
    )
    return code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise BadInput, so that a call that makes no sense has a receipt as well."""
        raise BadInput(
            f"{message[:1].upper()}{message[1:]}. `{self.prog} --help` says what there is."
        )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        description="Reads this lane, and changes it by signed orders only. "
        "Exit codes: 0 done, 2 bad input, 50 refused, 51 could not tell, 52 busy.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS.values():
        _describe(commands.add_parser(command.name, help=command.words), command)
    return parser


def _describe(parser: argparse.ArgumentParser, command: Command) -> None:
    if command.takes is not None:
        parser.add_argument(
            command.takes.option,
            dest="order",
            required=True,
            metavar="FILE",
            help=f"the signed {command.takes.kind}; - reads it from standard input",
        )
    command.add_arguments(parser)
