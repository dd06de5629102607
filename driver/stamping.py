"""The signed marker: written by the guard, and found again where an earlier run wrote it."""

from launchplane_lane_contracts.contract import Digest, PermitId
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import Marker
from launchplane_lane_contracts.orders import StampOrder
from launchplane_lane_contracts.reading import DatabaseReading
from launchplane_lane_contracts.vocabulary import TagState

from .guard_client import carry_out
from .lane_office import LaneOffice
from .order_head import order_head


def stamp(
    office: LaneOffice,
    marker: Marker,
    *,
    permit_id: PermitId | None,
    lock: bool,
    replaces: Digest | None = None,
    document_digest: Digest | None = None,
    ends: tuple[PermitId, ...] = (),
    as_it_stands: bool = False,
    copy_of: Lane | None = None,
) -> None:
    """Have the guard write the marker, its tags and the lock.

    `replaces` names the row that may go though no rebuild brought the new one; `document_digest`
    is what was signed for another life than a rebuild. `ends` are earlier permits of the same
    operation; `as_it_stands` says that nothing was ever set aside under them. `copy_of` is the
    other lane whose marker is replaced; then the guard neutralises the data before.
    Raises Refused, CouldNotTell or Busy; then it may be tried again.
    """
    order = StampOrder(
        **order_head(marker.lane, marker.identity.database_name, marker.filestore_path),
        permit_id=permit_id,
        marker=marker,
        lock=lock,
        replaces=replaces,
        document_digest=document_digest,
        ends=ends,
        as_it_stands=as_it_stands,
        copy_of=copy_of,
    )
    carry_out(office.configuration(marker.lane), "stamp", office.sign(order), order.nonce)


def stamped_there(office: LaneOffice, database: DatabaseReading) -> StampOrder | None:
    """The stamp order that wrote the marker that stands there, with its tag.

    A step that died between the stamp and the store finds it there: only the record is missing.
    """
    row, entry = database.marker_row, database.entry
    order = office.keys.verify_marker(row.token).order if row is not None else None
    if row is None or entry is None or not isinstance(order, StampOrder):
        return None
    marker, tag = order.marker, entry.tag
    written = (
        marker.identity == database.identity()
        and row.says_the_same_as(marker.row(row.token))
        and tag is not None
        and (tag.lane, tag.state, tag.generation, tag.database_oid)
        == (marker.lane, TagState.LIVE, marker.generation, entry.oid)
    )
    return order if written else None
