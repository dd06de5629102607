"""Operations: who holds a lane, and how far a rebuild came."""

import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from launchplane_lane_contracts.approval import APPROVAL_VALID_FOR
from launchplane_lane_contracts.contract import (
    DatabaseName,
    Digest,
    FilestorePath,
    Nonce,
    OperationId,
    PermitId,
    Person,
    SystemIdentifier,
    UtcInstant,
)
from launchplane_lane_contracts.errors import BadInput, Busy, Refused
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import PhysicalIdentity
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import LIVE_PHASES, UNFINISHED_PHASES, OperationPhase

from .approvals import use_approvals, use_judged_approvals
from .lanes import (
    add_kept,
    kept_document,
    lane_row,
    live_row,
    mark_all_gone_back,
    mark_gone_back,
    mark_released,
    record_live_data,
    set_kept_until,
    take_generation,
)
from .ledger import EntryKind, Transaction
from .policies import policy_in_force
from .reading import read_plain, read_text
from .records import EarlierPermit, OperationRecord
from .schema import ApprovalRow, OperationRow

CLAIM_VALID_FOR = timedelta(hours=24)
"""How long an authorized operation holds its lane at most before it is started."""


def claim(
    change: Transaction, plan: Plan, *, now: UtcInstant, approvals_used: tuple[int, ...] | None
) -> OperationRecord:
    """Take the lane for a plan. See `Store.claim`."""
    session, request = change.session, plan.target.request
    obligations = plan.decision.obligations
    if not plan.decision.allowed or obligations is None:
        raise Refused.because(*plan.decision.reasons)
    holder = live_row(session, request.lane)
    if holder is not None:
        raise _busy(holder)
    _refuse_a_stale_plan(session, plan)
    present = lane_row(session, request.lane).generation
    if obligations.new_generation or present is None:
        generation = take_generation(session, request.lane)
    else:
        generation = present
    row = OperationRow(
        operation_id=f"op-{secrets.token_hex(8)}",
        lane=str(request.lane),
        phase=OperationPhase.AUTHORIZED.value,
        plan=plan.canonical().decode(),
        plan_digest=plan.plan_digest,
        generation=generation,
        permit_id=None,
        permit_token=None,
        kept_name=None,
        requester=request.requester,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        # The database's own index stands behind the question above.
        raise Busy(
            f"Another operation took lane {request.lane} at this moment. Nothing was changed."
        ) from error
    if approvals_used is None:
        approvals_used = use_judged_approvals(
            session,
            plan.observation.approvals,
            plan.plan_digest,
            used_by=row.operation_id,
            now=now,
        )
    else:
        use_approvals(session, approvals_used, plan.plan_digest, used_by=row.operation_id)
    change.append(
        EntryKind.OPERATION_CLAIMED,
        request.lane,
        {
            "operation_id": row.operation_id,
            "plan_digest": plan.plan_digest,
            "generation": generation,
            "policy_revision": plan.policy_revision,
            "plan_text": plan.digest(),
            "created_at": now.isoformat(),
            "request": request.to_plain(),
            "approvals": sorted(approvals_used),
        },
    )
    return record_of(row)


def lapses_at(row: OperationRow, signed_at: Iterable[datetime]) -> datetime:
    """When a claim that nobody started lapses (UTC): with the first of its signatures, if any."""
    ends = (each + APPROVAL_VALID_FOR for each in signed_at)
    return min((row.created_at + CLAIM_VALID_FOR, *ends))


def lapse(change: Transaction, lane: Lane, now: UtcInstant) -> OperationRecord | None:
    """Give up a claim whose time is over. See `Store.lapse`."""
    row = live_row(change.session, lane)
    if row is None or not has_lapsed(change.session, row, now):
        return None
    return advance(
        change,
        OperationId(row.operation_id),
        expected=frozenset({OperationPhase.AUTHORIZED}),
        to=OperationPhase.EXPIRED,
        now=now,
        permit_id=None,
        permit_token=None,
        kept=None,
        gone_back=None,
        ledger_document={"lapsed": True},
    )


def has_lapsed(session: Session, row: OperationRow, now: UtcInstant) -> bool:
    """Whether the operation was authorized and not started within its time."""
    if row.phase != OperationPhase.AUTHORIZED.value:
        return False
    signed = session.scalars(
        select(ApprovalRow.signed_at).where(
            ApprovalRow.digest == row.plan_digest, ApprovalRow.used_by == row.operation_id
        )
    )
    return now >= lapses_at(row, signed)


def _refuse_a_stale_plan(session: Session, plan: Plan) -> None:
    lane = plan.target.request.lane
    revision = policy_in_force(session, lane)
    generation = lane_row(session, lane).generation
    in_force = revision.number if revision is not None else None
    if in_force != plan.policy_revision:
        raise Refused.because(
            _changed(lane, "policy revision", plan.policy_revision, in_force, plan)
        )
    if generation != plan.target.present_generation:
        raise Refused.because(
            _changed(lane, "generation", plan.target.present_generation, generation, plan)
        )


def _changed(lane: Lane, what: str, planned: object, present: object, plan: Plan) -> Reason:
    return reason(
        ReasonCode.PLAN_CHANGED,
        f"The plan was made for {what} {planned or 'none'} of lane {lane}; now it is "
        f"{present or 'none'}.",
        "Plan again, have the new plan reviewed, and authorize that one.",
        lane=lane,
        plan_digest=plan.plan_digest,
        planned=planned,
        present=present,
    )


def advance(
    change: Transaction,
    operation_id: OperationId,
    *,
    expected: frozenset[OperationPhase],
    to: OperationPhase,
    now: UtcInstant,
    permit_id: PermitId | None,
    permit_token: str | None,
    kept: KeptData | None,
    gone_back: DatabaseName | None,
    ledger_document: Mapping[str, Any],
) -> OperationRecord:
    """Take an operation one step further. See `Store.advance`."""
    if to is OperationPhase.SETTLED:
        raise ValueError("an operation is settled by `settle`, which records the data with it")
    session = change.session
    row = _row_in(session, operation_id, expected)
    was = row.phase
    row.phase = to.value
    row.updated_at = now
    # What an operation sets aside when it is retried are remains, which give it no name.
    names_it = row.begun_at is None
    if to is OperationPhase.BEGUN and row.begun_at is None:
        row.begun_at = now
    if permit_id is not None:
        row.permit_id = permit_id
    if permit_token is not None:
        row.permit_token = permit_token
    _note_kept(session, row, kept=kept, gone_back=gone_back, now=now, names_it=names_it)
    session.flush()
    change.append(
        EntryKind.OPERATION_ADVANCED,
        row.lane,
        {
            "operation_id": operation_id,
            "from": was,
            "to": to.value,
            "permit_id": row.permit_id,
            "begun_at": row.begun_at.isoformat() if row.begun_at is not None else None,
            "kept": kept_document(kept, _stands_on(row)),
            "gone_back": gone_back,
            "particulars": dict(ledger_document),
        },
    )
    return record_of(row)


def retry(
    change: Transaction,
    operation_id: OperationId,
    *,
    replaces: PermitId | None,
    permit_id: PermitId,
    permit_token: str,
    generation: int,
    plan: Plan,
    approvals_used: tuple[int, ...],
    now: UtcInstant,
) -> OperationRecord:
    """Give an unfinished operation another permit. See `Store.retry`."""
    session = change.session
    row = _row_in(session, operation_id, UNFINISHED_PHASES)
    if row.permit_id != replaces:
        raise Busy(
            f"Operation {operation_id} of lane {row.lane} was given another permit at this moment. "
            "Nothing was changed. Look at it again."
        )
    was, row.phase, row.updated_at = row.phase, OperationPhase.STARTED.value, now
    earlier = json.loads(row.earlier_permits)
    earlier.append({"permit_id": row.permit_id, "permit_token": row.permit_token})
    row.earlier_permits = json.dumps(earlier)
    row.permit_id, row.permit_token, row.generation = permit_id, permit_token, generation
    session.flush()
    use_approvals(session, approvals_used, plan.plan_digest, used_by=operation_id)
    change.append(
        EntryKind.OPERATION_ADVANCED,
        row.lane,
        {
            "operation_id": operation_id,
            "from": was,
            "to": row.phase,
            "permit_id": permit_id,
            "kept": None,
            "gone_back": None,
            "particulars": {
                "retries": replaces,
                "generation": generation,
                "plan_digest": plan.plan_digest,
                "policy_revision": plan.policy_revision,
                "approvals": sorted(approvals_used),
            },
        },
    )
    return record_of(row)


def settle(
    change: Transaction,
    operation_id: OperationId,
    *,
    expected: frozenset[OperationPhase],
    to: OperationPhase,
    generation: int,
    nonce: Nonce,
    identity: PhysicalIdentity,
    filestore_path: FilestorePath,
    now: UtcInstant,
    kept_until: UtcInstant,
    kept: KeptData | None,
    gone_back: DatabaseName | None,
    ledger_document: Mapping[str, Any],
) -> OperationRecord:
    """End an operation with data in place. See `Store.settle`."""
    row = _row_in(change.session, operation_id, expected)
    record_live_data(
        change.session,
        Lane.parse(row.lane),
        generation=generation,
        nonce=nonce,
        identity=identity,
        filestore_path=filestore_path,
    )
    _note_kept(change.session, row, kept=kept, gone_back=gone_back, now=now)
    return _end(
        change,
        row,
        to=to,
        now=now,
        kept_until=kept_until,
        document={
            **_live_data(generation, nonce, identity, filestore_path),
            "kept": kept_document(kept, _stands_on(row)),
            "gone_back": gone_back,
            "particulars": dict(ledger_document),
        },
    )


def undone(
    change: Transaction,
    operation_id: OperationId,
    *,
    generation: int | None,
    nonce: Nonce | None,
    identity: PhysicalIdentity | None,
    filestore_path: FilestorePath | None,
    now: UtcInstant,
    kept_until: UtcInstant,
    remains: KeptData | None,
    ledger_document: Mapping[str, Any],
) -> OperationRecord:
    """End an operation by what it had set aside. See `Store.undone`."""
    row = _row_in(change.session, operation_id, UNFINISHED_PHASES)
    lane = Lane.parse(row.lane)
    if generation is not None and nonce and identity is not None and filestore_path is not None:
        record_live_data(
            change.session,
            lane,
            generation=generation,
            nonce=nonce,
            identity=identity,
            filestore_path=filestore_path,
        )
    elif lane_row(change.session, lane).generation is not None:
        raise Refused(
            f"Operation {operation_id} cannot end without saying what the data of lane {lane} is "
            "now, for data of it was recorded before. Read the lane again."
        )
    went_back = mark_all_gone_back(change.session, operation_id, now)
    _note_kept(change.session, row, kept=remains, gone_back=None, now=now)
    return _end(
        change,
        row,
        to=OperationPhase.UNDONE,
        now=now,
        kept_until=kept_until,
        document={
            **_live_data(generation, nonce, identity, filestore_path),
            "remains": kept_document(remains, _stands_on(row)),
            "gone_back": list(went_back),
            "particulars": dict(ledger_document),
        },
    )


def fail(
    change: Transaction,
    operation_id: OperationId,
    *,
    now: UtcInstant,
    kept_until: UtcInstant,
    kept_gone: tuple[DatabaseName, ...],
    because: Digest,
) -> OperationRecord:
    """End an unfinished operation whose data is gone: it can give nothing back any more."""
    row = _row_in(change.session, operation_id, UNFINISHED_PHASES)
    for name in kept_gone:
        mark_released(change.session, Lane.parse(row.lane), name, now)
        change.append(
            EntryKind.KEPT_RELEASED,
            row.lane,
            {
                "name": name,
                "digest": because,
                "particulars": {"ground": "it was gone; given up by those who signed"},
            },
        )
    return _end(
        change,
        row,
        to=OperationPhase.FAILED,
        now=now,
        kept_until=kept_until,
        document={"because": because, "kept_gone": list(kept_gone)},
    )


def _end(
    change: Transaction,
    row: OperationRow,
    *,
    to: OperationPhase,
    now: UtcInstant,
    kept_until: UtcInstant,
    document: Mapping[str, Any],
) -> OperationRecord:
    was, row.phase, row.updated_at = row.phase, to.value, now
    set_kept_until(change.session, OperationId(row.operation_id), kept_until)
    change.session.flush()
    change.append(
        EntryKind.OPERATION_SETTLED,
        row.lane,
        {
            "operation_id": row.operation_id,
            "from": was,
            "to": to.value,
            "kept_until": kept_until.isoformat(),
            **document,
        },
    )
    return record_of(row)


def _live_data(
    generation: int | None,
    nonce: Nonce | None,
    identity: PhysicalIdentity | None,
    filestore_path: FilestorePath | None,
) -> dict[str, Any]:
    return {
        "generation": generation,
        "nonce": nonce,
        "identity": identity.to_plain() if identity is not None else None,
        "filestore_path": filestore_path,
    }


def _note_kept(
    session: Session,
    row: OperationRow,
    *,
    kept: KeptData | None,
    gone_back: DatabaseName | None,
    now: UtcInstant,
    names_it: bool = True,
) -> None:
    if gone_back is not None:
        mark_gone_back(session, Lane.parse(row.lane), gone_back, now)
    if kept is None:
        return
    if str(kept.lane) != row.lane:
        raise Refused(
            f"Data of lane {kept.lane} was not set aside by operation {row.operation_id} of lane "
            f"{row.lane}. Nothing was recorded."
        )
    add_kept(session, kept, OperationId(row.operation_id), _stands_on(row))
    if row.kept_name is None and names_it:
        row.kept_name = kept.name


def _stands_on(row: OperationRow) -> SystemIdentifier | None:
    """The cluster on which the operation sets aside: its plan's, whatever volumes come after."""
    return _plan_of(row).target.system_identifier


def _plan_of(row: OperationRow) -> Plan:
    return read_text(Plan, row.plan, f"the plan of operation {row.operation_id}")


def operation(session: Session, operation_id: OperationId) -> OperationRecord:
    """One operation.

    Raises BadInput when there is none.
    """
    return record_of(_row(session, operation_id))


def operations(session: Session, lane: Lane | None) -> tuple[OperationRecord, ...]:
    """Every operation, of one lane or of all, oldest first."""
    query = select(OperationRow).order_by(OperationRow.created_at, OperationRow.operation_id)
    if lane is not None:
        query = query.where(OperationRow.lane == str(lane))
    return tuple(record_of(row) for row in session.scalars(query))


def _row(session: Session, operation_id: OperationId) -> OperationRow:
    row = session.get(OperationRow, operation_id)
    if row is None:
        raise BadInput(
            f"There is no operation {operation_id}. `lane-authority lanes` lists those that hold "
            "a lane."
        )
    return row


def _row_in(
    session: Session, operation_id: OperationId, expected: frozenset[OperationPhase]
) -> OperationRow:
    row = _row(session, operation_id)
    if OperationPhase(row.phase) in expected:
        return row
    wanted = " or ".join(sorted(expected))
    message = (
        f"Operation {operation_id} of lane {row.lane} is {row.phase}, and this step needs it to be "
        f"{wanted}. Nothing was changed."
    )
    if OperationPhase(row.phase) in LIVE_PHASES:
        raise Busy(f"{message} Look at it again: somebody else may have taken it further.")
    raise Refused(f"{message} It is over; plan anew.")


def busy_reason(row: OperationRow) -> Reason:
    """Why nobody else may have the lane now."""
    return reason(
        ReasonCode.LANE_BUSY,
        f"Operation {row.operation_id} of {row.requester} holds lane {row.lane}; it is "
        f"{row.phase} since {row.updated_at:%Y-%m-%d %H:%M} UTC.",
        "Let it end, or end it: finish, undo, or wait until it lapses.",
        operation_id=row.operation_id,
        phase=row.phase,
        lane=row.lane,
    )


def _busy(row: OperationRow) -> Busy:
    found = busy_reason(row)
    return Busy(f"{found.message} {found.remedy}", (found,))


def refuse_while_held(session: Session, lane: Lane, *, but: OperationId | None = None) -> None:
    """Raise Busy when an operation holds the lane, another one than `but`."""
    holder = live_row(session, lane)
    if holder is not None and holder.operation_id != but:
        raise _busy(holder)


def record_of(row: OperationRow) -> OperationRecord:
    """The operation in a row."""
    return OperationRecord(
        operation_id=OperationId(row.operation_id),
        lane=Lane.parse(row.lane),
        phase=OperationPhase(row.phase),
        plan=_plan_of(row),
        plan_digest=Digest(row.plan_digest),
        generation=row.generation,
        permit_id=PermitId(row.permit_id) if row.permit_id is not None else None,
        permit_token=row.permit_token,
        earlier_permits=tuple(
            read_plain(EarlierPermit, each, f"a permit of operation {row.operation_id}")
            for each in json.loads(row.earlier_permits)
        ),
        begun_at=row.begun_at,
        kept_name=DatabaseName(row.kept_name) if row.kept_name is not None else None,
        requester=Person(row.requester),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
