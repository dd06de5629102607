"""The highest numbers that each lane ever had, kept in a file beside the signing key.

Whoever loses the store loses the counters with it; a number that is given out twice would be no
fence any more. The file may be ahead of the store (a number that was never used), never behind.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from launchplane_lane_contracts.contract import Contract
from launchplane_lane_contracts.errors import CouldNotTell

from .durable import write_durably


class Highest(Contract):
    """Of one lane."""

    policy_revision: Annotated[int, Field(ge=0)] = 0
    """The number of the newest revision of its policy; 0 where there was none."""
    generation: Annotated[int, Field(ge=0)] = 0
    """The last generation that was handed out; 0 where none was."""

    def at_least(self, other: "Highest") -> "Highest":
        """The higher of both, number by number."""
        return Highest(
            policy_revision=max(self.policy_revision, other.policy_revision),
            generation=max(self.generation, other.generation),
        )


class _Everything(Contract):
    lanes: dict[str, Highest] = {}


NOTHING = Highest()
"""Of a lane that nothing was ever handed out for."""


class HighestFile:
    """The file. Its numbers only ever go up; the store's lock guards it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Highest]:
        """By the lane's name; empty when there is no file. Raises CouldNotTell."""
        try:
            return dict(_Everything.from_json(self.path.read_bytes()).lanes)
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as error:
            raise CouldNotTell(
                f"The highest numbers of the lanes in {self.path} cannot be read. Put the file "
                "back from where it was saved."
            ) from error

    def raise_to(self, found: Mapping[str, Highest]) -> None:
        """Raise the numbers of some lanes; returns when they are on disk. Raises CouldNotTell."""
        before = self.read()
        after = {
            **before,
            **{lane: each.at_least(before.get(lane, NOTHING)) for lane, each in found.items()},
        }
        if after == before:
            return
        try:
            write_durably(self.path, _Everything(lanes=after).canonical() + b"\n")
        except OSError as error:
            raise CouldNotTell(
                f"{self.path} could not be written: {error.strerror}. Nothing was changed. Make "
                "room or give the right to write there, and ask again."
            ) from error
