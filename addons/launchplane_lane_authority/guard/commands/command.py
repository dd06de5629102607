"""What a command is: its name, the order that it takes, what it does, and what it answers."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from launchplane_lane_contracts.errors import LaneAuthorityError
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.receipt import CommandRun, SetAside

from ..settings import GuardSettings

if TYPE_CHECKING:
    # A command that takes no order needs none of this.
    from launchplane_lane_contracts.orders import SignedOrder

    from ..tokens import PublicKeys

OrderType = TypeVar("OrderType", bound="SignedOrder")


@dataclass(frozen=True)
class TakesOrder:
    """The signed order that a command asks for."""

    kind: str
    """Its kind, as the contracts name it."""
    heed_time: bool = True
    """Whether its time to begin counts."""
    option: str = "--order"
    """The option that names the file that it is in."""
    otherwise: Callable[[GuardSettings], str] | None = None
    """Finds the order where no file is named; without this, one must be named."""


@dataclass(frozen=True)
class Call:
    """One call of a command, with everything checked that is the same for all of them."""

    settings: GuardSettings
    """The lane's environment."""
    arguments: Namespace
    """The arguments of this command's own."""
    signed: SignedOrder | None = None
    """The order, its signature and time verified, where the command takes one."""
    token: str = ""
    """The order as it was signed."""
    keys: PublicKeys | None = None
    """The control plane's public keys, where the command takes an order."""
    command_line: tuple[str, ...] = ()
    """What stands after `--`, for a command that runs another one."""

    def order(self, model: type[OrderType]) -> OrderType:
        """The order, which the registry says is of this type."""
        assert isinstance(self.signed, model)
        return self.signed

    def public_keys(self) -> PublicKeys:
        """The keys that the order was verified with."""
        assert self.keys is not None
        return self.keys


@dataclass(frozen=True)
class Answer:
    """What a command came to. What it could not do it raises, or returns as `failure`."""

    reading: LaneReading | None = None
    """What stands there now."""
    set_aside: SetAside | None = None
    """What was set aside."""
    result: dict[str, Any] | None = None
    """What this command alone answers, as the plain form of a contract of its own."""
    message: str = ""
    """What was done, in words, where the command's name does not say it; not told of a failure."""
    note: str = ""
    """What a person should know as well, of a failure too."""
    failure: LaneAuthorityError | None = None
    """Why it ended badly, where there is more to tell than an exception can carry."""
    ran: CommandRun | None = None
    """How the command ended that it ran."""


def no_arguments(_parser: ArgumentParser) -> None:
    """The command has no arguments of its own."""


def never(_order: SignedOrder | None) -> bool:
    """The command does not move what a run of the script works on."""
    return False


def always(_order: SignedOrder | None) -> bool:
    """It does: a run that goes on would drop what is put back or set aside under it."""
    return True


@dataclass(frozen=True)
class Command:
    """One command of the guard."""

    name: str
    """What is typed."""
    words: str
    """What it does, for the list of commands."""
    act: Callable[[Call], Answer]
    """Does it. Raises LaneAuthorityError; what else is raised is told as 51."""
    takes: TakesOrder | None = None
    """The signed order that it asks for."""
    add_arguments: Callable[[ArgumentParser], None] = no_arguments
    """Adds the arguments of its own."""
    runs_a_command: bool = False
    """Whether it is followed by `--` and the command that it runs."""
    may_run_a_command: bool = False
    """Whether it may be followed so."""
    needs_free_lock: Callable[[SignedOrder | None], bool] = never
    """Whether nothing may be done under this order while the devkit's script holds its lock."""
