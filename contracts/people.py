"""Whose signatures count and how many are asked for, and what a signature under a change covers."""

from .approval import Thresholds
from .contract import DigestField, PersonField, VersionedContract
from .vocabulary import Weight


class People(VersionedContract):
    """The approvers file and the numbers beside it, as they are recorded."""

    approvers: str
    """The text of the approvers file, in OpenSSH's allowed-signers format."""
    thresholds: Thresholds
    """How many approvers are asked for."""

    @property
    def lines(self) -> frozenset[str]:
        """The lines that name somebody, without space around them."""
        stripped = (line.strip() for line in self.approvers.splitlines())
        return frozenset(line for line in stripped if line and not line.startswith("#"))


class PeopleChange(VersionedContract):
    """A change of whose signatures count."""

    people: People
    """How it is to be."""
    replaces: DigestField
    """The digest of what is on record now."""
    proposer: PersonField
    """Who proposes it."""
    reason: str
    """Why, in that person's words."""


def loosening_of_people(old: People, new: People) -> tuple[str, ...]:
    """What the change makes easier, in words; empty when it only tightens.

    A line that is new or changed may let somebody in, whatever it says.
    """
    added = sorted(new.lines - old.lines)
    found = [f"a signature of {_name(line)} counts by a new or changed line" for line in added]
    found += [
        f"{name} asks for {after} approvers instead of {before}"
        for name, before, after in (
            ("consequential", old.thresholds.consequential, new.thresholds.consequential),
            ("grave", old.thresholds.grave, new.thresholds.grave),
        )
        if after < before
    ]
    return tuple(found)


def weight_of_people(old: People, new: People) -> Weight:
    """Letting somebody in, or asking for fewer, is grave; the rest is routine."""
    return Weight.GRAVE if loosening_of_people(old, new) else Weight.ROUTINE


def _name(line: str) -> str:
    return line.split()[0]
