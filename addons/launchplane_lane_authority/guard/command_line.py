"""`lane-authority-guard`: JSON on standard output, words on standard error, the same exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

from launchplane_lane_contracts.contract import RULEBOOK_VERSION
from launchplane_lane_contracts.errors import BadInput, ExitCode
from launchplane_lane_contracts.receipt import Outcome, Receipt

from . import __version__
from .commands.command import Answer, Call, Command
from .commands.registry import COMMANDS
from .failures import as_failure
from .order_file import read_order
from .settings import settings_from_environment
from .telling import tell

if TYPE_CHECKING:
    from launchplane_lane_contracts.orders import SignedOrder

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
    given = list(sys.argv[1:] if arguments is None else arguments)
    end = given.index("--") if "--" in given else len(given)
    after = tuple(given[end + 1 :])
    try:
        chosen = _parser(given[:1]).parse_args(given[:end])
        command = COMMANDS[chosen.command]
        if command.runs_a_command != bool(after) and not (after and command.may_run_a_command):
            raise BadInput(
                f"`{command.name}` is followed by `--` and the command to run."
                if command.runs_a_command
                else f"`{command.name}` runs no other command, so nothing may follow `--`."
            )
    except SystemExit as ending:
        return int(ending.code or 0)
    except BadInput as problem:
        named = given[0] if given and given[0] in COMMANDS else ""
        return _ended(named, None, Answer(failure=problem))
    signed: SignedOrder | None = None
    try:
        settings = settings_from_environment()
        call = Call(settings, chosen, command_line=after)
        takes = command.takes
        if takes is not None:
            if chosen.order is None and takes.otherwise is not None:
                token = takes.otherwise(settings)
            else:
                token = read_order(chosen.order)
            # Only here, since most of the time of a short command would go into it.
            from .tokens import PublicKeys

            keys = PublicKeys.from_file(settings.public_keys)
            signed = keys.order(token, kind=takes.kind, heed_time=takes.heed_time)
            call = Call(settings, chosen, signed, token, keys, after)
        if command.needs_free_lock(signed):
            from .devkit import require_free_lock

            require_free_lock(os.environ)
        answer = command.act(call)
    except Exception as problem:
        answer = Answer(failure=as_failure(problem))
    return _ended(command.name, signed, answer)


def _ended(command: str, signed: SignedOrder | None, answer: Answer) -> int:
    failure, ran = answer.failure, answer.ran
    said = (failure.message if failure else answer.message, answer.note)
    outcome = OUTCOMES[failure.exit_code if failure else ExitCode.DONE]
    code = int(failure.exit_code if failure else ExitCode.DONE)
    if failure is None and ran is not None and ran.exit_code:
        outcome, code = Outcome.COMMAND_FAILED, ran.exit_code
    tell(
        Receipt(
            command=command,
            outcome=outcome,
            nonce=signed.nonce if signed else "",
            permit_id=getattr(signed, "permit_id", None),
            reasons=failure.reasons if failure else (),
            message="\n".join(text for text in said if text),
            set_aside=answer.set_aside,
            ran=ran,
            result=answer.result,
            reading=answer.reading,
            answered_at=datetime.now(UTC),
            guard_version=__version__,
            rulebook_version=RULEBOOK_VERSION,
        ),
        answer.note,
    )
    return code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise BadInput, so that a call that makes no sense has a receipt as well."""
        raise BadInput(
            f"{message[:1].upper()}{message[1:]}. `{self.prog} --help` says what there is."
        )


def _parser(first: list[str]) -> argparse.ArgumentParser:
    """What understands the words; of the commands, only the one that is the first word is read."""
    parser = _Parser(
        prog=PROGRAM,
        description="Reads this lane, and changes it by signed orders only. "
        "Exit codes: 0 done, 2 bad input, 50 refused, 51 could not tell, 52 busy.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in first if first and first[0] in COMMANDS else COMMANDS:
        command = COMMANDS[name]
        _describe(commands.add_parser(name, help=command.words), command)
    return parser


def _describe(parser: argparse.ArgumentParser, command: Command) -> None:
    if command.takes is not None:
        parser.add_argument(
            command.takes.option,
            dest="order",
            required=command.takes.otherwise is None,
            metavar="FILE",
            help=f"the signed {command.takes.kind}; - reads it from standard input",
        )
    command.add_arguments(parser)
