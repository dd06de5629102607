"""Hand-made readings of a healthy lane, for the judgements."""

from datetime import timedelta

from launchplane_lane_contracts.contract import RULEBOOK_VERSION, FilestorePath, Nonce, PermitId
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import (
    EngineTag,
    FilestoreTag,
    Lineage,
    Marker,
    MarkerRow,
)
from launchplane_lane_contracts.observation import HostRecord
from launchplane_lane_contracts.orders import LowerOrder, Order, Permit, StampOrder
from launchplane_lane_contracts.reading import (
    DatabaseEntry,
    DatabaseReading,
    FilestoreReading,
    KeepReading,
    LaneReading,
    RuntimeIdentity,
    RuntimeReading,
    RuntimeWitness,
    ServerReading,
)
from launchplane_lane_contracts.snapshot_place import SnapshotPlace
from launchplane_lane_contracts.vocabulary import DataSource, KeepState, Operation, TagState

from .cases import (
    DATABASE,
    DATABASE_OID,
    FILES,
    GENERATION,
    IDENTITY,
    KEPT_DATABASE,
    KEPT_OID,
    LANE,
    MARKER_TABLE_OID,
    NONCE,
    NOW,
    PLAN_DIGEST,
    SERVER,
    a_policy,
    allowed_case,
)

TOKEN = "a signed token"
RECORD = HostRecord(
    lane=LANE, generation=GENERATION, nonce=NONCE, identity=IDENTITY, filestore_path=FILES
)
NEVER_RECORDED = HostRecord(lane=LANE)
SERVER_READING = ServerReading(
    system_identifier=SERVER,
    version=150000,
    now=NOW,
    in_recovery=False,
    role="odoo",
    role_is_superuser=False,
    role_may_create_databases=True,
    place=SnapshotPlace(wal_position="0/15B2C98", transactions="731:735:731"),
)
KEEP = KeepReading(state=KeepState.READY, path=FilestorePath("/srv/odoo/keep"))
RUNTIME_IDENTITY = RuntimeIdentity(lane=LANE, deployment_record_id="deployment-1")


def an_engine_tag(
    lane: Lane = LANE,
    generation: int = GENERATION,
    oid: int = DATABASE_OID,
    state: TagState = TagState.LIVE,
) -> EngineTag:
    """The tag of the lane's database."""
    return EngineTag(lane=lane, generation=generation, database_oid=oid, state=state)


ENTRY = DatabaseEntry(
    name=DATABASE,
    oid=DATABASE_OID,
    owned=True,
    locked=False,
    takes_connections=True,
    tag=an_engine_tag(),
)
KEPT_ENTRY = DatabaseEntry(
    name=KEPT_DATABASE,
    oid=KEPT_OID,
    owned=True,
    locked=True,
    takes_connections=False,
    tag=an_engine_tag(generation=6, oid=KEPT_OID, state=TagState.KEPT),
)
MARKER = Marker(
    lane=LANE,
    policy=a_policy(),
    policy_revision=1,
    authoritative=False,
    generation=GENERATION,
    nonce=NONCE,
    identity=IDENTITY,
    filestore_path=FILES,
    lineage=Lineage(),
    stamped_at=NOW - timedelta(days=2),
)


def a_stamp(marker: Marker = MARKER) -> StampOrder:
    """The order that wrote the marker."""
    return StampOrder(
        lane=marker.lane,
        nonce=marker.nonce,
        database=DATABASE,
        filestore_path=FILES,
        issued_at=marker.stamped_at,
        begin_before=marker.stamped_at + timedelta(minutes=15),
        rulebook_version=RULEBOOK_VERSION,
        permit_id=PermitId("permit-of-generation-7"),
        marker=marker,
        lock=False,
    )


def a_lowering(marker: Marker = MARKER) -> LowerOrder:
    """The order that wrote the marker in the place of an authoritative one."""
    fields = {name: getattr(a_stamp(marker), name) for name in Order.model_fields}
    return LowerOrder(
        **fields, lowers_nonce=Nonce("nonce-of-the-one-before"), marker=marker, lock=False
    )


def a_permit() -> Permit:
    """A permit for a rebuild from nothing."""
    case = allowed_case(Operation.RECREATE, DataSource.EMPTY)
    decision = case.decide()
    assert case.policy is not None
    assert decision.obligations is not None
    return Permit(
        lane=LANE,
        nonce=Nonce("nonce-of-the-permit"),
        database=DATABASE,
        filestore_path=FILES,
        issued_at=NOW,
        begin_before=NOW + timedelta(minutes=15),
        rulebook_version=RULEBOOK_VERSION,
        permit_id=PermitId("permit-of-generation-8"),
        plan_digest=PLAN_DIGEST,
        request=case.request,
        policy=case.policy,
        policy_revision=1,
        generation=GENERATION + 1,
        obligations=decision.obligations,
        kept_name=KEPT_DATABASE,
        observation=case.observation,
    )


def a_row(marker: Marker = MARKER) -> MarkerRow:
    """The row that the order wrote."""
    return marker.row(TOKEN)


DATABASE_READING = DatabaseReading(
    name=DATABASE,
    server=SERVER_READING,
    entry=ENTRY,
    neighbours=(KEPT_ENTRY,),
    holds_relations=True,
    marker_table_oid=MARKER_TABLE_OID,
    marker_row=a_row(),
)
NOTHING_THERE = DatabaseReading(name=DATABASE, server=SERVER_READING)
EMPTY_DATABASE = DatabaseReading(
    name=DATABASE,
    server=SERVER_READING,
    entry=ENTRY.model_copy(update={"tag": None}),
    holds_relations=False,
)
FILESTORE_TAG = FilestoreTag(
    lane=LANE,
    generation=GENERATION,
    system_identifier=SERVER,
    database_oid=DATABASE_OID,
    state=TagState.LIVE,
)
FILESTORE_READING = FilestoreReading(path=FILES, exists=True, holds_files=True, tag=FILESTORE_TAG)
GUARD_READING = LaneReading(
    lane=LANE,
    runtime_identity=RUNTIME_IDENTITY,
    database=DATABASE_READING,
    filestore=FILESTORE_READING,
    keep=KEEP,
    read_at=NOW,
    guard_version="1",
    rulebook_version=RULEBOOK_VERSION,
)
RUNTIME_READING = RuntimeReading(
    runtime_identity=RUNTIME_IDENTITY,
    identity=IDENTITY,
    marker_generation=GENERATION,
    filestore_path=FILES,
    filestore_tag=FILESTORE_TAG,
    registry_loaded=True,
    neutralised=False,
    stays_listed_when_locked=True,
    addon_version="1",
    rulebook_version=RULEBOOK_VERSION,
)
ANSWER = RuntimeWitness(reading=RUNTIME_READING)
