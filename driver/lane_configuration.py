"""Where each lane is, as `lane-authority.toml` says. What may be done to it stands elsewhere."""

import json
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from launchplane_lane_contracts.contract import Contract, DatabaseNameField, FilestorePathField
from launchplane_lane_contracts.errors import BadInput
from launchplane_lane_contracts.lane import Lane

from .connection_name import connection_fault
from .toml_file import read_toml

LONGEST_SECONDS = 7 * 24 * 3600
"""A week; no clock that waits takes an endless number."""


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("it holds the character NUL, which no program can be given")
    return text


def _without_secret(address: str) -> str:
    """It stands in what people read of a lane, so nothing of an address may be one."""
    parts = urlsplit(address)
    if "@" in parts.netloc:
        raise ValueError("there is a name or a password in it; leave it out, none is asked for")
    if parts.query or parts.fragment:
        raise ValueError("nothing goes behind its path; leave out what begins with ? or #")
    return address


Seconds = Annotated[float, Field(gt=0, le=LONGEST_SECONDS, allow_inf_nan=False)]
Argument = Annotated[str, StringConstraints(min_length=1), AfterValidator(_without_nul)]
PathInTheLane = Annotated[FilestorePathField, AfterValidator(_without_nul)]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


def _read_lane(value: Any) -> Any:
    return Lane.parse(value) if isinstance(value, str) else value


class LaneConfiguration(Contract):
    """How the host reaches one lane. No secret belongs in it."""

    lane: Annotated[Lane, BeforeValidator(_read_lane)]
    """The lane; written product/context/instance in the file."""
    database: Annotated[DatabaseNameField, AfterValidator(_without_nul)]
    """The name of its database."""
    filestore_path: PathInTheLane
    """The folder of its filestore, as the guard sees it."""
    guard_command: Annotated[tuple[Argument, ...], Field(min_length=1)]
    """The program, with its arguments, that runs the guard in the lane's own runtime."""
    guard_timeout: Seconds = 600.0
    """How long the guard may take (seconds)."""
    materialise_timeout: Seconds = 86_400.0
    """How long the guard may take to restore a source beside the lane (seconds)."""
    backups: PathInTheLane | None = None
    """The folder of the lane's backups, as the guard sees it; else what the guard was given."""
    backup_timeout: Seconds = 21_600.0
    """How long the guard may take to capture or to prove (seconds)."""
    prove_command: Annotated[tuple[Argument, ...], Field(min_length=1)] | None = None
    """The program that runs the guard where backups are proven; else the guard command."""
    load_command: Annotated[tuple[Argument, ...], Field(min_length=1)] | None = None
    """The program that loads an Odoo registry on a restored backup, run by that guard.

    `{database}` and `{data_folder}` in it stand for the scratch database and its data directory.
    """
    runtime_url: (
        Annotated[
            str,
            StringConstraints(pattern=r"^https?://[^\s/]+"),
            AfterValidator(_without_nul),
            AfterValidator(_without_secret),
        ]
        | None
    ) = None
    """Where the running Odoo answers; without it only the guard can speak for the runtime."""
    runtime_timeout: Seconds = 10.0
    """How long the running Odoo may take to answer (seconds)."""
    keep: PathInTheLane | None = None
    """The keep that the guard is expected to use, as the guard sees it."""
    connection: Argument | None = None
    """How the host itself reaches the database: a libpq service name, or a URL without password.

    Without it the guard alone is the database witness.
    """
    connection_timeout: Seconds = 10.0
    """How long connecting, and each statement, may take (seconds)."""
    password_variable: VariableName | None = None
    """The environment variable that holds the connection's password."""
    password_command: Annotated[tuple[Argument, ...], Field(min_length=1)] | None = None
    """The program, with its arguments, that prints the connection's password."""

    @model_validator(mode="after")
    def _no_secret(self) -> Self:
        if self.connection is None:
            if self.password_variable or self.password_command:
                raise ValueError("a password goes with a connection, and there is none")
            return self
        fault = connection_fault(self.connection, self.database)
        if fault:
            raise ValueError(f"connection: {fault}")
        if self.password_variable and self.password_command:
            raise ValueError("password_variable and password_command are two ways: name one")
        return self


class HostConfiguration(Contract):
    """The whole file."""

    lanes: tuple[LaneConfiguration, ...] = ()
    """One table for each lane."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        faults: list[str] = []
        seen: set[Lane] = set()
        places: dict[tuple[tuple[str, ...], str], Lane] = {}
        for each in self.lanes:
            if each.lane in seen:
                faults.append(f"lane {each.lane} is configured more than once")
            seen.add(each.lane)
            other = places.setdefault((each.guard_command, each.database), each.lane)
            if other != each.lane:
                faults.append(
                    f"lanes {other} and {each.lane} name the same guard command and database"
                )
        if faults:
            raise ValueError("; ".join(faults))
        return self


def read_host_configuration(path: Path) -> HostConfiguration:
    """Read the file.

    Raises BadInput with every mistake in it, each by its field; CouldNotTell when it is unreadable.
    """
    plain = read_toml(path)
    try:
        # Dates mean nothing here; in a table of their own they fit no field, and are reported.
        text = json.dumps(plain, default=lambda value: {"date": str(value)})
        return HostConfiguration.from_json(text)
    except ValidationError as error:
        mistakes = "\n".join(
            f"  {_field(fault['loc'])}: {_without_prefix(fault['msg'])}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise BadInput(f"{path} has mistakes; correct each of them:\n{mistakes}") from error


def _field(place: tuple[int | str, ...]) -> str:
    text = ""
    for part in place:
        if isinstance(part, int):
            # People count from one.
            text += f"[{part + 1}]"
        else:
            text += f".{part}" if text else part
    return text or "the file"


def _without_prefix(message: str) -> str:
    return message.removeprefix("Value error, ")
