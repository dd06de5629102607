"""What was last recorded of each lane, its generations, and what was set aside."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ScalarResult, select
from sqlalchemy.orm import Session

from launchplane_lane_contracts.contract import (
    DatabaseName,
    FilestorePath,
    Nonce,
    OperationId,
    PermitId,
    SystemIdentifier,
    UtcInstant,
)
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import PhysicalIdentity
from launchplane_lane_contracts.observation import HostRecord, UnfinishedOperation
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_contracts.vocabulary import LIVE_PHASES, OperationPhase

from .reading import read_plain, read_text
from .schema import KeptRow, LaneRow, OperationRow
from .whose_data import kept_on, refuse_anothers_data, stood_on


def lane_row(session: Session, lane: Lane) -> LaneRow:
    """The lane's row; made when it is missing, so only inside a change."""
    row = session.get(LaneRow, str(lane))
    if row is None:
        row = LaneRow(
            lane=str(lane),
            next_generation=1,
            generation=None,
            nonce=None,
            identity=None,
            filestore_path=None,
        )
        session.add(row)
        session.flush()
    return row


def take_generation(session: Session, lane: Lane) -> int:
    """The lane's next generation; it is never handed out again."""
    row = lane_row(session, lane)
    taken = row.next_generation
    row.next_generation = taken + 1
    return taken


def live_row(session: Session, lane: Lane) -> OperationRow | None:
    """The operation that holds the lane."""
    return session.scalars(
        select(OperationRow).where(
            OperationRow.lane == str(lane),
            OperationRow.phase.in_(sorted(phase.value for phase in LIVE_PHASES)),
        )
    ).first()


def host_record(session: Session, lane: Lane) -> HostRecord:
    """Everything that was recorded of the lane."""
    return record_from(
        lane, session.get(LaneRow, str(lane)), live_row(session, lane), kept_of(session, lane)
    )


def record_from(
    lane: Lane, row: LaneRow | None, live: OperationRow | None, kept: tuple[KeptData, ...]
) -> HostRecord:
    """The same from rows that were read. Raises CouldNotTell when one cannot be understood."""
    unfinished = _unfinished(live) if live is not None else None
    if row is None or row.generation is None:
        return HostRecord(lane=lane, unfinished=unfinished, kept=kept)
    return HostRecord(
        lane=lane,
        generation=row.generation,
        declared_lost=row.declared_lost,
        retired=row.retired,
        nonce=Nonce(row.nonce) if row.nonce is not None else None,
        identity=(
            read_text(PhysicalIdentity, row.identity, f"where the data of lane {lane} stood")
            if row.identity is not None and not row.declared_lost
            else None
        ),
        filestore_path=(
            FilestorePath(row.filestore_path) if row.filestore_path is not None else None
        ),
        unfinished=unfinished,
        kept=kept,
    )


def _unfinished(row: OperationRow) -> UnfinishedOperation:
    target = read_text(Plan, row.plan, f"the plan of operation {row.operation_id}").target
    obligations = target.obligations
    return UnfinishedOperation(
        operation_id=OperationId(row.operation_id),
        phase=_how_far(row),
        operation=target.request.operation,
        data_source=target.request.data_source,
        permit_id=PermitId(row.permit_id) if row.permit_id is not None else None,
        earlier_permits=tuple(
            PermitId(each["permit_id"]) for each in json.loads(row.earlier_permits)
        ),
        begun_at=row.begun_at,
        authoritative=obligations is None or obligations.authoritative,
    )


def _how_far(row: OperationRow) -> OperationPhase:
    """One that is retried was begun before, whatever became of its newest permit."""
    phase = OperationPhase(row.phase)
    return OperationPhase.BEGUN if phase is OperationPhase.STARTED and row.begun_at else phase


def record_live_data(
    session: Session,
    lane: Lane,
    *,
    generation: int,
    nonce: Nonce,
    identity: PhysicalIdentity,
    filestore_path: FilestorePath,
) -> None:
    """Write down what the lane's data is now.

    Raises Refused for a generation that was not handed out, or is older than the recorded one, and
    for data that another lane has on record.
    """
    refuse_anothers_data(
        session,
        lane,
        system_identifier=identity.system_identifier,
        database_oid=identity.database_oid,
        name=identity.database_name,
    )
    row = lane_row(session, lane)
    if not (row.generation or 1) <= generation < row.next_generation:
        raise Refused.because(
            reason(
                ReasonCode.READINGS_MOVED,
                f"Generation {generation} cannot be recorded for lane {lane}: "
                f"{row.generation or 0} is recorded, and {row.next_generation - 1} was the "
                "last one handed out.",
                "Read the lane again and plan again.",
                lane=lane,
                generation=generation,
                recorded=row.generation,
            )
        )
    row.generation = generation
    row.declared_lost = row.retired = False
    row.nonce = nonce
    row.identity = identity.canonical().decode()
    row.filestore_path = filestore_path


def record_loss(session: Session, lane: Lane, *, retired: bool = False) -> int:
    """Write down that none of the lane's data is expected any more; the generation of that."""
    taken = take_generation(session, lane)
    row = lane_row(session, lane)
    row.generation = taken
    # Where it stood stays in the row: what is kept of it is known by that, whatever it lost.
    row.declared_lost, row.retired = True, retired
    row.nonce = None
    row.filestore_path = None
    return taken


def kept_of(session: Session, lane: Lane) -> tuple[KeptData, ...]:
    """What was set aside and neither went back nor was released, oldest first."""
    return tuple(kept_from(row, lane) for row in _still_kept(session, lane))


def _still_kept(session: Session, lane: Lane) -> ScalarResult[KeptRow]:
    return session.scalars(
        select(KeptRow)
        .where(
            KeptRow.lane == str(lane), KeptRow.released_at.is_(None), KeptRow.gone_back_at.is_(None)
        )
        .order_by(KeptRow.set_aside_at, KeptRow.name)
    )


def add_kept(
    session: Session,
    kept: KeptData,
    operation_id: OperationId | None,
    on: SystemIdentifier | None,
) -> None:
    """Note what an operation, or none, set aside; noting the very same again changes nothing.

    `on` is the cluster that it is on, None where nobody knows. Raises Refused when other data was
    noted under that name, or another lane has it on record.
    """
    _refuse_anothers(session, kept, on)
    present = session.get(KeptRow, (str(kept.lane), kept.name))
    if present is not None:
        if kept_from(present, kept.lane) == kept and present.gone_back_at is None:
            return
        raise Refused(
            f"Other data of lane {kept.lane} is recorded as kept under the name {kept.name}. "
            "Nothing was recorded. Look at what is kept (`lane-authority lane`) and plan again."
        )
    session.add(
        KeptRow(
            lane=str(kept.lane),
            name=kept.name,
            operation_id=operation_id,
            database_oid=kept.database_oid,
            system_identifier=on,
            generation=kept.generation,
            nonce=kept.nonce,
            permit_id=kept.permit_id,
            set_aside_at=kept.set_aside_at,
            kept_until=kept.kept_until,
            authoritative=kept.authoritative,
            has_filestore=kept.has_filestore,
            gone_back_at=None,
            released_at=None,
        )
    )
    session.flush()


def kept_document(kept: KeptData | None, on: SystemIdentifier | None) -> dict[str, Any] | None:
    """What the ledger says of data that was noted so."""
    return {**kept.to_plain(), "system_identifier": on} if kept is not None else None


def take_kept_back(session: Session, kept: KeptData, on: SystemIdentifier | None) -> bool:
    """Note that data stands kept which its own tag says is kept; whether that was news.

    What was once released, or had gone back, counts as authoritative from then on. Raises Refused
    when other data was noted under that name, or another lane has it on record.
    """
    present = session.get(KeptRow, (str(kept.lane), kept.name))
    if present is None or present.database_oid != kept.database_oid:
        add_kept(session, kept, None, on)
        return True
    if present.released_at is None and present.gone_back_at is None:
        return False
    _refuse_anothers(session, kept, on)
    present.released_at = present.gone_back_at = None
    present.system_identifier = on
    present.authoritative, present.kept_until = True, kept.kept_until
    return True


def _refuse_anothers(session: Session, kept: KeptData, on: SystemIdentifier | None) -> None:
    where = on or stood_on(session.get(LaneRow, str(kept.lane)))
    if where is None:
        return
    refuse_anothers_data(
        session,
        kept.lane,
        system_identifier=where,
        database_oid=kept.database_oid,
        name=kept.name,
    )


def set_kept_until(session: Session, operation_id: OperationId, until: UtcInstant) -> None:
    """Say until when what the operation set aside is kept at least."""
    for row in session.scalars(select(KeptRow).where(KeptRow.operation_id == operation_id)):
        if row.kept_until is None and row.gone_back_at is None:
            row.kept_until = until


def mark_gone_back(session: Session, lane: Lane, name: DatabaseName, now: UtcInstant) -> None:
    """Note that kept data became live again.

    Raises Refused when nothing is kept under that name.
    """
    _kept_row(session, lane, name).gone_back_at = now


def mark_released(session: Session, lane: Lane, name: DatabaseName, now: UtcInstant) -> None:
    """Note that kept data was dropped.

    Raises Refused when nothing is kept under that name.
    """
    _kept_row(session, lane, name).released_at = now


def _kept_row(session: Session, lane: Lane, name: DatabaseName) -> KeptRow:
    row = session.get(KeptRow, (str(lane), name))
    if row is None or row.gone_back_at is not None or row.released_at is not None:
        raise Refused.because(
            reason(
                ReasonCode.KEPT_UNKNOWN,
                f"Nothing of lane {lane} is recorded as kept under the name {name}.",
                "Look at what is kept (`lane-authority lane`) and name one of those.",
                lane=lane,
                kept=name,
            )
        )
    return row


def mark_gone_back_to(
    session: Session, lane: Lane, identity: PhysicalIdentity, now: UtcInstant
) -> tuple[DatabaseName, ...]:
    """Note that kept data which is about to be recorded as live went back; say what that is.

    To be asked before it is recorded, and after what was taken along with it was noted.
    """
    return _mark_all_gone_back(
        (
            each
            for each in _still_kept(session, lane)
            if (each.database_oid, kept_on(session, each))
            == (identity.database_oid, identity.system_identifier)
        ),
        now,
    )


def mark_taken_along(
    session: Session, lane: Lane, to: SystemIdentifier
) -> tuple[DatabaseName, ...]:
    """Note that all that is still kept of the lane is on this cluster now; say what that is."""
    rows = _still_kept(session, lane).all()
    for row in rows:
        row.system_identifier = to
    return tuple(DatabaseName(row.name) for row in rows)


def mark_all_gone_back(
    session: Session, operation_id: OperationId, now: UtcInstant
) -> tuple[DatabaseName, ...]:
    """Note that all that an operation set aside is live again, and say what that is."""
    rows = session.scalars(
        select(KeptRow).where(
            KeptRow.operation_id == operation_id,
            KeptRow.gone_back_at.is_(None),
            KeptRow.released_at.is_(None),
        )
    )
    return _mark_all_gone_back(rows, now)


def _mark_all_gone_back(rows: Iterable[KeptRow], now: UtcInstant) -> tuple[DatabaseName, ...]:
    found = tuple(rows)
    for row in found:
        row.gone_back_at = now
    return tuple(DatabaseName(row.name) for row in found)


def kept_from(row: KeptRow, lane: Lane) -> KeptData:
    """A stored row. Raises CouldNotTell when it cannot be understood."""
    return read_plain(
        KeptData,
        {
            "lane": lane.to_plain(),
            "name": row.name,
            "database_oid": row.database_oid,
            "generation": row.generation,
            "nonce": row.nonce,
            "permit_id": row.permit_id,
            "set_aside_at": row.set_aside_at.isoformat(),
            "kept_until": row.kept_until.isoformat() if row.kept_until is not None else None,
            "authoritative": row.authoritative,
            "has_filestore": row.has_filestore,
        },
        f"the kept data {row.name}",
    )
