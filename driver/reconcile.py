"""Every lane's own word on what it holds, for a store that no longer knows."""

from collections.abc import Iterator

from launchplane_lane_contracts.errors import LaneAuthorityError
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import Marker
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.vocabulary import TagState

from .guard_client import show
from .host_directory import HostDirectory
from .keys import PublicKeys
from .lane_configuration import LaneConfiguration
from .store.reconciling import KeptClaim, LaneClaim


def read_claims(host: HostDirectory, keys: PublicKeys) -> tuple[LaneClaim, ...]:
    """What each configured lane says. A lane that says nothing is a claim with a problem.

    Raises BadInput when the configuration has mistakes.
    """
    return tuple(_claim(lane, each, keys) for lane, each in host.lanes().items())


def _claim(lane: Lane, configuration: LaneConfiguration, keys: PublicKeys) -> LaneClaim:
    try:
        reading = show(configuration)
    except LaneAuthorityError as problem:
        return LaneClaim(lane, None, problem=problem.message)
    found = reading.database.problem or reading.identity_problem or ""
    if reading.lane != lane:
        detail = found or f"the guard's environment is that of lane {reading.lane or 'unknown'}"
        return LaneClaim(lane, None, problem=detail)
    if reading.database.name != configuration.database:
        return LaneClaim(lane, None, problem=f"the guard looks at database {reading.database.name}")
    return LaneClaim(
        lane,
        _bound_marker(reading, lane, keys),
        tuple(_kept(reading, lane)),
        problem=reading.database.problem or "",
    )


def _bound_marker(reading: LaneReading, lane: Lane, keys: PublicKeys) -> Marker | None:
    """The marker, where signature, row, place and both tags agree throughout."""
    database, files = reading.database, reading.filestore.tag
    row, entry = database.marker_row, database.entry
    order = keys.verify_marker(row.token).order if row is not None else None
    if row is None or entry is None or order is None or isinstance(order, Permit):
        return None
    marker, tag = order.marker, entry.tag
    whole = (
        marker.lane == lane
        and marker.identity == database.identity()
        and row.says_the_same_as(marker.row(row.token))
        and tag is not None
        and (tag.lane, tag.state, tag.generation, tag.database_oid)
        == (lane, TagState.LIVE, marker.generation, entry.oid)
        and files is not None
        and (files.lane, files.generation, files.system_identifier, files.database_oid)
        == (lane, marker.generation, marker.identity.system_identifier, entry.oid)
        and reading.filestore.path == marker.filestore_path
    )
    return marker if whole else None


def _kept(reading: LaneReading, lane: Lane) -> Iterator[KeptClaim]:
    server = reading.database.server
    if server is None:
        return
    folders = {
        each.name
        for each in reading.keep.filestores
        if each.tag is not None and each.tag.lane == lane
    }
    for entry in reading.database.neighbours:
        tag = entry.tag
        if tag is None or tag.lane != lane or tag.state is not TagState.KEPT:
            continue
        if tag.database_oid == entry.oid and tag.permit_id is not None:
            yield KeptClaim(
                name=entry.name,
                database_oid=entry.oid,
                system_identifier=server.system_identifier,
                generation=tag.generation,
                permit_id=tag.permit_id,
                set_aside_at=tag.set_aside_at,
                has_filestore=entry.name in folders,
            )
