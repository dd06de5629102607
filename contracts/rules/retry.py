"""Doing an unfinished operation once more. What it left is remains; nothing is asked of them."""

from collections.abc import Iterator

from ..observation import DatabaseObservation, Observation
from ..reasons import Reason, ReasonCode, reason
from ..request import Request
from ..vocabulary import (
    UNFINISHED_PHASES,
    DatabaseState,
    DataSource,
    MarkerState,
    OperationPhase,
    TagState,
)
from .case import Case


def is_retry(request: Request, seen: Observation) -> bool:
    """Whether it asks for the very operation that is unfinished on the lane."""
    unfinished = seen.record.unfinished
    return (
        unfinished is not None
        and unfinished.phase in UNFINISHED_PHASES
        and request.retries == unfinished.operation_id
        and (request.operation, request.data_source)
        == (unfinished.operation, unfinished.data_source)
    )


def only_remains_stand_there(request: Request, seen: Observation) -> bool:
    """Whether a retry finds nothing under the name but what the operation left.

    What was recorded as this lane's data, live or kept, is never remains, nor is another database
    that anybody's own tag claims, nor another lane's that its marker was signed for. Where no
    database stands, there may still be files.
    """
    database, unfinished = seen.database, seen.record.unfinished
    return (
        is_retry(request, seen)
        and unfinished is not None
        and unfinished.phase is not OperationPhase.STARTED
        and request.data_source is not DataSource.EXISTING
        and not _is_on_another_cluster(seen)
        and (
            database.state is DatabaseState.ABSENT
            or (
                database.state in (DatabaseState.INITIALISED, DatabaseState.UNINITIALISED)
                and not _is_recorded_data(seen)
                and not _is_claimed_by_a_tag(database, seen)
                and not seen.marker.is_anothers_own
            )
        )
    )


def _is_on_another_cluster(seen: Observation) -> bool:
    identity = seen.record.identity
    return identity is not None and seen.database.system_identifier != identity.system_identifier


def _is_recorded_data(seen: Observation) -> bool:
    """Whether the host knows it as this lane's; one whose oid was not read may be that."""
    oid, record = seen.database.oid, seen.record
    return (
        oid is None
        or (record.identity is not None and oid == record.identity.database_oid)
        or any(oid == kept.database_oid for kept in record.kept)
    )


def _is_claimed_by_a_tag(database: DatabaseObservation, seen: Observation) -> bool:
    tag = database.tag
    if tag is None or tag.database_oid != database.oid:
        return False
    return tag.lane != seen.lane or tag.state is not TagState.PENDING


def accepts_pending_marker(case: Case) -> bool:
    """Whether a pending marker is the one that the retried operation wrote."""
    unfinished, marker = case.seen.record.unfinished, case.seen.marker
    return (
        case.retries
        and unfinished is not None
        and marker.state is MarkerState.PENDING
        and marker.permit_id is not None
        and marker.permit_id in unfinished.permits
    )


def retry_is_of_what_is_unfinished(case: Case) -> Iterator[Reason]:
    """A request that retries names the operation that is unfinished, and asks for the same."""
    if case.request.retries is None or case.retries:
        return
    unfinished = case.seen.record.unfinished
    found = (
        "none"
        if unfinished is None
        else f"{unfinished.operation_id} ({unfinished.operation}/{unfinished.data_source}, "
        f"{unfinished.phase})"
    )
    yield reason(
        ReasonCode.RETRY_OTHER_OPERATION,
        f"Operation {case.request.retries} cannot be done once more as "
        f"{case.request.operation}/{case.request.data_source}; unfinished on the lane is: {found}.",
        "Retry the unfinished operation with what it was asked for; for anything else, finish or "
        "undo it first and then plan anew.",
        retries=case.request.retries,
        unfinished=unfinished.operation_id if unfinished else None,
    )
