"""Well-formed cases that the rule book allows, and one helper that changes one fact in them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from launchplane_lane_contracts.approval import Approval
from launchplane_lane_contracts.contract import (
    BackupId,
    Contract,
    DatabaseName,
    Digest,
    FilestorePath,
    Nonce,
    OperationId,
    PermitId,
    Person,
    SystemIdentifier,
)
from launchplane_lane_contracts.decision import Decision
from launchplane_lane_contracts.evidence import (
    BackupGate,
    DataProof,
    IncomingData,
    KeptData,
    LoadProof,
    PresentEvidence,
)
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import PhysicalIdentity
from launchplane_lane_contracts.observation import (
    DatabaseObservation,
    FilestoreObservation,
    HostRecord,
    KeepObservation,
    MarkerObservation,
    Observation,
    RuntimeObservation,
    UnfinishedOperation,
)
from launchplane_lane_contracts.policy import (
    LiveTarget,
    Policy,
    ProviderTarget,
    UpstreamSource,
)
from launchplane_lane_contracts.request import Request
from launchplane_lane_contracts.rulebook import decide
from launchplane_lane_contracts.vocabulary import (
    REQUESTS_THAT_EXIST,
    DatabaseState,
    DataSource,
    FilestoreState,
    KeepState,
    MarkerState,
    Operation,
    OperationPhase,
    RolloutState,
    RuntimeState,
    TargetOrigin,
)

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
LANE = Lane(product="odoo-tenant-cm", context="cm", instance="prod")
OTHER_LANE = Lane(product="odoo-tenant-syo", context="syo", instance="prod")
REQUESTER = Person("anna@example.org")
APPROVER = Person("bert@example.org")
GENERATION = 7
DATABASE_OID = 16400
MARKER_TABLE_OID = 16500
KEPT_OID = 16300
SERVER = SystemIdentifier("7300000000000000001")
DATABASE = DatabaseName("cm")
UNFINISHED = OperationId("operation-9")
PERMIT = PermitId("permit-of-generation-8")
KEPT_DATABASE = DatabaseName("cm__kept_g6_recreate_abc123")
FILES = FilestorePath("/srv/odoo/filestore/cm")
NONCE = Nonce("nonce-of-generation-7")
PLAN_DIGEST = Digest("a" * 64)
MANIFEST = Digest("b" * 64)
OLD_MANIFEST = Digest("c" * 64)
PRESENT_BACKUP = BackupId("backup-of-generation-7")
OLD_BACKUP = BackupId("backup-of-generation-3")
IDENTITY = PhysicalIdentity(
    system_identifier=SERVER,
    database_oid=DATABASE_OID,
    database_name=DATABASE,
    marker_table_oid=MARKER_TABLE_OID,
)
UPSTREAM = UpstreamSource(
    name="old server",
    host="old.example.org",
    database=DatabaseName("cm_production"),
    filestore_path=FilestorePath("/var/lib/odoo/filestore/cm_production"),
)
TARGET = ProviderTarget(
    target_id="app-1", name="cm-prod", domains=("cm.example.org", "www.cm.example.org")
)
LIVE_TARGET = LiveTarget(**dict(TARGET), read_from=TargetOrigin.PROVIDER)
PAIRS = tuple(sorted(REQUESTS_THAT_EXIST))
SOURCES_OF_AUTHORITATIVE_LANES = frozenset(
    {DataSource.EXISTING, DataSource.BACKUP_RESTORE, DataSource.KEPT}
)

AnyContract = TypeVar("AnyContract", bound=Contract)


@dataclass(frozen=True)
class Case:
    """Everything that one decision is made from."""

    policy: Policy | None
    request: Request
    observation: Observation
    now: datetime = NOW

    def decide(self) -> Decision:
        """Ask the rule book."""
        return decide(self.policy, self.request, self.observation, self.now)

    def change(self, path: str, value: Any) -> "Case":
        """The same case with the one fact at `path` (such as `policy.rollout_state`) replaced."""
        part, _, rest = path.partition(".")
        if not rest:
            return replace(self, **{part: value})
        return replace(self, **{part: changed(getattr(self, part), rest, value)})

    def change_all(self, facts: dict[str, Any]) -> "Case":
        """The same case with several facts replaced one after the other."""
        case = self
        for path, value in facts.items():
            case = case.change(path, value)
        return case


def changed(model: AnyContract, path: str, value: Any) -> AnyContract:
    """A copy, validated again, in which the field at the dotted `path` has another value."""
    name, _, rest = path.partition(".")
    assert name in type(model).model_fields, f"{type(model).__name__} has no {name}"
    new = changed(getattr(model, name), rest, value) if rest else value
    fields = {field: getattr(model, field) for field in type(model).model_fields}
    return type(model)(**{**fields, name: new})


def a_policy(lane: Lane = LANE) -> Policy:
    """A provisional lane that may be rebuilt from anything, with everything required."""
    return Policy(
        lane=lane,
        rollout_state=RolloutState.PROVISIONAL,
        authoritative_data=False,
        bootstrap_empty_allowed=True,
        restore_from_upstream_allowed=True,
        upstream_source=UPSTREAM,
        provisional_until=NOW + timedelta(days=30),
        provider_target=TARGET,
    )


def an_authoritative_policy(lane: Lane = LANE) -> Policy:
    """Real production with nothing but the protective values."""
    return Policy(lane=lane, rollout_state=RolloutState.PRODUCTION, provider_target=TARGET)


def a_request(operation: Operation, source: DataSource, lane: Lane = LANE) -> Request:
    """A request for this pair that is complete."""
    return Request(
        lane=lane,
        operation=operation,
        data_source=source,
        requester=REQUESTER,
        backup_id=OLD_BACKUP if source is DataSource.BACKUP_RESTORE else None,
        kept_database=KEPT_DATABASE if source is DataSource.KEPT else None,
        provider_target=LIVE_TARGET,
    )


def a_gate(lane: Lane = LANE) -> BackupGate:
    """A backup of the data that is there, an hour old."""
    return BackupGate(
        backup_id=PRESENT_BACKUP,
        lane=lane,
        generation=GENERATION,
        system_identifier=SERVER,
        database_oid=DATABASE_OID,
        filestore_path=FILES,
        snapshot_at=NOW - timedelta(hours=1),
        manifest_digest=MANIFEST,
    )


def an_old_backup(lane: Lane = LANE) -> BackupGate:
    """A backup of an earlier generation of the lane, a year old."""
    return BackupGate(
        backup_id=OLD_BACKUP,
        lane=lane,
        generation=3,
        system_identifier=SERVER,
        database_oid=16100,
        filestore_path=FILES,
        snapshot_at=NOW - timedelta(days=365),
        manifest_digest=OLD_MANIFEST,
    )


def kept_data(lane: Lane = LANE) -> KeptData:
    """What an earlier rebuild set aside."""
    return KeptData(
        lane=lane,
        name=KEPT_DATABASE,
        database_oid=KEPT_OID,
        generation=6,
        permit_id=PermitId("permit-of-generation-7"),
        set_aside_at=NOW - timedelta(days=2),
        kept_until=NOW + timedelta(days=5),
        authoritative=False,
        has_filestore=True,
    )


def an_approval(person: Person) -> Approval:
    """A signature made ten minutes ago."""
    return Approval(person=person, signed_digest=PLAN_DIGEST, signed_at=NOW - timedelta(minutes=10))


def incoming_data(source: DataSource, lane: Lane = LANE) -> IncomingData:
    """Everything that must be known of the data that is to come."""
    if source is DataSource.UPSTREAM_RESTORE:
        return IncomingData(declared_upstream=UPSTREAM)
    if source is DataSource.BACKUP_RESTORE:
        return IncomingData(
            backup=an_old_backup(lane),
            backup_load_proof=LoadProof(
                backup_id=OLD_BACKUP,
                manifest_digest=OLD_MANIFEST,
                proven_at=NOW - timedelta(days=364),
            ),
        )
    if source is DataSource.KEPT:
        return IncomingData(kept=kept_data(lane), kept_is_unchanged=True)
    return IncomingData()


def an_observation(source: DataSource, lane: Lane = LANE) -> Observation:
    """A healthy lane with data, in which all witnesses agree and all evidence is there."""
    return Observation(
        lane=lane,
        record=HostRecord(
            lane=lane,
            generation=GENERATION,
            nonce=NONCE,
            identity=IDENTITY,
            filestore_path=FILES,
            kept=(kept_data(lane),),
        ),
        database=DatabaseObservation(
            state=DatabaseState.INITIALISED,
            detail="database cm",
            identity=IDENTITY,
            oid=DATABASE_OID,
            system_identifier=SERVER,
        ),
        marker=MarkerObservation(
            state=MarkerState.BOUND, detail="generation 7", generation=GENERATION
        ),
        filestore=FilestoreObservation(state=FilestoreState.OURS, path=FILES, detail="tag"),
        runtime=RuntimeObservation(state=RuntimeState.AGREES, detail="deployment 1"),
        keep=KeepObservation(state=KeepState.READY, detail="/srv/odoo/keep"),
        present=PresentEvidence(
            gate=a_gate(lane),
            data_proof=DataProof(
                backup_id=PRESENT_BACKUP,
                manifest_digest=MANIFEST,
                proven_at=NOW - timedelta(minutes=30),
            ),
        ),
        incoming=incoming_data(source, lane),
        approvals=(an_approval(REQUESTER), an_approval(APPROVER)),
        clock_detail="two clocks",
        taken_at=NOW,
    )


def allowed_case(operation: Operation, source: DataSource, lane: Lane = LANE) -> Case:
    """The pair on a provisional lane with data; allowed."""
    return Case(a_policy(lane), a_request(operation, source, lane), an_observation(source, lane))


def authoritative_case(operation: Operation, source: DataSource, lane: Lane = LANE) -> Case:
    """The pair on a real production lane with data; allowed for its own data only."""
    return replace(allowed_case(operation, source, lane), policy=an_authoritative_policy(lane))


def first_bootstrap() -> Case:
    """The first bootstrap of a lane where nothing stands and nothing was ever recorded."""
    return allowed_case(Operation.BOOTSTRAP, DataSource.EMPTY).change_all(
        {
            "observation.record": HostRecord(lane=LANE),
            "observation.database": DatabaseObservation(state=DatabaseState.ABSENT, detail="none"),
            "observation.marker": MarkerObservation(state=MarkerState.NOT_APPLICABLE),
            "observation.filestore.state": FilestoreState.ABSENT,
            "observation.present": PresentEvidence(),
            "observation.approvals": (),
        }
    )


def allowed_cases() -> Iterator[Case]:
    """Every pair that exists, provisional and, where that can be, authoritative."""
    for operation, source in PAIRS:
        yield allowed_case(operation, source)
        if source in SOURCES_OF_AUTHORITATIVE_LANES:
            yield authoritative_case(operation, source)
    yield first_bootstrap()


def unfinished(phase: OperationPhase) -> UnfinishedOperation:
    """An operation that came that far."""
    return UnfinishedOperation(
        operation_id=UNFINISHED,
        phase=phase,
        operation=Operation.RECREATE,
        data_source=DataSource.EMPTY,
        permit_id=PERMIT,
        begun_at=NOW - timedelta(minutes=50),
        authoritative=False,
    )
