"""One value, with as much in it as it can hold, of every public model of the contracts."""

from datetime import timedelta

from launchplane_lane_contracts import schemas
from launchplane_lane_contracts.approval import ApprovalTally, Thresholds, demand_for
from launchplane_lane_contracts.clock_correction import ClockCorrection
from launchplane_lane_contracts.contract import (
    RULEBOOK_VERSION,
    BackupId,
    Contract,
    DatabaseName,
    Digest,
    OperationId,
    PermitId,
    Person,
)
from launchplane_lane_contracts.enrolment import Enrolment
from launchplane_lane_contracts.evidence import SideData, SourcePlace, UpstreamDeclaration
from launchplane_lane_contracts.filestore_check import (
    FilesCounted,
    FilestoreCheck,
    FilestoreRepair,
    ShadowRefresh,
)
from launchplane_lane_contracts.judgement import TokenVerdict, judge_room
from launchplane_lane_contracts.lives import (
    Adoption,
    BackupGivenUp,
    Copying,
    LifeDocument,
    Loss,
    Lowering,
    Move,
    Release,
    Restamping,
    Retirement,
)
from launchplane_lane_contracts.marker import Lineage
from launchplane_lane_contracts.naming import side_name
from launchplane_lane_contracts.orders import (
    GivenUp,
    KeptReference,
    MaterialiseOrder,
    NotAuthoritative,
    OpenOrder,
    Order,
    PrepareOrder,
    ProvenByBackup,
    PruneOrder,
    ReleaseOrder,
    SetAsideOrder,
    UndoOrder,
    WitnessOrder,
)
from launchplane_lane_contracts.people import People, PeopleChange
from launchplane_lane_contracts.plan import Plan, plan_target
from launchplane_lane_contracts.policy import PolicyRevision, effective_policy
from launchplane_lane_contracts.policy_change import policy_differences
from launchplane_lane_contracts.reading import (
    BeginRecord,
    ContentsReading,
    DeclarationReading,
    KeptFilestore,
    ShadowReading,
)
from launchplane_lane_contracts.receipt import CommandRun, Outcome, Receipt, SetAside
from launchplane_lane_contracts.request import FreshVolumes
from launchplane_lane_contracts.restore_source import OfferedUpstream, permitted_source
from launchplane_lane_contracts.tenant_declaration import TenantDeclaration
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    DataSource,
    FilestoreState,
    MarkerState,
    OldPlace,
    Operation,
    OperationPhase,
    ShadowState,
    Weight,
)

from .backups import BACKUP_VALUES
from .cases import (
    DATABASE,
    DATABASE_OID,
    FILES,
    GENERATION,
    KEPT_DATABASE,
    LANE,
    LIVE_TARGET,
    NONCE,
    NOW,
    REQUESTER,
    SERVER,
    a_gate,
    a_policy,
    allowed_case,
    changed,
    kept_data,
    unfinished,
)
from .descriptors import DESCRIPTOR_VALUES
from .fingerprints import FINGERPRINT_VALUES
from .forecasts import FORECAST_VALUES
from .provocations import PROVOCATIONS
from .readings import (
    ANSWER,
    DATABASE_READING,
    FILESTORE_READING,
    GUARD_READING,
    KEEP,
    MARKER,
    a_lowering,
    a_permit,
    a_row,
    a_stamp,
)
from .text_models import TEXT_VALUES
from .views import VIEW_VALUES

PEOPLE = People(approvers="# people\nanna ssh-ed25519 AAAA\n", thresholds=Thresholds(grave=1))
PERMIT_ID = PermitId("permit-of-generation-8")
CASE = allowed_case(Operation.RESTORE, DataSource.KEPT).change(
    "observation.record.unfinished", unfinished(OperationPhase.AUTHORIZED)
)
DECISION = CASE.decide()
TARGET = plan_target(CASE.request, CASE.policy, CASE.observation, DECISION, database=DATABASE)
ORDER = Order(
    lane=LANE,
    nonce=NONCE,
    database=DATABASE,
    filestore_path=FILES,
    issued_at=NOW,
    begin_before=NOW + timedelta(minutes=15),
    rulebook_version=RULEBOOK_VERSION,
)
ORDER_FIELDS = {name: getattr(ORDER, name) for name in Order.model_fields}
SIDE = SideData(
    operation_id=OperationId("operation-0001"),
    name=side_name(DATABASE, "0123456789abcdef"),
    database_oid=DATABASE_OID,
    source="upstream source old host (old.example/production)",
    fingerprint_digest=TARGET.digest(),
    files=3,
    neutralised=True,
    verified_at=NOW,
)
KEPT_FILES = KeptFilestore(name=KEPT_DATABASE, tag=FILESTORE_READING.tag)
BEGUN = BeginRecord(permit_id=PERMIT_ID, begun_at=NOW, set_aside=True, ended=False)
SET_ASIDE = SetAside(name=KEPT_DATABASE, database_oid=DATABASE_OID, has_filestore=True)
KEPT_REFERENCE = KeptReference(
    name=KEPT_DATABASE, database_oid=DATABASE_OID, generation=GENERATION, permit_id=PERMIT_ID
)
PROOF_OF_KEPT = ProvenByBackup(
    backup_id=BackupId("backup-of-generation-7"),
    manifest_digest=Digest("a" * 64),
    fingerprint_digest=Digest("b" * 64),
    filestore_digest=Digest("c" * 64),
)
RELEASE = ReleaseOrder(**ORDER_FIELDS, kept=KEPT_REFERENCE, has_filestore=True, basis=PROOF_OF_KEPT)
SHADOW = ShadowReading(
    state=ShadowState.PRESENT, path=FILES, files=3, refreshed_at=NOW, problem="unreadable"
)
SOME_FILES = FilesCounted(count=1, names=("ab/abcdef",))
FILES_CHECK = FilestoreCheck(
    path=FILES,
    named=3,
    missing=SOME_FILES,
    damaged=FilesCounted(),
    not_verifiable=SOME_FILES,
    extra=SOME_FILES,
    extra_bytes=12,
    shadow=SHADOW,
)
RECEIPT = Receipt(
    command="begin",
    outcome=Outcome.REFUSED,
    nonce=NONCE,
    permit_id=PERMIT_ID,
    reasons=PROVOCATIONS[0].provoked().decide().reasons,
    message="Größe: 5 m²",
    set_aside=SET_ASIDE,
    ran=CommandRun(exit_code=143),
    result={"tables": [{"name": "res_partner", "rows": 3}]},
    reading=GUARD_READING.model_copy(
        update={
            "keep": KEEP.model_copy(update={"filestores": (KEPT_FILES,), "begun": (BEGUN,)}),
            "shadow": SHADOW,
        }
    ),
    answered_at=NOW,
    guard_version="1",
    rulebook_version=RULEBOOK_VERSION,
)

_OBSERVATION = CASE.observation
_UPSTREAM = allowed_case(Operation.RESTORE, DataSource.UPSTREAM_RESTORE)
_BACKUP = allowed_case(Operation.RESTORE, DataSource.BACKUP_RESTORE).observation.incoming
_GATE, _PROOF = _OBSERVATION.present.gate, _OBSERVATION.present.data_proof
_LOAD_PROOF = _BACKUP.backup_load_proof
_POLICY = a_policy()
assert _GATE is not None
assert _PROOF is not None
assert _LOAD_PROOF is not None
assert DECISION.obligations is not None
assert DATABASE_READING.server is not None
assert DATABASE_READING.entry is not None
assert DATABASE_READING.entry.tag is not None
assert FILESTORE_READING.tag is not None
assert ANSWER.reading is not None
assert GUARD_READING.runtime_identity is not None
assert _POLICY.upstream_source is not None
assert _POLICY.provider_target is not None
assert _OBSERVATION.record.unfinished is not None

PLAN = Plan(
    target=TARGET,
    policy=_POLICY,
    policy_revision=2,
    observation=_OBSERVATION,
    decision=DECISION,
    size_bytes=10**12,
    planned_at=NOW,
)
FRESH_VOLUMES = FreshVolumes(
    database_before="cm-db", database_after="cm-db-2", files_before="cm", files_after="cm-2"
)
VALUES: tuple[Contract, ...] = (
    LANE,
    _POLICY,
    _POLICY.upstream_source,
    _POLICY.provider_target,
    TenantDeclaration(schema_version=1, lane=LANE, upstream_source=_POLICY.upstream_source),
    DeclarationReading(path=FILES, problem="it says why", upstream_source=_POLICY.upstream_source),
    UpstreamDeclaration(lane=LANE, source=_POLICY.upstream_source, declared_at=NOW),
    PolicyRevision(
        policy=_POLICY,
        number=2,
        recorded_at=NOW,
        recorded_by=REQUESTER,
        reason="wegen Übergabe",
        change_digest=Digest("e" * 64),
    ),
    effective_policy(_POLICY, NOW, marker_authoritative=True, claimed=False),
    CASE.request,
    FRESH_VOLUMES,
    changed(_UPSTREAM.request, "fresh_volumes", FRESH_VOLUMES),
    DECISION,
    DECISION.obligations,
    *RECEIPT.reasons,
    _OBSERVATION,
    _OBSERVATION.record,
    _OBSERVATION.record.unfinished,
    _OBSERVATION.database,
    _OBSERVATION.marker,
    _OBSERVATION.filestore,
    _OBSERVATION.runtime,
    _OBSERVATION.keep,
    _OBSERVATION.present,
    _OBSERVATION.incoming,
    _UPSTREAM.observation.incoming,
    _BACKUP,
    *_OBSERVATION.approvals,
    _OBSERVATION.thresholds,
    demand_for(Weight.GRAVE, Thresholds(grave=1)),
    ApprovalTally(
        required=1,
        requester_signs=True,
        requester_signed=True,
        approvers=(Person("bert@example.org"),),
        cooling_off_until=NOW,
    ),
    PEOPLE,
    PeopleChange(people=PEOPLE, replaces=PEOPLE.digest(), proposer=REQUESTER, reason="x"),
    ClockCorrection(requester=REQUESTER, reason="it was ahead", entry=7, written_at=NOW),
    judge_room(1, 2),
    SourcePlace(system_identifier=SERVER, database_oid=DATABASE_OID),
    LIVE_TARGET,
    *policy_differences(a_policy(), changed(a_policy(), "backup_max_age", timedelta(hours=1))),
    _GATE,
    _PROOF,
    _LOAD_PROOF,
    kept_data(),
    TARGET,
    PLAN,
    ORDER,
    a_permit(),
    a_stamp(),
    PrepareOrder(**ORDER_FIELDS, database_oid=DATABASE_OID),
    UndoOrder(
        **ORDER_FIELDS,
        permit_id=PERMIT_ID,
        remains_name=DatabaseName("cm__kept_g8_remains_abc123"),
        generation=GENERATION + 2,
    ),
    a_lowering(),
    KEPT_REFERENCE,
    OpenOrder(**ORDER_FIELDS, kept=(KEPT_REFERENCE,)),
    PruneOrder(**ORDER_FIELDS, backups=(PROOF_OF_KEPT.backup_id,)),
    RELEASE,
    RELEASE.basis,
    ReleaseOrder(**ORDER_FIELDS, kept=KEPT_REFERENCE, has_filestore=True, basis=NotAuthoritative()),
    NotAuthoritative(),
    GivenUp(by=(Person("bert@example.org"), Person("carla@example.org"))),
    WitnessOrder(lane=LANE, expected_generation=GENERATION),
    Enrolment(
        lane=LANE,
        requester=REQUESTER,
        system_identifier=SERVER,
        database=DATABASE,
        database_oid=DATABASE_OID,
        filestore_path=FILES,
        policy_revision=1,
        authoritative=True,
    ),
    LifeDocument(lane=LANE, requester=REQUESTER, reason="as agreed"),
    Adoption(
        lane=LANE,
        requester=REQUESTER,
        reason="the dump of last night was restored by hand",
        system_identifier=SERVER,
        database=DATABASE,
        database_oid=DATABASE_OID,
        filestore_path=FILES,
        policy_revision=1,
        recorded_generation=GENERATION,
        marker=MarkerState.COPIED,
        marker_digest=MARKER.digest(),
        files=FilestoreState.STALE,
        only_a_tag_was_lost=False,
    ),
    SIDE,
    MaterialiseOrder(
        **ORDER_FIELDS,
        operation_id=OperationId("operation-0001"),
        plan_digest=TARGET.digest(),
        backup=a_gate(),
        neutralise=True,
    ),
    SetAsideOrder(
        **ORDER_FIELDS,
        permit_id=PERMIT_ID,
        kept_name=KEPT_DATABASE,
        database_oid=DATABASE_OID,
        generation=GENERATION,
        has_filestore=True,
        ends=(PERMIT_ID,),
    ),
    Loss(
        lane=LANE,
        requester=REQUESTER,
        reason="the disk is broken",
        recorded_generation=GENERATION,
        recorded_oid=DATABASE_OID,
        database=DATABASE,
        filestore_path=FILES,
        found=DatabaseState.UNREADABLE,
        database_oid=DATABASE_OID,
        generation_there=GENERATION,
        has_filestore=True,
        ends_operation=OperationId("operation-9"),
        kept_gone=(KEPT_DATABASE,),
    ),
    Release(
        lane=LANE,
        requester=REQUESTER,
        reason="no room",
        kept=KEPT_REFERENCE,
        has_filestore=True,
        authoritative=True,
        proof=PROOF_OF_KEPT,
        early=True,
    ),
    Restamping(
        lane=LANE,
        requester=REQUESTER,
        policy_revision=1,
        generation=GENERATION,
        authoritative=True,
        marker_digest=MARKER.digest(),
    ),
    Move(
        lane=LANE,
        requester=REQUESTER,
        reason="the server was upgraded",
        policy_revision=1,
        recorded_generation=GENERATION,
        authoritative=True,
        from_system_identifier=SERVER,
        from_oid=DATABASE_OID,
        system_identifier=SERVER,
        database=DATABASE,
        database_oid=DATABASE_OID,
        filestore_path=FILES,
        marker_digest=MARKER.digest(),
        files=FilestoreState.STALE,
        old_place=OldPlace.ATTESTED,
        old_guard=("docker", "exec", "old", "lane-authority-guard"),
        kept_taken=(KEPT_DATABASE,),
        kept_proven=(KEPT_DATABASE,),
        kept_left=(KEPT_DATABASE,),
        kept_given_up=(KEPT_DATABASE,),
    ),
    Copying(
        lane=LANE,
        requester=REQUESTER,
        reason="for training",
        policy_revision=1,
        recorded_generation=GENERATION,
        copy_of=LANE.model_copy(update={"instance": "other"}),
        generation_there=GENERATION,
        authoritative_there=True,
        original_seen=True,
        system_identifier=SERVER,
        database=DATABASE,
        database_oid=DATABASE_OID,
        filestore_path=FILES,
        marker_digest=MARKER.digest(),
    ),
    Retirement(
        lane=LANE,
        requester=REQUESTER,
        reason="the tenant has left",
        recorded_generation=GENERATION,
        policy_revision=1,
        authoritative=True,
        database=DATABASE,
        filestore_path=FILES,
        database_oid=DATABASE_OID,
        has_filestore=True,
    ),
    BackupGivenUp(
        lane=LANE,
        requester=REQUESTER,
        reason="no room",
        backup_id=BackupId("backup-0001"),
        held=(KEPT_DATABASE,),
    ),
    Lowering(
        lane=LANE,
        requester=REQUESTER,
        policy_revision=1,
        generation=GENERATION,
        lowers_nonce=NONCE,
        authoritative=True,
        claimed=True,
        carried_by=Digest("e" * 64),
    ),
    ContentsReading(users=3, last_activity=NOW),
    MARKER,
    MARKER.identity,
    a_row(),
    Lineage(
        operation=Operation.RESTORE,
        data_source=DataSource.KEPT,
        permit_id=PERMIT_ID,
        set_aside=KEPT_DATABASE,
        kept_until=NOW,
    ),
    DATABASE_READING,
    DATABASE_READING.server,
    DATABASE_READING.entry,
    DATABASE_READING.entry.tag,
    FILESTORE_READING,
    FILESTORE_READING.tag,
    KEEP,
    KEPT_FILES,
    BEGUN,
    GUARD_READING,
    GUARD_READING.runtime_identity,
    ANSWER,
    ANSWER.reading,
    TokenVerdict(order=a_stamp()),
    TokenVerdict(order=a_permit()),
    TokenVerdict(order=a_lowering()),
    *TEXT_VALUES,
    *VIEW_VALUES,
    *FORECAST_VALUES,
    *DESCRIPTOR_VALUES,
    *FINGERPRINT_VALUES,
    *BACKUP_VALUES,
    SET_ASIDE,
    SHADOW,
    SOME_FILES,
    FILES_CHECK,
    FilestoreRepair(
        path=FILES, named=3, from_shadow=1, from_kept=1, not_repaired=SOME_FILES, tag_written=True
    ),
    ShadowRefresh(
        path=FILES, protected=True, damaged=SOME_FILES, kept_for=timedelta(days=7), shadow=SHADOW
    ),
    CommandRun(exit_code=0),
    OfferedUpstream(host="old.example", database="production", filestore_path="/srv/filestore"),
    permitted_source(a_permit()),
    RECEIPT,
)


def public_models() -> set[type[Contract]]:
    """Every model that a module of the contracts defines, but for the two bases."""
    return set(schemas.public_models())
