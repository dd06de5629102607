"""What is on record of many lanes at once, in a handful of questions however many they are."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from launchplane_lane_contracts.contract import OperationId, Person, UtcInstant
from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.observation import HostRecord
from launchplane_lane_contracts.policy import PolicyRevision
from launchplane_lane_contracts.vocabulary import (
    LIVE_PHASES,
    DataSource,
    Operation,
    OperationPhase,
)

from .evidence import evidence_of_all
from .lanes import kept_from, record_from
from .operations import lapses_at
from .policies import revision_from
from .records import LaneEvidence
from .schema import ApprovalRow, KeptRow, LaneRow, OperationRow, PolicyRow

NO_EVIDENCE = LaneEvidence()
LOOKED_AT = 100
"""How many settled operations are looked through for the last one of a kind."""


@dataclass(frozen=True)
class OperationSummary:
    """One operation in short."""

    operation_id: OperationId
    operation: Operation
    data_source: DataSource
    phase: OperationPhase
    requester: Person
    updated_at: UtcInstant
    begun_at: UtcInstant | None = None
    """When the data was first set aside for it (UTC)."""
    lapses_at: UtcInstant | None = None
    """When a claim that nobody starts lapses (UTC); None for one that was started."""


@dataclass(frozen=True)
class LaneOverview:
    """What is on record of one lane."""

    record: HostRecord
    revision: PolicyRevision | None
    """The policy in force."""
    live: OperationSummary | None
    """The operation that holds the lane."""
    newest: OperationSummary | None
    """The newest one that was started."""
    evidence: LaneEvidence = NO_EVIDENCE
    """Its backups and its declared source."""


def lane_overviews(session: Session, lanes: Sequence[Lane]) -> tuple[LaneOverview, ...]:
    """Each of these lanes, in their order; of one that nobody recorded, that nothing is."""
    names = [str(each) for each in lanes]
    rows = {
        row.lane: row for row in session.scalars(select(LaneRow).where(LaneRow.lane.in_(names)))
    }
    live = {
        row.lane: row
        for row in session.scalars(
            select(OperationRow).where(
                OperationRow.lane.in_(names),
                OperationRow.phase.in_(sorted(phase.value for phase in LIVE_PHASES)),
            )
        )
    }
    kept = _kept(session, {str(each): each for each in lanes})
    newest, policies = _newest(session, names), _policies(session, names)
    claimed = _lapses(session, live)
    evidence = evidence_of_all(session, names)
    return tuple(
        LaneOverview(
            record=record_from(lane, rows.get(name), live.get(name), tuple(kept.get(name, ()))),
            revision=policies.get(name),
            live=_summary(live[name], claimed.get(name)) if name in live else None,
            newest=newest.get(name),
            evidence=evidence.get(name, NO_EVIDENCE),
        )
        for lane, name in zip(lanes, names, strict=True)
    )


def last_settled(
    session: Session, lane: Lane, operation: Operation, source: DataSource
) -> OperationSummary | None:
    """The newest settled operation of its kind among the last hundred of the lane."""
    rows = session.scalars(
        select(OperationRow)
        .where(OperationRow.lane == str(lane), OperationRow.phase == OperationPhase.SETTLED.value)
        .order_by(OperationRow.updated_at.desc())
        .limit(LOOKED_AT)
    )
    return next(
        (
            each
            for each in map(_summary, rows)
            if (each.operation, each.data_source) == (operation, source)
        ),
        None,
    )


def _kept(session: Session, lanes: dict[str, Lane]) -> dict[str, list[KeptData]]:
    found: dict[str, list[KeptData]] = {}
    for row in session.scalars(
        select(KeptRow)
        .where(
            KeptRow.lane.in_(lanes), KeptRow.released_at.is_(None), KeptRow.gone_back_at.is_(None)
        )
        .order_by(KeptRow.set_aside_at, KeptRow.name)
    ):
        found.setdefault(row.lane, []).append(kept_from(row, lanes[row.lane]))
    return found


def _newest(session: Session, names: Sequence[str]) -> dict[str, OperationSummary]:
    started = OperationRow.phase != OperationPhase.AUTHORIZED.value
    last = (
        select(OperationRow.lane, func.max(OperationRow.created_at).label("at"))
        .where(OperationRow.lane.in_(names), started)
        .group_by(OperationRow.lane)
        .subquery()
    )
    rows = session.scalars(
        select(OperationRow)
        .join(last, (OperationRow.lane == last.c.lane) & (OperationRow.created_at == last.c.at))
        .where(started)
    )
    return {row.lane: _summary(row) for row in rows}


def _policies(session: Session, names: Sequence[str]) -> dict[str, PolicyRevision]:
    last = (
        select(PolicyRow.lane, func.max(PolicyRow.number).label("number"))
        .where(PolicyRow.lane.in_(names))
        .group_by(PolicyRow.lane)
        .subquery()
    )
    rows = session.scalars(
        select(PolicyRow).join(
            last, (PolicyRow.lane == last.c.lane) & (PolicyRow.number == last.c.number)
        )
    )
    return {row.lane: revision_from(row) for row in rows}


def _lapses(session: Session, live: dict[str, OperationRow]) -> dict[str, UtcInstant]:
    """When each claim that nobody started yet lapses."""
    claims = [row for row in live.values() if row.phase == OperationPhase.AUTHORIZED.value]
    if not claims:
        return {}
    signed: dict[str | None, list[UtcInstant]] = {}
    for used_by, signed_at in session.execute(
        select(ApprovalRow.used_by, ApprovalRow.signed_at).where(
            ApprovalRow.digest.in_([row.plan_digest for row in claims])
        )
    ):
        signed.setdefault(used_by, []).append(signed_at)
    return {row.lane: lapses_at(row, signed.get(row.operation_id, ())) for row in claims}


def _summary(row: OperationRow, lapses: UtcInstant | None = None) -> OperationSummary:
    """The operation without the rest of its plan, which is large and is not looked at here."""
    try:
        request = json.loads(row.plan)["target"]["request"]
        return OperationSummary(
            operation_id=OperationId(row.operation_id),
            operation=Operation(request["operation"]),
            data_source=DataSource(request["data_source"]),
            phase=OperationPhase(row.phase),
            requester=Person(row.requester),
            updated_at=row.updated_at,
            begun_at=row.begun_at,
            lapses_at=lapses,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise CouldNotTell(
            f"The plan of operation {row.operation_id} in the store cannot be understood. Put the "
            "newest store back from its backup."
        ) from error
