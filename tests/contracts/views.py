"""A view of a lane, with as much in it as it can hold."""

from datetime import timedelta
from typing import Any

from launchplane_lane_contracts.contract import OperationId
from launchplane_lane_contracts.read_model import (
    AuthorityFact,
    ChoiceView,
    CountFact,
    DatabaseFact,
    DurationFact,
    EvidenceView,
    FilestoreFact,
    FlagFact,
    InstantFact,
    KeptView,
    LaneView,
    MarkerFact,
    OperationView,
    RequirementsView,
    RolloutFact,
    RuntimeFact,
    SourcesFact,
    TextFact,
    Trust,
    WarningCode,
    WarningView,
    WayOn,
)
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    DataSource,
    FilestoreState,
    MarkerState,
    Operation,
    OperationPhase,
    RolloutState,
    RuntimeState,
)

from .cases import (
    GENERATION,
    KEPT_DATABASE,
    LANE,
    NOW,
    PAIRS,
    REQUESTER,
    allowed_case,
    authoritative_case,
)

VERIFIED: dict[str, Any] = {"trust": Trust.VERIFIED, "as_of": NOW}
RECORDED: dict[str, Any] = {"trust": Trust.RECORDED, "as_of": NOW - timedelta(days=1)}


def choices() -> tuple[ChoiceView, ...]:
    """Every request that exists, as the rule book answers it for a protected lane."""
    return tuple(
        ChoiceView.of(case.request, case.decide())
        for case in (authoritative_case(*pair) for pair in PAIRS)
    )


KEPT = KeptView(
    name=KEPT_DATABASE,
    generation=GENERATION - 1,
    set_aside_at=NOW - timedelta(days=2),
    authoritative=False,
    size_bytes=CountFact(**VERIFIED, value=10**9),
    release_due=InstantFact(**RECORDED, value=NOW + timedelta(days=5)),
    still_there=FlagFact(**VERIFIED, value=True),
)
VIEW = LaneView(
    lane=LANE,
    viewed_at=NOW,
    rollout_state=RolloutFact(**RECORDED, value=RolloutState.PRODUCTION),
    authority=AuthorityFact(**RECORDED, value=True, protected_by=("policy", "marker")),
    time_left=DurationFact.unsupported("the lane is not provisional"),
    allowed_sources=SourcesFact(**RECORDED, value=(DataSource.EXISTING, DataSource.KEPT)),
    requirements=RequirementsView(
        backup_before_destroy=FlagFact(**RECORDED, value=True),
        backup_max_age=DurationFact(**RECORDED, value=timedelta(hours=24)),
        restore_proof=FlagFact(**RECORDED, value=True),
        runtime_identity=FlagFact(**RECORDED, value=False),
    ),
    retired=FlagFact(**RECORDED, value=False),
    generation=CountFact(**RECORDED, value=GENERATION),
    database=DatabaseFact(**VERIFIED, value=DatabaseState.INITIALISED, detail="cm"),
    locked=FlagFact(**VERIFIED, value=True),
    marker=MarkerFact(**VERIFIED, value=MarkerState.BOUND),
    filestore=FilestoreFact(**VERIFIED, value=FilestoreState.OURS),
    runtime=RuntimeFact(**VERIFIED, value=RuntimeState.AGREES),
    evidence=EvidenceView(
        snapshot_at=InstantFact(**RECORDED, value=NOW - timedelta(hours=1)),
        age=DurationFact(**RECORDED, value=timedelta(hours=1)),
        data_proof_at=InstantFact(**RECORDED, value=NOW),
        load_proof_at=InstantFact.missing("nobody has loaded an Odoo on it"),
        new_since=TextFact(**VERIFIED, value="3 transactions"),
    ),
    last_rebuild=TextFact(**RECORDED, value="bootstrap from empty, settled"),
    kept=(KEPT,),
    kept_files=("cm__kept_g1_files_alone",),
    unfinished=OperationView(
        operation_id=OperationId("operation-9"),
        operation=Operation.RESTORE,
        data_source=DataSource.KEPT,
        phase=OperationPhase.BEGUN,
        since=NOW,
        requester=REQUESTER,
        ways_on=(
            WayOn(command="lane-authority finish operation-9", possible=True, words="settles it"),
            WayOn(command="lane-authority start operation-9", possible=False, words="was begun"),
        ),
    ),
    choices=choices(),
    warnings=(
        WarningView(
            code=WarningCode.SUPERUSER_ROLE,
            message="The lane's role is superuser.",
            remedy="Take that from it.",
        ),
    ),
)
ENABLED = ChoiceView.of(
    allowed_case(Operation.RESTORE, DataSource.KEPT).request,
    allowed_case(Operation.RESTORE, DataSource.KEPT).decide(),
)
assert VIEW.unfinished is not None
VIEW_VALUES = (
    VIEW,
    *VIEW.unfinished.ways_on,
    VIEW.rollout_state,
    VIEW.authority,
    VIEW.time_left,
    VIEW.allowed_sources,
    VIEW.requirements,
    VIEW.generation,
    VIEW.database,
    VIEW.locked,
    VIEW.marker,
    VIEW.filestore,
    VIEW.runtime,
    VIEW.evidence,
    VIEW.evidence.snapshot_at,
    VIEW.evidence.age,
    KEPT,
    VIEW.unfinished,
    ENABLED,
    *VIEW.choices,
    *VIEW.warnings,
    TextFact(**VERIFIED, value="deployment 1"),
)
