"""For each request that exists: whether it may be made of the lane, by the very rule book."""

from launchplane_lane_contracts.contract import BackupId, DatabaseName, Person
from launchplane_lane_contracts.evidence import BackupGate, IncomingData
from launchplane_lane_contracts.read_model import ChoiceView
from launchplane_lane_contracts.request import Request
from launchplane_lane_contracts.rulebook import decide
from launchplane_lane_contracts.vocabulary import (
    REQUESTS_THAT_EXIST,
    DataSource,
    Operation,
)

from .evidence import load_proof_of, with_declaration
from .lane_seen import LaneSeen
from .store.records import LaneEvidence
from .witnesses import with_kept

SOMEBODY = Person("somebody")
"""Who asks is not known yet; the rules ask for it only where people have signed."""
PAIRS = tuple(
    (operation, source)
    for operation in Operation
    for source in DataSource
    if (operation, source) in REQUESTS_THAT_EXIST
)
"""Every request that exists, in the order of the vocabulary."""


def choices(seen: LaneSeen) -> tuple[ChoiceView, ...]:
    """All of them, each with its full reasons."""
    policy = seen.revision.policy if seen.revision else None
    found = []
    for operation, source in PAIRS:
        request = _request(seen, operation, source)
        incoming = with_kept(_recorded(seen, request), seen.witnessed, request)
        observation = seen.observation.model_copy(update={"incoming": incoming})
        found.append(ChoiceView.of(request, decide(policy, request, observation, seen.now)))
    return tuple(found)


def _recorded(seen: LaneSeen, request: Request) -> IncomingData:
    """What is known of the data that would come."""
    recorded = seen.overview.evidence
    backup = next((each for each in recorded.gates if each.backup_id == request.backup_id), None)
    return with_declaration(
        IncomingData(
            backup=backup,
            backup_load_proof=load_proof_of(backup, recorded.load_proofs) if backup else None,
        ),
        recorded,
        request,
        seen.witnessed.reading.declaration,
        seen.revision.policy if seen.revision else None,
    )


def _best_backup(recorded: LaneEvidence) -> BackupGate | None:
    """The newest that Odoo loads on, else the newest."""
    loads = (
        each for each in recorded.gates if load_proof_of(each, recorded.load_proofs) is not None
    )
    return next(loads, next(iter(recorded.gates), None))


def _request(seen: LaneSeen, operation: Operation, source: DataSource) -> Request:
    """The request as somebody would make it first: of the newest that is kept or backed up."""
    kept = seen.overview.record.kept
    backup = _best_backup(seen.overview.evidence)
    return Request(
        lane=seen.overview.record.lane,
        operation=operation,
        data_source=source,
        requester=SOMEBODY,
        backup_id=(
            (backup.backup_id if backup else BackupId("none"))
            if source is DataSource.BACKUP_RESTORE
            else None
        ),
        kept_database=(
            (DatabaseName(kept[-1].name) if kept else DatabaseName("none"))
            if source is DataSource.KEPT
            else None
        ),
    )
