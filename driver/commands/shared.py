"""What the commands share: options, opening the host, and printing."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem
from pydantic import ValidationError
from rich.console import Console

from launchplane_lane_contracts.contract import Contract, Person
from launchplane_lane_contracts.errors import BadInput, LaneAuthorityError
from launchplane_lane_contracts.lane import Lane

from ..host_directory import HostDirectory, default_path
from ..lane_office import LaneOffice
from ..spelled_out import harmless_json, no_control
from ..store import Store

LONGEST_NAME = 200
PERSON_VARIABLE = "LANE_AUTHORITY_PERSON"
PLAIN = {
    "extra_forbidden": "there is no such field",
    "missing": "it is missing",
    "timezone_aware": "it needs a time zone, as in 2027-01-31T00:00:00Z",
    "datetime_parsing": "it must be a time, as in 2027-01-31T00:00:00Z",
    "datetime_from_date_parsing": "it needs a time of day, as in 2027-01-31T00:00:00Z",
}
"""What is said instead of pydantic's words."""

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

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The lanes that are configured, where that can be read."""
        try:
            lanes = sorted(str(each) for each in host_of(ctx).lanes())
        except LaneAuthorityError:
            lanes = []
        return [CompletionItem(each) for each in lanes if each.startswith(incomplete)]


LANE = LaneType()


class OperationType(click.ParamType[str]):
    """An operation's identifier on the command line."""

    name = "operation"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The operations that hold a lane, each with how far it came, where that can be read."""
        try:
            host = host_of(ctx)
            store = Store.open(host.store_url, host.head_file)
            try:
                found = [
                    CompletionItem(each.operation_id, help=f"{each.lane}, {each.phase}")
                    for each in store.operations()
                    if each.live
                ]
            finally:
                store.close()
        except LaneAuthorityError:
            found = []
        return [each for each in found if each.value.startswith(incomplete)]


OPERATION = OperationType()


class InstantType(click.ParamType[datetime]):
    """A point in time in UTC on the command line."""

    name = "instant"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read an instant; anything else, and any other zone, is a usage error."""
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(str(value))
        except ValueError:
            instant = None
        if instant is None or instant.utcoffset() != timedelta(0):
            self.fail(f"an instant is written 2027-01-31T00:00:00Z, not {value!r}", param, ctx)
        return instant.astimezone(UTC)


INSTANT = InstantType()


class FiniteRange(click.FloatRange):
    """A number within bounds; what is no number is within all of them, and is a usage error."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read a number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is no number", param, ctx)
        return number


json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
person_option = click.option(
    "--as",
    "person",
    envvar=PERSON_VARIABLE,
    show_envvar=True,
    required=True,
    metavar="PERSON",
    help="Who you are, as the approvers file names you.",
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


def mistakes(problem: ValidationError) -> str:
    """Every mistake that was found, each with its place, and without the values."""
    return "; ".join(
        ": ".join(
            part
            for part in (
                ".".join(str(step) for step in fault["loc"]),
                PLAIN.get(fault["type"], _plainly(fault["msg"])),
            )
            if part
        )
        for fault in problem.errors(include_url=False, include_input=False)
    )


def _plainly(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should be", "it must be", 1)


def how_to_sign(digest: str, approvers: int) -> str:
    """Who signs, and the command they type."""
    if approvers == 0:
        return f"You sign it: lane-authority approve {digest} --key YOUR_SSH_KEY"
    others = "one approver" if approvers == 1 else f"{approvers} approvers"
    return f"You and {others} sign it: lane-authority approve {digest} --key YOUR_SSH_KEY"


def say(text: str = "") -> None:
    """One piece of text for a person, on standard output."""
    Console(highlight=False, soft_wrap=True).print(no_control(text))


def answer(value: Contract | dict[str, Any] | list[Any]) -> None:
    """One JSON document, on standard output."""
    plain = value.to_plain() if isinstance(value, Contract) else value
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False, default=str)
    click.echo(harmless_json(text))
