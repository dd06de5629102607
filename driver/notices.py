"""Which notice follows from what was written in the ledger, or from the passing of time alone."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from launchplane_lane_contracts.policy import PolicyRevision
from launchplane_lane_contracts.vocabulary import (
    UNFINISHED_PHASES,
    MarkerState,
    OperationPhase,
    RolloutState,
)

from .notice import Notice, NoticeKind
from .store.ledger import EntryKind
from .store.records import LedgerEntry, OperationRecord

PROVISIONAL_NOTICE = timedelta(days=7)
"""How long before its end a provisional lane is told of."""

UNFINISHED_NOTICE = timedelta(hours=1)
"""How long a rebuild may be unfinished before it is told of."""

_OTHERS_DATA = frozenset({MarkerState.FOREIGN.value, MarkerState.COPIED.value})


def notices_of(entry: LedgerEntry) -> Iterator[Notice]:
    """What people should hear of because this was written."""
    if entry.lane is None:
        return
    if entry.kind == EntryKind.OPERATION_SETTLED:
        yield Notice(
            kind=NoticeKind.REBUILD_SETTLED,
            lane=entry.lane,
            message=f"Operation {entry.document['operation_id']} on lane {entry.lane} is over: "
            f"{entry.document['to']}.",
            at=entry.at,
            facts={"operation_id": str(entry.document["operation_id"])},
        )
    if entry.kind == EntryKind.NOTED and entry.document["what"] == "decision":
        yield from _of_decision(entry)


def _of_decision(entry: LedgerEntry) -> Iterator[Notice]:
    assert entry.lane is not None
    said = entry.document["particulars"]
    if said.get("marker") in _OTHERS_DATA:
        yield Notice(
            kind=NoticeKind.OTHER_DATA_SEEN,
            lane=entry.lane,
            message=f"At the place of lane {entry.lane} stands data whose marker is "
            f"{said['marker']}.",
            remedy="Somebody moved or copied data; look at it before anything is planned there "
            f"(`lane-authority lane {entry.lane}`).",
            at=entry.at,
            facts={"marker": str(said["marker"])},
        )
    if not said["allowed"] and said.get("rollout_state") == RolloutState.PRODUCTION:
        yield Notice(
            kind=NoticeKind.REFUSED_ON_PRODUCTION,
            lane=entry.lane,
            message=f"A rebuild of the production lane {entry.lane} was asked for and refused: "
            f"{', '.join(said['reasons'])}.",
            remedy="If nobody meant to, find out who asks for it (`lane-authority audit show "
            f"--lane {entry.lane}`).",
            at=entry.at,
            facts={"step": str(said.get("step", "")), "plan_digest": str(said["plan_digest"])},
        )


def due_notices(
    policies: Iterable[PolicyRevision],
    operations: Iterable[OperationRecord],
    now: datetime,
    *,
    unfinished_after: timedelta = UNFINISHED_NOTICE,
    ends_within: timedelta = PROVISIONAL_NOTICE,
) -> Iterator[Notice]:
    """What people should hear of at `now` (UTC) although nothing was written."""
    for revision in policies:
        until = revision.policy.provisional_until
        if until is not None and until - now <= ends_within:
            yield _of_the_end(revision, until, now)
    for operation in operations:
        if operation.phase in UNFINISHED_PHASES and now - operation.updated_at >= unfinished_after:
            yield _of_unfinished(operation, now)


def _of_the_end(revision: PolicyRevision, until: datetime, now: datetime) -> Notice:
    lane, ended = revision.policy.lane, until <= now
    return Notice(
        kind=NoticeKind.PROVISIONAL_HAS_ENDED if ended else NoticeKind.PROVISIONAL_ENDS_SOON,
        lane=lane,
        message=f"Lane {lane} {'was' if ended else 'is'} provisional until "
        f"{until:%Y-%m-%d %H:%M} UTC; {'since then it counts' if ended else 'then it will count'} "
        "as production.",
        remedy="If it is live, record it as production. If it is not, propose a later "
        "`provisional_until` (`lane-authority policy propose`); two approvers sign it.",
        at=now,
        facts={"provisional_until": until.isoformat()},
    )


def _of_unfinished(operation: OperationRecord, now: datetime) -> Notice:
    hours = int((now - operation.updated_at).total_seconds() // 3600)
    way = "start" if operation.phase is OperationPhase.STARTED else "finish"
    return Notice(
        kind=NoticeKind.REBUILD_UNFINISHED,
        lane=operation.lane,
        message=f"Operation {operation.operation_id} on lane {operation.lane} is "
        f"{operation.phase} for {hours} hours.",
        remedy=f"Go on (`lane-authority {way} {operation.operation_id}`) or put the old data back "
        f"(`lane-authority undo {operation.operation_id}`).",
        at=now,
        facts={"operation_id": operation.operation_id, "phase": operation.phase.value},
    )
