"""`lane-authority`: the operator's command line."""

import importlib.util
import io
import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from launchplane_lane_contracts.errors import LaneAuthorityError

NEEDED = (
    "click",
    "rich",
    "sqlalchemy",
    "alembic",
    "jwt",
    "cryptography",
    "pluggy",
    "requests",
    "psycopg",
    "werkzeug",
)
INTERRUPTED = (
    "Interrupted at its work, so nobody can tell how far it came. See how the lane stands "
    "(`lane-authority lane LANE`), then run the same command again."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and answer its exit code: 0, 2, 50, 51 or 52."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"lane-authority needs Python packages that are not there: {', '.join(missing)}. "
            "Install launchplane-lane-authority with its extra `driver`.\n"
        )
        return 51
    import click
    from pydantic import ValidationError

    from launchplane_lane_contracts.errors import (
        BadInput,
        CouldNotTell,
        ExitCode,
        LaneAuthorityError,
    )

    from .commands.root import lane_authority

    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = lane_authority.main(args=given, prog_name="lane-authority", standalone_mode=False)
        return int(code or 0)
    except LaneAuthorityError as problem:
        return _failed(problem, as_json="--json" in given)
    except click.exceptions.Abort as ending:
        if isinstance(ending.__cause__, KeyboardInterrupt):
            return _failed(CouldNotTell(INTERRUPTED), as_json="--json" in given)
        # A question that was answered with no, or not at all.
        click.echo("Stopped; nothing was signed or changed by this command.", err=True)
        return int(ExitCode.USAGE)
    except click.exceptions.Exit as ending:
        return int(ending.exit_code)
    except click.ClickException as problem:
        problem.show()
        return int(ExitCode.USAGE)
    except (UnicodeError, ValidationError):
        # The value itself may be anything, so it is not shown.
        bad = BadInput("What was given is too long, or no text. Correct it and try again.")
        return _failed(bad, as_json="--json" in given)
    except SystemExit as ending:
        # So click ends where nobody reads any more, and where it completes a word.
        return int(ExitCode.COULD_NOT_TELL if ending.code else ExitCode.DONE)
    except OSError as problem:
        other = CouldNotTell(
            f"The system did not do it: {problem}. Put that right and run the same command again."
        )
        return _failed(other, as_json="--json" in given)
    except Exception as problem:
        return _failed(_unforeseen(problem), as_json="--json" in given)


def _failed(problem: "LaneAuthorityError", *, as_json: bool) -> int:
    from .refusal_text import refusal_text

    if as_json:
        plain = {
            "error": problem.message,
            "reasons": [each.to_plain() for each in problem.reasons],
            "exit_code": int(problem.exit_code),
        }
        _echo(json.dumps(plain))
    _echo(refusal_text(problem), err=True)
    return int(problem.exit_code)


def _echo(text: str, *, err: bool = False) -> None:
    """Nobody may be there to read it any more: the exit code still says what it was."""
    import click

    try:
        click.echo(text, err=err)
    except OSError:
        # What is left in the stream would fail once more, and give another code, at the end.
        if err:
            sys.stderr = io.StringIO()
        else:
            sys.stdout = io.StringIO()


def _unforeseen(problem: Exception) -> "LaneAuthorityError":
    """A fault of ours, or of what is installed beside us, in words.

    Its text may hold anything, a secret too. Its kind and its place in the code do not.
    """
    from launchplane_lane_contracts.errors import CouldNotTell

    place = traceback.extract_tb(problem.__traceback__)[-1]
    return CouldNotTell(
        f"lane-authority met something that it does not know: {type(problem).__name__} in "
        f"{Path(place.filename).name}, line {place.lineno}. Nobody can tell what was done before "
        "it. See how the lane stands (`lane-authority lane LANE`, `lane-authority doctor`) before "
        "you run the same command again, and report that kind and place."
    )


if __name__ == "__main__":
    sys.exit(main())
