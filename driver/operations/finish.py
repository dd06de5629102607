"""`finish`: the materialiser's report, the guard's check, both witnesses once more, the stamp."""

import time

from launchplane_lane_contracts.contract import OperationId, later
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.marker import Lineage, Marker
from launchplane_lane_contracts.observation import Observation
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import DataSource, OperationPhase, RuntimeState

from ..guard_client import carry_out, show
from ..lane_office import LaneOffice, utc_now
from ..stamping import stamp
from ..store.records import OperationRecord
from ..witnesses import Witnessed
from .start import begun_in_the_lane
from .steps import (
    as_policy_says_now,
    marker_of,
    permit_of,
    refuse_anothers_data,
    refuse_revoked_permits,
    stamped_before,
    wrong_phase,
)

SECONDS_BETWEEN_QUESTIONS = 1.0


def finish(
    office: LaneOffice,
    operation_id: OperationId,
    *,
    succeeded: bool,
    report: str = "",
    wait_for_runtime: float = 0.0,
) -> OperationRecord:
    """Settle: the materialiser's own report, the guard's check, and both witnesses once more.

    `wait_for_runtime` (seconds) is how long a starting Odoo may take to answer. Raises Refused,
    CouldNotTell or Busy; then the operation is unfinished and can be finished again or undone.
    """
    operation = office.store.operation(operation_id)
    if operation.phase is OperationPhase.STARTED:
        if succeeded and (settled := _settled_since(office, operation)) is not None:
            return settled
        operation = begun_in_the_lane(office, operation)
    if operation.phase not in (OperationPhase.BEGUN, OperationPhase.MATERIALISED):
        raise Refused.because(wrong_phase(operation, "finished"))
    if not succeeded:
        office.store.note(
            "materialiser_failed", operation.lane, {"report": report[:2000]}, utc_now()
        )
        raise Refused.because(_materialiser_failed(operation, report))
    refuse_revoked_permits(office, operation, earlier=False)
    permit = permit_of(office, operation)
    refuse_anothers_data(office, permit)
    assert operation.permit_token is not None
    configuration = office.configuration(operation.lane)
    _receipt, reading = carry_out(configuration, "finish", operation.permit_token, permit.nonce)
    if operation.phase is OperationPhase.BEGUN:
        operation = office.store.advance(
            operation.operation_id,
            expected=frozenset({OperationPhase.BEGUN}),
            to=OperationPhase.MATERIALISED,
            now=utc_now(),
            ledger_document={"permit_id": permit.permit_id},
        )
    stamped = stamped_before(office, permit, reading)
    if stamped is not None and stamped.generation == operation.generation:
        if not _ended(reading, operation):
            # The guard died after it had written the marker: the same once more, to its end.
            entry = reading.database.entry
            stamp(
                office,
                stamped,
                permit_id=operation.permit_id,
                lock=entry is not None and entry.locked,
                ends=operation.earlier_permit_ids,
            )
        return _record_settled(office, operation, permit, stamped)
    witnessed, observation = _both_witnesses_agree(office, operation, permit, wait_for_runtime)
    _obligations_met(permit, witnessed, operation, _still_kept(office, operation))
    return _settle(office, operation, permit, witnessed, observation)


def _settled_since(office: LaneOffice, operation: OperationRecord) -> OperationRecord | None:
    """Record that it is settled, where the store is a copy from before that; None where it is not.

    A marker is stamped only after everything was checked, and every begin has its end by then.
    """
    permit = permit_of(office, operation)
    reading = show(office.configuration(operation.lane))
    stamped = stamped_before(office, permit, reading)
    if stamped is None or stamped.generation != operation.generation:
        return None
    return (
        _record_settled(office, operation, permit, stamped) if _ended(reading, operation) else None
    )


def _both_witnesses_agree(
    office: LaneOffice, operation: OperationRecord, permit: Permit, wait_for_runtime: float
) -> tuple[Witnessed, Observation]:
    """Ask until they agree or the time is over."""
    record = office.store.host_record(operation.lane)
    existing = permit.request.data_source is DataSource.EXISTING
    # An attested runtime does not settle data that came.
    attested_by = permit.request.requester if existing and permit.request.attest_runtime else None
    accepted = {RuntimeState.AGREES, RuntimeState.ATTESTED}
    revision = office.store.policy(operation.lane)
    assert revision is not None
    # A policy that was tightened under way asks for the runtime as well.
    obligations = as_policy_says_now(permit.obligations, revision)
    required = permit.policy.requires_runtime_identity or obligations.authoritative
    if not required:
        accepted.add(RuntimeState.SILENT)
    until = time.monotonic() + wait_for_runtime
    while True:
        witnessed = office.look(record, attested_by=attested_by)
        observation = office.observe(witnessed)
        if observation.runtime.state in accepted:
            return witnessed, observation
        if time.monotonic() >= until:
            raise Refused.because(
                reason(
                    ReasonCode.RUNTIME_NOT_ANSWERING,
                    "The rebuilt lane's Odoo does not confirm what was rebuilt: "
                    f"{observation.runtime.detail}.",
                    f"Start the lane's Odoo and finish again (`lane-authority finish "
                    f"{operation.operation_id}`), or put the old data back (`lane-authority "
                    f"undo {operation.operation_id}`).",
                    runtime=observation.runtime.state,
                )
            )
        time.sleep(SECONDS_BETWEEN_QUESTIONS)


def _ended(reading: LaneReading, operation: OperationRecord) -> bool:
    """Whether every begin of the operation has its end on record in the keep."""
    return all(each.ended for each in reading.keep.begun if each.permit_id in operation.permit_ids)


def _still_kept(office: LaneOffice, operation: OperationRecord) -> tuple[KeptData, ...]:
    """All that was set aside for it, when it was begun first and each time after."""
    record = office.store.host_record(operation.lane)
    return tuple(
        each
        for each in record.kept
        if each.permit_id in operation.permit_ids or each.name == operation.kept_name
    )


def _obligations_met(
    permit: Permit, witnessed: Witnessed, operation: OperationRecord, kept: tuple[KeptData, ...]
) -> None:
    """Refuse unless what stands there now is what the permit obliges to."""
    database = witnessed.reading.database
    row, entry = database.marker_row, database.entry
    faults: list[str] = []
    if row is None or entry is None or row.nonce != permit.nonce:
        faults.append("the marker is not the one that the guard's finish wrote")
    before = permit.observation.database.oid
    if (
        entry is not None
        and before is not None
        and permit.obligations.same_database
        and entry.oid != before
    ):
        faults.append(f"oid {before} should have stayed and has become {entry.oid}")
    # What was set aside on a volume that the lane left is seen by nobody from here.
    for lost in kept if permit.request.fresh_volumes is None else ():
        if not any(
            (each.name, each.oid, each.locked) == (lost.name, lost.database_oid, True)
            for each in database.neighbours
        ):
            faults.append(f"the kept database {lost.name} (oid {lost.database_oid}) was not seen")
    if (
        permit.obligations.neutralise
        and witnessed.runtime.reading is not None
        and not witnessed.runtime.reading.neutralised
    ):
        faults.append("data that is not this lane's own came and was not neutralised")
    if faults:
        raise Refused.because(
            *(
                reason(
                    ReasonCode.RESULT_NOT_AS_PERMITTED,
                    f"What stands there is not what the permit allows: {fault}.",
                    f"Put the old data back (`lane-authority undo {operation.operation_id}`); "
                    "what stands there is kept as well.",
                )
                for fault in faults
            )
        )


def _settle(
    office: LaneOffice,
    operation: OperationRecord,
    permit: Permit,
    witnessed: Witnessed,
    observation: Observation,
) -> OperationRecord:
    identity = witnessed.reading.database.identity()
    assert identity is not None
    revision = office.store.policy(operation.lane)
    assert revision is not None
    obligations = as_policy_says_now(permit.obligations, revision)
    kept_until = later(utc_now(), obligations.keep_for)
    set_aside = operation.kept_name is not None
    marker = marker_of(
        permit,
        revision,
        obligations,
        identity,
        operation,
        lineage=Lineage(
            operation=permit.request.operation,
            data_source=permit.request.data_source,
            permit_id=permit.permit_id,
            set_aside=operation.kept_name,
            kept_until=kept_until if set_aside else None,
        ),
    )
    lock = obligations.lock and observation.runtime.stays_listed_when_locked
    stamp(
        office,
        marker,
        permit_id=operation.permit_id,
        lock=lock,
        ends=operation.earlier_permit_ids,
    )
    return _record_settled(office, operation, permit, marker)


def _record_settled(
    office: LaneOffice, operation: OperationRecord, permit: Permit, marker: Marker
) -> OperationRecord:
    now = utc_now()
    return office.store.settle(
        operation.operation_id,
        generation=marker.generation,
        nonce=marker.nonce,
        identity=marker.identity,
        filestore_path=marker.filestore_path,
        now=now,
        kept_until=marker.lineage.kept_until or later(now, permit.obligations.keep_for),
        ledger_document=_volumes_left(permit, operation),
    )


def _volumes_left(permit: Permit, operation: OperationRecord) -> dict[str, object]:
    """What the ledger says of volumes that the lane left: their release is the provider's act."""
    volumes = permit.request.fresh_volumes
    if volumes is None:
        return {}
    return {
        "fresh_volumes": volumes.to_plain(),
        "system_identifier_before": permit.observation.database.system_identifier,
        "database_oid_before": permit.observation.database.oid,
        "kept_name": operation.kept_name,
        "left_at": utc_now().isoformat(),
    }


def _materialiser_failed(operation: OperationRecord, report: str) -> Reason:
    return reason(
        ReasonCode.MATERIALISER_FAILED,
        "The materialiser did not report success"
        + (f": {report.strip()[:500]}" if report.strip() else "")
        + ". The old data is kept.",
        f"Put the old data back (`lane-authority undo {operation.operation_id}`), do the "
        f"same once more (`lane-authority retry {operation.operation_id}`), or let the "
        "materialiser run again and finish then.",
        operation_id=operation.operation_id,
    )
