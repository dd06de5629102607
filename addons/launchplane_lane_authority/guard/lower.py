"""`lower`: an authoritative marker, or a claim, is lowered by an order over exactly that marker."""

from datetime import timedelta

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.inside import read_inside
from launchplane_lane_contracts.judgement import judge_marker
from launchplane_lane_contracts.observation import HostRecord, MarkerObservation
from launchplane_lane_contracts.orders import LowerOrder
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.rules.database_and_files import marker_reason
from launchplane_lane_contracts.vocabulary import MarkerState

from .database import MAINTENANCE_DATABASE, Query, connected, query_through
from .kept_data import require_server
from .lane_reading import read_lane
from .marker_table import hold_row, write_event, write_row
from .order_check import check_environment
from .settings import GuardSettings
from .swap import expect, one_transaction, require_oid, set_locked
from .tokens import LARGEST_CLOCK_DIFFERENCE_SECONDS, PublicKeys


def lower(settings: GuardSettings, keys: PublicKeys, order: LowerOrder, token: str) -> LaneReading:
    """Put the order's marker in the place of the one that it names, and lock as it says.

    Run again it writes nothing more. Raises Refused or CouldNotTell.
    """
    check_environment(order, settings)
    reading = read_lane(settings)
    require_server(reading.database)
    _nothing_is_unfinished(reading)
    observed = _judged(keys, order, reading)
    if observed.state is not MarkerState.BOUND:
        raise Refused.because(marker_reason(observed) or _no_marker())
    found = reading.database.identity()
    if found != order.marker.identity:
        raise Refused.because(_moved("the place", str(order.marker.identity), str(found)))
    with connected(settings, settings.database) as connection:
        query = query_through(connection)
        connection.autocommit = False
        require_oid(query, order.marker.identity.database_oid)
        if _still_the_one(query, order):
            write_row(query, order.marker.row(token), keep_claim=False)
            write_event(
                query,
                "lowered",
                "control plane",
                {"generation": order.marker.generation, "lowers": order.lowers_nonce},
            )
        connection.commit()
        # Only while the row is still the order's: a stamp may have locked the data since.
        _still_the_one(query, order)
        with connected(settings, MAINTENANCE_DATABASE) as server, one_transaction(server):
            set_locked(server, settings.database, locked=order.lock)
            expect(server, settings.database, order.marker.identity.database_oid)
        connection.commit()
    return read_lane(settings)


def _nothing_is_unfinished(reading: LaneReading) -> None:
    begun = next((each for each in reading.keep.begun if not each.ended), None)
    if begun is not None:
        raise Refused.because(
            reason(
                ReasonCode.OPERATION_UNFINISHED,
                f"Permit {begun.permit_id} was begun and is not settled, so no marker is lowered.",
                "Finish that operation or undo it, then lower the marker.",
                permit_id=begun.permit_id,
            )
        )


def _judged(keys: PublicKeys, order: LowerOrder, reading: LaneReading) -> MarkerObservation:
    """The marker that is there, judged as the host does, by the record that the order carries."""
    row = reading.database.marker_row
    written = row is not None and row.nonce == order.marker.nonce
    return judge_marker(
        reading.database,
        keys.judge_marker_token(row.token) if row is not None else None,
        HostRecord(
            lane=order.lane,
            generation=order.marker.generation,
            nonce=order.marker.nonce if written else order.lowers_nonce,
            identity=order.marker.identity,
        ),
    )


def _still_the_one(query: Query, order: LowerOrder) -> bool:
    """Whether the row is still to be written. It is held until the transaction ends.

    Raises Refused when it is neither the one that is lowered nor the order's own.
    """
    held = hold_row(query)
    if held is None:
        raise Refused.because(_moved("the marker's row", order.lowers_nonce, "none"))
    nonce, claimed_at = held
    if nonce == order.marker.nonce:
        return False
    if nonce != order.lowers_nonce:
        raise Refused.because(_moved("the marker's nonce", order.lowers_nonce, nonce))
    if order.lowers_digest is not None:
        found = read_inside(query).marker_digest
        if found != order.lowers_digest:
            # Nobody who signed has seen it as it is: it was claimed since, or the claim is another.
            raise Refused.because(_moved("the marker's digest", order.lowers_digest, str(found)))
        return True
    latest = order.issued_at - timedelta(seconds=LARGEST_CLOCK_DIFFERENCE_SECONDS)
    if claimed_at is not None and claimed_at > latest:
        # Nobody who signed has seen it, by one of the two clocks at least.
        raise Refused.because(
            _moved(
                "the marker", "as it was signed over", f"claimed since {claimed_at:%H:%M:%S} UTC"
            )
        )
    return True


def _no_marker() -> Reason:
    return reason(
        ReasonCode.MARKER_ABSENT,
        "There is no marker under the lane's name, so there is nothing to lower.",
        "Plan again: the plan says what stands there and what can be done about it.",
    )


def _moved(what: str, expected: str, found: str) -> Reason:
    return reason(
        ReasonCode.READINGS_MOVED,
        f"The order is for another state of the lane: {what} should be {expected} and is {found}.",
        "Look at the lane and have the change signed again, over what stands there now.",
        what=what,
        expected=expected,
        found=found,
    )
