"""`guard-bundle`: the guard for a lane whose image has none, or an old one."""

from pathlib import Path

import click
from rich.markup import escape

from ..guard_bundle import make_bundle, read_target
from .shared import answer, json_option, say


@click.command("guard-bundle")
@click.option("--python", required=True, metavar="VERSION", help="The lane's Python, such as 3.13.")
@click.option(
    "--platform",
    required=True,
    metavar="PLATFORM",
    help="The lane's platform in the words of Python's packaging, such as manylinux_2_28_x86_64.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to make.",
)
@click.option(
    "--wheels",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with the wheels, for a host that does not reach PyPI.",
)
@json_option
def guard_bundle(
    python: str, platform: str, output: Path, wheels: Path | None, as_json: bool
) -> None:
    """Make one file with the guard and all that it needs, for one Python and platform."""
    made = make_bundle(read_target(python, platform), output, wheels)
    if as_json:
        answer(
            {
                "path": str(made.path),
                "sha256": made.sha256,
                "size_bytes": made.size_bytes,
                "wheels": made.wheels,
            }
        )
        return
    say(f"Made {escape(str(made.path))}, {made.size_bytes / 1e6:,.0f} MB")
    say(f"  SHA-256 {made.sha256}")
    for name in made.wheels:
        say(f"  with {escape(name)}")
    say("Copy it into the lane's runtime, compare its digest there (sha256sum), and run it:")
    say(f"  python3 {escape(made.path.name)} show")
