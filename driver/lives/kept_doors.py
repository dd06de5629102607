"""Opening kept data for reading, still locked, and closing it again: for pg_upgrade and captures.

pg_upgrade connects to every database of the old server, and kept ones take no connections.
"""

from launchplane_lane_contracts.contract import Person
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.judgement import kept_is_unchanged
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.orders import KeptReference, OpenOrder
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .. import guard_client
from ..lane_office import LaneOffice, utc_now
from ..order_head import order_head
from .life import Asked, Seen, see
from .place import nothing_is_under_way, the_guard_looks_at_the_lane


def find_kept(office: LaneOffice, lane: Lane, person: Person) -> Seen:
    """Look at what is kept of a lane. Raises Refused unless all of it is there as recorded."""
    seen = see(office, Asked(lane, person, "kept data"))
    refused: list[Reason] = [*nothing_is_under_way(seen), *the_guard_looks_at_the_lane(seen)]
    if not seen.record.kept:
        refused.append(
            reason(
                ReasonCode.KEPT_UNKNOWN,
                f"Nothing of lane {lane} is recorded as kept.",
                "There is nothing to open or close.",
            )
        )
    refused += [
        reason(
            ReasonCode.KEPT_CHANGED,
            f"The kept data {kept.name} is not as it was recorded, or cannot be seen.",
            "If it was renamed or moved, put it back under its name; if something else stands "
            "there, move that away. Then try again.",
        )
        for kept in seen.record.kept
        if not kept_is_unchanged(seen.reading.database, seen.reading.keep, kept)
    ]
    if refused:
        raise Refused.because(*refused)
    return seen


def is_open(seen: Seen, kept: KeptData) -> bool:
    """Whether somebody may connect to it."""
    return any(
        each.oid == kept.database_oid and each.takes_connections
        for each in seen.reading.database.neighbours
    )


def switch_kept(office: LaneOffice, seen: Seen, *, closing: bool) -> Seen:
    """Have the guard open all kept data for reading, or close it, and see that it did.

    Run again it does nothing more. Raises Refused, CouldNotTell or Busy.
    """
    order = OpenOrder(
        **order_head(
            seen.asked.lane, seen.configuration.database, seen.configuration.filestore_path
        ),
        kept=tuple(
            KeptReference(
                name=each.name,
                database_oid=each.database_oid,
                generation=each.generation,
                permit_id=each.permit_id,
            )
            for each in seen.record.kept
        ),
    )
    flags = ("--close",) if closing else ()
    guard_client.carry_out(
        seen.configuration, "open", office.sign(order), order.nonce, options=flags
    )
    after = see(office, seen.asked)
    wrong = [each.name for each in seen.record.kept if is_open(after, each) is closing]
    if wrong:
        raise Refused.because(
            reason(
                ReasonCode.READINGS_MOVED,
                f"Kept data is {'still open' if closing else 'not open'} after the guard's answer: "
                f"{', '.join(wrong)}.",
                "Run the same command again: it looks once more.",
            )
        )
    office.store.note(
        "kept_closed" if closing else "kept_opened",
        seen.asked.lane,
        {"kept": [each.name for each in seen.record.kept], "by": seen.asked.requester},
        utc_now(),
    )
    return after
