"""Keeping what stands at a lane's place though no rebuild follows: by order, seen to be done."""

from dataclasses import dataclass
from datetime import timedelta

from launchplane_lane_contracts.contract import (
    DatabaseName,
    Digest,
    FilestorePath,
    PermitId,
)
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.naming import kept_name
from launchplane_lane_contracts.orders import SetAsideOrder
from launchplane_lane_contracts.policy import SHORTEST_KEEPING_OF_AUTHORITATIVE_DATA, Policy
from launchplane_lane_contracts.reading import DatabaseEntry
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_contracts.vocabulary import DatabaseState

from .. import guard_client
from ..lane_office import LaneOffice
from ..order_head import order_head
from .life import Seen, see


@dataclass(frozen=True)
class WhatIsThere:
    """What is set aside, as it was signed for."""

    lane: Lane
    database: DatabaseName
    filestore_path: FilestorePath
    database_oid: int | None
    """The oid of the database; None where none stands there."""
    generation: int
    """The generation of that data, as far as it is known."""
    has_filestore: bool
    recorded_generation: int
    why: str
    """The word that stands in the name of what is kept."""
    digest: Digest
    """What was signed."""
    ends: tuple[PermitId, ...] = ()
    """The permits of an operation that ends with it."""

    @property
    def kept_name(self) -> DatabaseName:
        """The name that it is kept under."""
        return kept_name(self.database, self.recorded_generation, self.why, self.digest[:32])

    @property
    def is_something(self) -> bool:
        """Whether there is anything at all."""
        return self.database_oid is not None or self.has_filestore

    @property
    def needs_the_guard(self) -> bool:
        """Whether the guard has anything to do."""
        return self.is_something or bool(self.ends)

    def stands_kept(self, seen: Seen) -> bool:
        """Whether an earlier run has set it aside already."""
        return any(
            (each.name, each.oid) == (self.kept_name, self.database_oid)
            for each in seen.reading.database.neighbours
        )


def set_aside(
    office: LaneOffice, seen: Seen, what: WhatIsThere, *, authoritative: bool
) -> KeptData | None:
    """Have the guard set it aside, and see that its place is empty. Run again it goes on.

    None where only files were kept. Raises Refused, CouldNotTell or Busy.
    """
    permit_id = PermitId(what.digest[:32])
    order = SetAsideOrder(
        **order_head(what.lane, what.database, what.filestore_path),
        permit_id=permit_id,
        kept_name=what.kept_name,
        database_oid=what.database_oid,
        generation=what.generation,
        has_filestore=what.has_filestore,
        ends=what.ends,
    )
    guard_client.carry_out(seen.configuration, "set-aside", office.sign(order), order.nonce)
    after = see(office, seen.asked)
    if after.observation.database.state is DatabaseState.UNREADABLE or (
        after.reading.database.entry is not None
    ):
        raise Refused.because(
            reason(
                ReasonCode.READINGS_MOVED,
                "What was there was set aside, and something is seen under the lane's name: "
                f"{after.observation.database.detail}.",
                "Rename that away, then run the same command again: it goes on from here.",
            )
        )
    if what.database_oid is None:
        return None
    recorded = seen.record.identity
    is_recorded = recorded is not None and recorded.database_oid == what.database_oid
    return KeptData(
        lane=what.lane,
        name=order.kept_name,
        database_oid=what.database_oid,
        generation=what.generation,
        nonce=seen.record.nonce if is_recorded else None,
        permit_id=permit_id,
        set_aside_at=order.issued_at,
        authoritative=authoritative,
        has_filestore=what.has_filestore,
    )


def keep_for(policy: Policy, *, authoritative: bool) -> timedelta:
    """How long it is kept at least: as the policy says, and the only true copy for a day."""
    if not authoritative:
        return policy.replaced_kept_for
    return max(policy.replaced_kept_for, SHORTEST_KEEPING_OF_AUTHORITATIVE_DATA)


def generation_there(seen: Seen, entry: DatabaseEntry | None) -> int:
    """The generation of what stands there: by its own tag, else the one last recorded."""
    assert seen.record.generation is not None
    tag = entry.tag if entry is not None else None
    if entry is None or tag is None or tag.lane != seen.asked.lane or tag.database_oid != entry.oid:
        return seen.record.generation
    return tag.generation


def has_files(seen: Seen) -> bool:
    """Whether there is a folder with files that can be reached."""
    reading = seen.reading
    return (
        reading.database.server is not None
        and reading.filestore.exists
        and reading.filestore.holds_files
    )
