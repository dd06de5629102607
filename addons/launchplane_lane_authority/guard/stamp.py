"""`prepare` and `stamp`: the marker, the tags and the lock, exactly as the control plane signed."""

from launchplane_lane_contracts.catalogue import Query
from launchplane_lane_contracts.contract import PermitId
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.inside import read_inside
from launchplane_lane_contracts.marker import EngineTag, FilestoreTag, Marker, MarkerRow
from launchplane_lane_contracts.naming import REMAINS, kept_name
from launchplane_lane_contracts.orders import PrepareOrder, StampOrder
from launchplane_lane_contracts.reading import DatabaseReading, LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import DataSource, RowState, TagState

from . import filestore
from .database import MAINTENANCE_DATABASE, connected, query_through
from .keep import ABORTED, ENDED, FINISHED, UNDONE, Keep
from .lane_reading import read_lane
from .marker_table import create_tables, hold_row, write_event, write_row
from .neutralise import neutralise
from .order_check import check_environment
from .settings import GuardSettings
from .swap import comment, set_locked


def prepare(settings: GuardSettings, order: PrepareOrder) -> LaneReading:
    """Make the marker's empty table, so that the database gets a physical identity.

    Raises Refused, CouldNotTell.
    """
    check_environment(order, settings)
    reading = read_lane(settings)
    entry = reading.database.entry
    if entry is None or entry.oid != order.database_oid or reading.database.problem:
        raise Refused.because(
            _moved(f"database oid {order.database_oid}", f"oid {entry.oid if entry else 'none'}")
        )
    with connected(settings, settings.database) as connection:
        connection.autocommit = False
        create_tables(query_through(connection))
        connection.commit()
    return read_lane(settings)


def stamp(settings: GuardSettings, order: StampOrder, token: str) -> LaneReading:
    """Write the marker over the physical identity that the order names.

    Run again it writes the same. Raises Refused, CouldNotTell or Busy.
    """
    if order.as_it_stands and settings.keep is not None:
        # A begin of the very operation may be on its way.
        keep = Keep(settings.keep)
        keep.prepare(order.lane)
        with keep.locked():
            return _stamp(settings, order, token)
    return _stamp(settings, order, token)


def _stamp(settings: GuardSettings, order: StampOrder, token: str) -> LaneReading:
    check_environment(order, settings)
    marker = order.marker
    keep = Keep(settings.keep) if settings.keep is not None else None
    reading = read_lane(settings)
    found = reading.database.identity()
    if found != marker.identity:
        raise Refused.because(_moved(str(marker.identity), str(found)))
    files = reading.filestore.tag
    if files is not None and files.lane != order.lane:
        raise Refused.because(
            reason(
                ReasonCode.FILESTORE_FOREIGN,
                f"The folder {reading.filestore.path} holds the files of lane {files.lane}.",
                "Correct the lane's filestore path or volume, then plan again.",
                found=files.lane,
            )
        )
    in_the_way = _in_the_way(order, reading.database)
    if in_the_way is not None:
        raise Refused.because(in_the_way)
    # Data that went back (an undo) is stamped under the permit that had set it aside.
    if order.as_it_stands:
        _require_that_it_stayed(order, keep, reading)
    elif order.permit_id is not None and (
        keep is None
        or not (keep.has(order.permit_id, FINISHED) or keep.has(order.permit_id, ENDED))
    ):
        raise Refused.because(
            reason(
                ReasonCode.PERMIT_NOT_BEGUN,
                f"The rebuild of permit {order.permit_id} was not finished here.",
                "Run `finish` with the permit first, or undo the operation.",
                permit_id=order.permit_id,
            )
        )
    if _another_is_pending(order, reading.database.marker_row, keep):
        raise Refused.because(
            reason(
                ReasonCode.MARKER_PENDING,
                f"The rebuild of permit {order.permit_id} was settled before, and another one was "
                "begun on the database since.",
                "Finish that one, or undo it; this order has done what it was for.",
                permit_id=order.permit_id,
            )
        )
    if order.as_it_stands and keep is not None:
        # Before the marker says that all is well: none of them can be begun from now on.
        for each in _permits(order):
            if not keep.is_real(each):
                keep.void(each, kept_name(order.database, marker.generation, REMAINS, each))
    pending = _adopted_rebuild(order, reading.database)
    row = reading.database.marker_row
    if order.copy_of is not None and (row is None or row.nonce != marker.nonce):
        # Before it says that it is this lane's: until then an Odoo on it sends nothing.
        neutralise(settings, settings.database)
    _write(settings, order, token, marker)
    if keep is not None:
        for each in (*_permits(order), *((pending,) if pending is not None else ())):
            if keep.intent(each) is not None:
                keep.note(each, ENDED)
    return read_lane(settings)


def _adopted_rebuild(order: StampOrder, database: DatabaseReading) -> PermitId | None:
    """The permit of a rebuild that ends because what it left is adopted."""
    tag = database.entry.tag if database.entry is not None else None
    if order.replaces is None or tag is None or tag.state is not TagState.PENDING:
        return None
    return tag.permit_id


def _permits(order: StampOrder) -> tuple[PermitId, ...]:
    """The permits that end with it, the one that the order is about last."""
    return (*order.ends, *((order.permit_id,) if order.permit_id is not None else ()))


def _require_that_it_stayed(order: StampOrder, keep: Keep | None, reading: LaneReading) -> None:
    """Refuse unless no begin of the operation ever took the data from its name."""
    found = reading.database.entry.oid if reading.database.entry is not None else None
    for each in _permits(order):
        intent = keep.intent(each) if keep is not None else None
        if keep is None or intent is None or not keep.is_real(each):
            continue
        moved = keep.filestore(intent.kept_name).exists() or keep.has(each, UNDONE)
        if intent.database_oid != found or moved:
            raise Refused.because(_moved(f"database oid {intent.database_oid}", f"oid {found}"))


def _another_is_pending(order: StampOrder, row: MarkerRow | None, keep: Keep | None) -> bool:
    """Whether an order that was carried out before would write over what a later permit wrote."""
    if row is None or row.state is not RowState.PENDING or order.permit_id is None or keep is None:
        return False
    # Data that went back brings the row that it had, and is stamped after its operation has ended.
    went_back = keep.has(order.permit_id, UNDONE) or keep.has(order.permit_id, ABORTED)
    return keep.has(order.permit_id, ENDED) and not went_back


def _in_the_way(order: StampOrder, database: DatabaseReading) -> Reason | None:
    """Why the marker that is there may not be replaced by this one."""
    row = database.marker_row
    if row is not None and row.nonce == order.marker.nonce:
        return None
    foreign = _own_tag_of_another_lane(order, database)
    if foreign is not None:
        return foreign
    if order.replaces is not None and database.marker_digest != order.replaces:
        return _moved(f"the marker row with digest {order.replaces}", str(database.marker_digest))
    if row is None:
        return None
    remedy = "Plan again: the plan says whose data stands there and what can be done about it."
    if row.lane not in (str(order.lane), str(order.copy_of)):
        return reason(
            ReasonCode.MARKER_FOREIGN,
            f"The database carries the marker of lane {row.lane}, the order is for {order.lane}.",
            remedy,
            found=row.lane,
        )
    if order.replaces is not None:
        # People have seen exactly this row, and signed that it goes.
        return None
    if row.generation > order.marker.generation:
        return reason(
            ReasonCode.MARKER_AHEAD,
            f"The marker that is there is of generation {row.generation}, the order's of "
            f"{order.marker.generation}.",
            remedy,
            found=row.generation,
        )
    if order.permit_id is None:
        return reason(
            ReasonCode.ALREADY_ENROLLED,
            f"The database already carries a marker of generation {row.generation}.",
            remedy,
            found=row.generation,
        )
    return None


def _own_tag_of_another_lane(order: StampOrder, database: DatabaseReading) -> Reason | None:
    """Why the database is another lane's own, where its tag was written for it."""
    entry = database.entry
    tag = entry.tag if entry is not None else None
    if entry is None or tag is None or order.permit_id is not None:
        return None
    if tag.lane == order.lane or tag.database_oid != entry.oid:
        return None
    return reason(
        ReasonCode.MARKER_FOREIGN,
        f"The database is lane {tag.lane}'s own: its tag says so.",
        "Put the database of this lane under the name, then plan again.",
        found=tag.lane,
    )


def _write(settings: GuardSettings, order: StampOrder, token: str, marker: Marker) -> None:
    tag = EngineTag(
        lane=marker.lane,
        generation=marker.generation,
        database_oid=marker.identity.database_oid,
        state=TagState.LIVE,
        permit_id=order.permit_id,
    )
    same_data = marker.lineage.data_source in (None, DataSource.EXISTING, DataSource.KEPT)
    with connected(settings, settings.database) as connection:
        query = query_through(connection)
        connection.autocommit = False
        if order.replaces is not None:
            _still_the_one(query, order, order.replaces)
        # A claim was made for the original.
        kept = write_row(query, marker.row(token), keep_claim=same_data and order.copy_of is None)
        write_event(
            query,
            "stamp",
            "control plane",
            {
                "generation": marker.generation,
                "permit_id": order.permit_id,
                "claim_kept": kept,
            },
        )
        connection.commit()
    filestore.tag_served(
        settings.filestore,
        FilestoreTag(
            lane=marker.lane,
            generation=marker.generation,
            system_identifier=marker.identity.system_identifier,
            database_oid=marker.identity.database_oid,
            state=TagState.LIVE,
            permit_id=order.permit_id,
        ),
    )
    with connected(settings, MAINTENANCE_DATABASE) as server:
        comment(server, settings.database, tag)
        set_locked(server, settings.database, locked=order.lock)


def _still_the_one(query: Query, order: StampOrder, replaces: str) -> None:
    """Hold the row until the transaction ends. Raises Refused when it is another one by now."""
    held = hold_row(query)
    if held is not None and held[0] == order.marker.nonce:
        return
    found = read_inside(query).marker_digest
    if found != replaces:
        raise Refused.because(_moved(f"the marker row with digest {replaces}", str(found)))


def _moved(expected: str, found: str) -> Reason:
    return reason(
        ReasonCode.READINGS_MOVED,
        f"The order is for {expected}; {found} was found.",
        "Something else changed the server in between. Plan again: the next reading says what "
        "stands there.",
        expected=expected,
        found=found,
    )
