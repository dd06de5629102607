"""`prepare` and `stamp`: the marker, the tags and the lock, exactly as the control plane signed."""

from collections.abc import Iterator
from contextlib import contextmanager

from launchplane_lane_contracts.contract import PermitId
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.inside import read_inside
from launchplane_lane_contracts.marker import EngineTag, FilestoreTag, MarkerRow
from launchplane_lane_contracts.naming import REMAINS, kept_name
from launchplane_lane_contracts.orders import PrepareOrder, StampOrder
from launchplane_lane_contracts.reading import DatabaseReading, LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import RowState, TagState

from . import filestore
from .database import MAINTENANCE_DATABASE, connected, query_through
from .keep import ABORTED, ENDED, FINISHED, UNDONE, Keep
from .kept_data import require_server
from .lane_reading import read_lane
from .marker_table import create_tables, hold_row, write_event, write_row
from .neutralise import neutralise
from .order_check import check_environment
from .settings import GuardSettings
from .swap import comment, expect, one_transaction, require_oid, set_locked
from .tokens import PublicKeys


def prepare(settings: GuardSettings, order: PrepareOrder) -> LaneReading:
    """Make the marker's empty table, so that the database gets a physical identity.

    Raises Refused, CouldNotTell.
    """
    check_environment(order, settings)
    reading = read_lane(settings)
    require_server(reading.database)
    entry = reading.database.entry
    if entry is None or entry.oid != order.database_oid or reading.database.problem:
        raise Refused.because(
            _moved(f"database oid {order.database_oid}", f"oid {entry.oid if entry else 'none'}")
        )
    with connected(settings, settings.database) as connection:
        query = query_through(connection)
        connection.autocommit = False
        require_oid(query, order.database_oid)
        create_tables(query)
        connection.commit()
    return read_lane(settings)


def stamp(settings: GuardSettings, keys: PublicKeys, order: StampOrder, token: str) -> LaneReading:
    """Write the marker over the physical identity that the order names.

    Run again it writes the same. Raises Refused, CouldNotTell or Busy.
    """
    check_environment(order, settings)
    with _alone(settings, order):
        return _stamp(settings, keys, order, token)


@contextmanager
def _alone(settings: GuardSettings, order: StampOrder) -> Iterator[None]:
    """While a stamp is written no begin, undo or other stamp is at the lane's data.

    Data that was never rebuilt may have no keep yet. Raises Busy, CouldNotTell, OSError.
    """
    if settings.keep is None or not (order.as_it_stands or settings.keep.is_dir()):
        yield
        return
    keep = Keep(settings.keep)
    keep.prepare(order.lane)
    with keep.locked():
        yield


def _stamp(settings: GuardSettings, keys: PublicKeys, order: StampOrder, token: str) -> LaneReading:
    marker = order.marker
    keep = Keep(settings.keep) if settings.keep is not None else None
    reading = read_lane(settings)
    require_server(reading.database)
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
    _require_nothing_in_the_way(keys, order, reading.database, keep)
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
    _write(settings, keys, order, token, reading.database)
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


def _require_nothing_in_the_way(
    keys: PublicKeys, order: StampOrder, database: DatabaseReading, keep: Keep | None
) -> None:
    """Raise Refused where what stands there may not be replaced by the order's marker."""
    in_the_way = _in_the_way(order, database) or _signed_later(keys, order, database.marker_row)
    if in_the_way is not None:
        raise Refused.because(in_the_way)
    if _another_is_pending(order, database.marker_row, keep):
        raise Refused.because(
            reason(
                ReasonCode.MARKER_PENDING,
                f"The rebuild of permit {order.permit_id} was settled before, and another one was "
                "begun on the database since.",
                "Finish that one, or undo it; this order has done what it was for.",
                permit_id=order.permit_id,
            )
        )


def _signed_later(keys: PublicKeys, order: StampOrder, row: MarkerRow | None) -> Reason | None:
    """Why an order that was signed before the marker that is there no longer counts.

    It was carried out before, or was on its way for too long: the lane may have gone live since.
    """
    if (
        row is None
        or row.state is not RowState.SETTLED
        or row.generation != order.marker.generation
        or row.nonce == order.marker.nonce
    ):
        return None
    written = keys.judge_marker_token(row.token).order
    if written is None or written.issued_at <= order.issued_at:
        return None
    return _moved(
        f"a marker that was written before it was signed at {order.issued_at:%H:%M:%S.%f} UTC",
        f"one that was signed at {written.issued_at:%H:%M:%S.%f} UTC",
    )


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
        return _locked_by_others(order, database)
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


def _locked_by_others(order: StampOrder, database: DatabaseReading) -> Reason | None:
    """Why data without a marker is not enrolled: its lock is somebody's, who was not heard."""
    entry = database.entry
    if order.permit_id is not None or order.lock or entry is None or not entry.locked:
        return None
    return reason(
        ReasonCode.ALREADY_ENROLLED,
        f"Database {entry.name} has no marker and is locked, and the order would leave it "
        "unlocked. Nobody recorded why it is locked.",
        "Find out whose data it is and who locked it. If nobody means the lock, whoever owns the "
        "database takes it off (ALTER DATABASE ... IS_TEMPLATE false); then plan again.",
        oid=entry.oid,
    )


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


def _write(
    settings: GuardSettings,
    keys: PublicKeys,
    order: StampOrder,
    token: str,
    database: DatabaseReading,
) -> None:
    """The row; then, while it is still the order's, the tags and the lock."""
    marker = order.marker
    with connected(settings, settings.database) as connection:
        query = query_through(connection)
        connection.autocommit = False
        require_oid(query, marker.identity.database_oid)
        held = hold_row(query)
        again = held is not None and held[0] == marker.nonce
        # As it is now, and stays until the transaction ends.
        inside = read_inside(query)
        _require_nothing_in_the_way(
            keys,
            order,
            database.model_copy(
                update={"marker_row": inside.marker_row, "marker_digest": inside.marker_digest}
            ),
            Keep(settings.keep) if settings.keep is not None else None,
        )
        # What came with other data is gone since `finish`; a copy brings the original's claim.
        kept = again or order.copy_of is None
        claimed = write_row(query, marker.row(token), keep_claim=kept)
        if kept and order.replaces is None and inside.marker_row is not None:
            # One that SQL took off the row stays missed until somebody adopts the data.
            claimed = claimed or inside.marker_row.claimed
        write_event(
            query,
            "stamp",
            "control plane",
            {
                "generation": marker.generation,
                "permit_id": order.permit_id,
                "claim_kept": claimed,
            },
        )
        connection.commit()
        held = hold_row(query)
        if held is None or held[0] != marker.nonce:
            raise Refused.because(
                _moved(f"the marker with nonce {marker.nonce}", held[0] if held else "none")
            )
        _tag_and_lock(settings, order, database if again else None)
        connection.commit()


def _tag_and_lock(
    settings: GuardSettings, order: StampOrder, before: DatabaseReading | None
) -> None:
    """Say beside the data whose it is. `before` is what was there where the row was ours already.

    What was locked since an order was carried out to its end stays locked when it comes again.
    """
    marker = order.marker
    tag = EngineTag(
        lane=marker.lane,
        generation=marker.generation,
        database_oid=marker.identity.database_oid,
        state=TagState.LIVE,
        permit_id=order.permit_id,
    )
    entry = before.entry if before is not None else None
    stays_locked = entry is not None and entry.locked and entry.tag == tag
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
    with connected(settings, MAINTENANCE_DATABASE) as server, one_transaction(server):
        comment(server, settings.database, tag)
        set_locked(server, settings.database, locked=order.lock or stays_locked)
        expect(server, settings.database, tag.database_oid)


def _moved(expected: str, found: str) -> Reason:
    return reason(
        ReasonCode.READINGS_MOVED,
        f"The order is for {expected}; {found} was found.",
        "Something else changed the server in between. Plan again: the next reading says what "
        "stands there.",
        expected=expected,
        found=found,
    )
