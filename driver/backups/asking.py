"""Asking the guard of a lane for its backups: which guard, with which place, and its answer."""

from typing import TypeVar

from pydantic import ValidationError

from launchplane_lane_contracts.contract import Contract
from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.receipt import Receipt

from ..lane_configuration import LaneConfiguration

Answer = TypeVar("Answer", bound=Contract)


def place(configuration: LaneConfiguration) -> tuple[str, ...]:
    """The options that say where the lane's backups lie."""
    return () if configuration.backups is None else ("--backups", configuration.backups)


def where_proven(configuration: LaneConfiguration) -> LaneConfiguration:
    """The same lane, reached where its backups are proven."""
    if configuration.prove_command is None:
        return configuration
    return configuration.model_copy(update={"guard_command": configuration.prove_command})


def result_of(receipt: Receipt, model: type[Answer]) -> Answer | None:
    """What the guard answered, where it did. Raises CouldNotTell when it makes no sense."""
    if receipt.result is None:
        return None
    try:
        return model.from_plain(receipt.result)
    except ValidationError:
        raise CouldNotTell(
            "The guard's answer makes no sense to this host: they are of different versions. Give "
            "the lane the guard of the host's version (`lane-authority guard-bundle`)."
        ) from None
