"""`lane-authority`: the operator's command line."""

import importlib.util
import json
import sys
from collections.abc import Sequence

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

    from launchplane_lane_contracts.errors import ExitCode, LaneAuthorityError

    from .commands.root import lane_authority
    from .refusal_text import refusal_text

    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = lane_authority.main(args=given, prog_name="lane-authority", standalone_mode=False)
        return int(code or 0)
    except LaneAuthorityError as problem:
        if "--json" in given:
            click.echo(
                json.dumps(
                    {
                        "error": problem.message,
                        "reasons": [each.to_plain() for each in problem.reasons],
                        "exit_code": int(problem.exit_code),
                    }
                )
            )
        click.echo(refusal_text(problem), err=True)
        return int(problem.exit_code)
    except click.exceptions.Abort:
        click.echo("Stopped; nothing was signed or changed by this command.", err=True)
        return int(ExitCode.USAGE)
    except click.exceptions.Exit as ending:
        return int(ending.exit_code)
    except click.ClickException as problem:
        problem.show()
        return int(ExitCode.USAGE)
    except (UnicodeError, ValidationError):
        # The value itself may be anything, so it is not shown.
        click.echo("What was given is too long, or no text. Correct it and try again.", err=True)
        return int(ExitCode.USAGE)
    except BrokenPipeError:
        raise
    except OSError as problem:
        click.echo(
            f"The system did not do it: {problem}. Put that right and run the same command again.",
            err=True,
        )
        return int(ExitCode.COULD_NOT_TELL)


if __name__ == "__main__":
    sys.exit(main())
