"""What the commands share: options, opening the host, and printing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from launchplane_lane_contracts.contract import Contract, Person
from launchplane_lane_contracts.errors import BadInput
from launchplane_lane_contracts.lane import Lane

from ..host_directory import HostDirectory, default_path
from ..lane_office import LaneOffice

LONGEST_NAME = 200
PERSON_VARIABLE = "LANE_AUTHORITY_PERSON"

Command = TypeVar("Command", bound=Callable[..., Any])


class LaneType(click.ParamType[Lane]):
    """`product/context/instance` on the command line."""

    name = "lane"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Lane:
        """Read a lane; anything else is a usage error."""
        if isinstance(value, Lane):
            return value
        try:
            return Lane.parse(str(value))
        except ValueError:
            self.fail(f"a lane is written product/context/instance, not {value!r}", param, ctx)


LANE = LaneType()

json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
person_option = click.option(
    "--as",
    "person",
    envvar=PERSON_VARIABLE,
    required=True,
    metavar="PERSON",
    help=f"Who you are, as the approvers file names you (or {PERSON_VARIABLE}).",
)


def host_of(context: click.Context) -> HostDirectory:
    """The host directory that this call names."""
    chosen: Path | None = context.find_root().params.get("host_directory")
    return HostDirectory.open(chosen or default_path())


def office_of(context: click.Context) -> LaneOffice:
    """The same, with its store and keys."""
    office = LaneOffice.open(host_of(context))
    context.call_on_close(office.close)
    return office


def as_person(name: str) -> Person:
    """A person's name. Raises BadInput when there is none, or it is no name."""
    if not name.strip() or len(name) > LONGEST_NAME:
        raise BadInput("Say who you are with --as, as the approvers file names you.")
    return Person(name.strip())


def say(text: str = "") -> None:
    """One piece of text for a person, on standard output."""
    Console(highlight=False, soft_wrap=True).print(text)


def answer(value: Contract | dict[str, Any] | list[Any]) -> None:
    """One JSON document, on standard output."""
    plain = value.to_plain() if isinstance(value, Contract) else value
    click.echo(json.dumps(plain, sort_keys=True, ensure_ascii=False, default=str))
