"""Builds the models of a situation. Parts are made once and shared; nothing is validated again.

Policies that would not validate are built as well: what holds for more than there can be holds for
what there is.
"""

from datetime import timedelta
from functools import cache

from launchplane_lane_contracts.approval import Approval, Thresholds
from launchplane_lane_contracts.contract import (
    DatabaseName,
    Digest,
    OperationId,
    PermitId,
    Person,
    SystemIdentifier,
)
from launchplane_lane_contracts.evidence import (
    BackupGate,
    DataProof,
    IncomingData,
    KeptData,
    LoadProof,
    PresentEvidence,
    SourcePlace,
)
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import EngineTag
from launchplane_lane_contracts.observation import (
    DatabaseObservation,
    FilestoreObservation,
    HostRecord,
    KeepObservation,
    MarkerObservation,
    Observation,
    RoomObservation,
    RuntimeObservation,
    UnfinishedOperation,
)
from launchplane_lane_contracts.policy import LiveTarget, Policy
from launchplane_lane_contracts.request import Request
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    DataSource,
    FilestoreState,
    KeepState,
    MarkerState,
    Operation,
    OperationPhase,
    RolloutState,
    RoomState,
    RuntimeState,
    TagState,
    TargetOrigin,
)

from ..cases import (
    APPROVER,
    DATABASE_OID,
    FILES,
    GENERATION,
    IDENTITY,
    KEPT_DATABASE,
    LANE,
    LIVE_TARGET,
    MANIFEST,
    NONCE,
    NOW,
    OLD_BACKUP,
    OLD_MANIFEST,
    OTHER_LANE,
    PERMIT,
    PLAN_DIGEST,
    PRESENT_BACKUP,
    REQUESTER,
    SERVER,
    TARGET,
    UNFINISHED,
    UPSTREAM,
    Case,
    a_gate,
    an_old_backup,
    kept_data,
)
from .situation import Situation

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
LARGEST_AGE = {"a day": DAY, "90 minutes": timedelta(minutes=90)}
KEPT_FOR = {
    "a day or more: a week": timedelta(days=7),
    "a day or more: a day": DAY,
    "under a day": timedelta(hours=1),
}
PROVISIONAL_UNTIL = {
    "no end": None,
    "to come": NOW + timedelta(days=30),
    "over": NOW - timedelta(days=30),
    "over: this instant": NOW,
}
BEGUN_AT = NOW - timedelta(minutes=50)
ANOTHER_OID = 16999
ANOTHER_CLUSTER = SystemIdentifier("7300000000000000002")
ANOTHER_MANIFEST = Digest("d" * 64)
SECOND_APPROVER = Person("carl@example.org")


def build(situation: Situation, now_is_later: timedelta = timedelta(0)) -> Case:
    """The case that this situation is."""
    get = situation.__getitem__
    seen_lane = OTHER_LANE if get("lanes") == "several: readings" else LANE
    record_lane = OTHER_LANE if get("lanes") == "several: record" else LANE
    policy = None
    if get("policy") == "recorded":
        policy = _policy(
            OTHER_LANE if get("lanes") == "several: policy" else LANE,
            *[get(each) for each in _FACTS_OF_POLICY],
        )
    return Case(
        policy,
        _request(
            OTHER_LANE if get("lanes") == "several: request" else LANE,
            get("request"),
            get("target"),
            get("target read from"),
            get("retries"),
            get("attesting"),
        ),
        Observation.model_construct(
            lane=seen_lane,
            record=_record(
                record_lane,
                get("host's record"),
                get("declared lost"),
                get("under way"),
                get("request"),
                get("asked then"),
                get("permit in the marker"),
                get("begin"),
                get("found then"),
            ),
            database=_database(seen_lane, get("database"), get("role"), get("oid"), get("tag")),
            marker=_marker(
                get("marker"),
                get("marker says"),
                get("claim"),
                get("permit in the marker"),
                get("another lane's own"),
            ),
            filestore=_filestore(get("files")),
            runtime=_runtime(get("runtime")),
            keep=_keep(get("keep")),
            room=_room(get("room")),
            present=_present(
                record_lane,
                get("gate"),
                get("age of the gate"),
                get("largest age"),
                get("data proof"),
                get("host's record"),
            ),
            incoming=_incoming(
                seen_lane,
                get("declared source"),
                get("place of the source"),
                get("backup to restore"),
                get("load proof"),
                get("kept data"),
                get("kept data is"),
                get("kept data was"),
            ),
            approvals=_approvals(get("requester"), get("approvers")),
            thresholds=_thresholds(get("approvers asked here")),
            store_trusted=get("store") == "trusted",
            clock_trusted=get("clock") == "trusted",
            clock_detail="two clocks",
            taken_at=NOW,
        ),
        NOW + now_is_later,
    )


_FACTS_OF_POLICY = (
    "rollout state",
    "data",
    "provisional",
    "from empty",
    "from upstream",
    "upstream on record",
    "backup",
    "restore proof",
    "runtime identity",
    "largest age",
    "kept for",
    "target on record",
)


@cache
def _policy(
    lane: Lane,
    rollout_state: str,
    data: str,
    provisional: str,
    from_empty: str,
    from_upstream: str,
    upstream: str,
    backup: str,
    proof: str,
    runtime: str,
    largest_age: str,
    kept_for: str,
    target: str,
) -> Policy:
    return Policy.model_construct(
        lane=lane,
        rollout_state=RolloutState(rollout_state),
        authoritative_data=data == "authoritative",
        bootstrap_empty_allowed=from_empty == "allowed",
        restore_from_upstream_allowed=from_upstream == "allowed",
        upstream_source=UPSTREAM if upstream == "yes" else None,
        requires_backup_before_destroy=backup == "asked",
        requires_restore_proof=proof == "asked",
        requires_runtime_identity=runtime == "asked",
        backup_max_age=LARGEST_AGE[largest_age],
        replaced_kept_for=KEPT_FOR[kept_for],
        provisional_until=PROVISIONAL_UNTIL[provisional],
        provider_target=TARGET if target == "yes" else None,
    )


@cache
def _request(
    lane: Lane, request: str, target: str, read_from: str, retries: str, attesting: str
) -> Request:
    operation, source = request.split("/")
    return Request(
        lane=lane,
        operation=Operation(operation),
        data_source=DataSource(source),
        requester=REQUESTER,
        backup_id=OLD_BACKUP if source == "backup_restore" else None,
        kept_database=KEPT_DATABASE if source == "kept" else None,
        provider_target=_live_target(target, TargetOrigin(read_from)),
        retries={
            "nothing": None,
            "the one under way": UNFINISHED,
            "another": OperationId("operation-another"),
        }[retries],
        attest_runtime=attesting == "asked for",
    )


def _live_target(target: str, read_from: TargetOrigin) -> LiveTarget | None:
    if target == "not told":
        return None
    turned = (*reversed(TARGET.domains), TARGET.domains[0])
    fields = dict(LIVE_TARGET) | {"read_from": read_from}
    changed = {
        "the recorded one: domains in another order": ("domains", turned),
        "another: id": ("target_id", "app-2"),
        "another: name": ("name", "syo-prod"),
        "another: domains": ("domains", TARGET.domains[:1]),
    }
    if target in changed:
        field, value = changed[target]
        fields[field] = value
    return LiveTarget(**fields)


def _unfinished(
    phase: str, request: str, asked: str, permit: str, begin: str, found: str
) -> UnfinishedOperation | None:
    if phase == "nothing":
        return None
    operation, source = request.split("/")
    if asked == "something else: operation":
        operation = next(each for each in Operation if each != operation)
    if asked == "something else: source":
        source = next(each for each in DataSource if each != source)
    return UnfinishedOperation(
        operation_id=UNFINISHED,
        phase=OperationPhase(phase.removeprefix("ended: ")),
        operation=Operation(operation),
        data_source=DataSource(source),
        permit_id=None if permit == "another: none on either side" else PERMIT,
        begun_at=BEGUN_AT if begin == "on record" else None,
        authoritative=found == "authoritative",
    )


@cache
def _record(lane: Lane, record: str, lost: str, *unfinished: str) -> HostRecord:
    identity = {
        "this database": IDENTITY,
        "another database": IDENTITY.model_copy(update={"database_oid": ANOTHER_OID}),
        "another cluster": IDENTITY.model_copy(update={"system_identifier": ANOTHER_CLUSTER}),
        "this one as kept": IDENTITY.model_copy(update={"database_oid": ANOTHER_OID}),
    }.get(record)
    never = record == "no database: nothing was ever recorded"
    kept = kept_data(lane)
    if record == "this one as kept":
        kept = kept.model_copy(update={"database_oid": DATABASE_OID})
    return HostRecord(
        lane=lane,
        generation=None if never else GENERATION,
        declared_lost=lost == "yes",
        nonce=None if never else NONCE,
        identity=identity,
        filestore_path=FILES,
        unfinished=_unfinished(*unfinished),
        kept=(kept,),
    )


@cache
def _database(lane: Lane, state: str, role: str, oid: str, tag: str) -> DatabaseObservation:
    return DatabaseObservation(
        state=DatabaseState(state),
        detail="database cm",
        oid=DATABASE_OID if oid == "read" else None,
        system_identifier=SERVER,
        tag=_tag(lane, tag),
        may_rename=role == "may rename",
        rename_problem="" if role == "may rename" else "role odoo has no CREATEDB",
    )


def _tag(lane: Lane, tag: str) -> EngineTag | None:
    if tag == "none":
        return None
    word, _, how = tag.partition(": ")
    another = "another lane's" in tag
    state = TagState.PENDING if "pending" in tag else TagState.LIVE
    return EngineTag(
        lane=Lane(product="odoo-tenant-nord", context="nord", instance="prod") if another else lane,
        generation=GENERATION + 1,
        database_oid=ANOTHER_OID if word == "of another oid" else DATABASE_OID,
        state=TagState.KEPT if how == "kept" else state,
    )


@cache
def _marker(state: str, says: str, claim: str, permit: str, anothers: str) -> MarkerObservation:
    return MarkerObservation(
        state=MarkerState(state.replace(" ", "_")),
        detail="as it was read",
        authoritative=says == "authoritative",
        claimed=claim == "made",
        generation=GENERATION,
        permit_id={"the operation's": PERMIT, "another": PermitId("permit-another")}.get(permit),
        is_anothers_own=anothers == "yes",
    )


@cache
def _filestore(state: str) -> FilestoreObservation:
    return FilestoreObservation(state=FilestoreState(state), path=FILES, detail="as it was read")


@cache
def _runtime(state: str) -> RuntimeObservation:
    return RuntimeObservation(state=RuntimeState(state.replace(" ", "_")), detail="as it answered")


@cache
def _keep(state: str) -> KeepObservation:
    return KeepObservation(state=KeepState(state.replace(" ", "_")), detail="/srv/odoo/keep")


@cache
def _room(state: str) -> RoomObservation:
    needed, free = {"enough": (1, 2), "not enough": (2, 1), "unknown": (1, None)}[state]
    return RoomObservation(
        state=RoomState(state.replace(" ", "_")), needed_bytes=needed, free_bytes=free
    )


@cache
def _present(
    lane: Lane, gate: str, age: str, largest_age: str, proof: str, record: str
) -> PresentEvidence:
    return PresentEvidence(
        gate=None if gate == "none" else _gate(lane, gate, age, LARGEST_AGE[largest_age], record),
        data_proof=_data_proof(proof),
    )


def _gate(lane: Lane, gate: str, age: str, largest: timedelta, record: str) -> BackupGate:
    fields: dict[str, object] = {
        "snapshot_at": NOW
        - {
            "fresh": timedelta(minutes=10),
            "fresh: to the second": largest,
            "fresh: this instant": timedelta(0),
            "fresh at the begin": largest + SECOND,
            "stale": largest + (NOW - BEGUN_AT) + SECOND,
            "stale: from the future": -SECOND,
        }[age]
    }
    if record in ("another database", "this one as kept"):
        fields["database_oid"] = ANOTHER_OID
    if record == "another cluster":
        fields["system_identifier"] = ANOTHER_CLUSTER
    others: dict[str, tuple[str, object]] = {
        "of other data: lane": ("lane", Lane.parse("odoo-tenant-nord/nord/prod")),
        "of other data: generation": ("generation", GENERATION - 1),
        "of other data: cluster": ("system_identifier", "9"),
        "of other data: oid": ("database_oid", 9),
        "of other data: folder": ("filestore_path", "/srv/odoo/filestore/cm2"),
    }
    if gate in others:
        field, value = others[gate]
        fields[field] = value
    return a_gate(lane).model_copy(update=fields)


def _data_proof(proof: str) -> DataProof | None:
    if proof == "none":
        return None
    return DataProof(
        backup_id=OLD_BACKUP if proof == "none: of another backup" else PRESENT_BACKUP,
        manifest_digest=OLD_MANIFEST if proof == "none: of another manifest" else MANIFEST,
        proven_at=NOW + SECOND if proof == "none: from the future" else NOW,
    )


@cache
def _incoming(
    lane: Lane,
    declared: str,
    place: str,
    backup: str,
    load_proof: str,
    kept: str,
    kept_is: str,
    kept_was: str,
) -> IncomingData:
    fields = {"folder": "filestore_path"}
    part = declared.partition(": ")[2]
    source = UPSTREAM
    if part:
        source = UPSTREAM.model_copy(
            update={fields.get(part, part): LANE if part == "lane" else "/something/else"}
        )
    another_lane = Lane.parse("odoo-tenant-nord/nord/prod")
    restored = an_old_backup(another_lane if backup == "another lane's" else lane)
    if backup == "unknown: another id":
        restored = restored.model_copy(update={"backup_id": "backup-of-something-else"})
    return IncomingData(
        declared_upstream=None if declared == "none" else source,
        upstream_place={
            "unknown": None,
            "the database itself": SourcePlace(system_identifier=SERVER, database_oid=DATABASE_OID),
            "elsewhere: another database": SourcePlace(
                system_identifier=SERVER, database_oid=ANOTHER_OID
            ),
            "elsewhere: another cluster": SourcePlace(
                system_identifier=ANOTHER_CLUSTER, database_oid=DATABASE_OID
            ),
        }[place],
        backup=None if backup == "unknown" else restored,
        backup_load_proof=_load_proof(load_proof, restored),
        kept=_kept(lane, kept, kept_was),
        kept_is_unchanged=kept_is == "unchanged",
    )


def _load_proof(proof: str, backup: BackupGate) -> LoadProof | None:
    if proof == "none":
        return None
    other_backup = proof == "none: of another backup"
    return LoadProof(
        backup_id=PRESENT_BACKUP if other_backup else backup.backup_id,
        manifest_digest=(
            ANOTHER_MANIFEST if proof == "none: of another manifest" else backup.manifest_digest
        ),
        proven_at=NOW + SECOND if proof == "none: from the future" else NOW,
    )


def _kept(lane: Lane, kept: str, was: str) -> KeptData | None:
    if kept == "unknown":
        return None
    return kept_data(
        Lane.parse("odoo-tenant-nord/nord/prod") if kept.endswith("lane") else lane
    ).model_copy(
        update={
            "name": DatabaseName("cm__kept_g5_x") if kept.endswith("name") else KEPT_DATABASE,
            "authoritative": was == "authoritative",
        }
    )


@cache
def _approvals(requester: str, approvers: str) -> tuple[Approval, ...]:
    long_ago, just_now, tomorrow = DAY, timedelta(minutes=10), -SECOND
    ages = [
        (REQUESTER, age)
        for age in {
            "signed": [just_now],
            "signed: a second under a day ago": [DAY - SECOND],
            "not signed": [],
            "not signed: a day ago": [long_ago],
            "not signed: in the future": [tomorrow],
        }[requester]
    ]
    ages += {
        "one": [(APPROVER, just_now)],
        "one: twice": [(APPROVER, just_now), (APPROVER, long_ago), (APPROVER, just_now)],
        "one: and one a day ago": [(SECOND_APPROVER, long_ago), (APPROVER, just_now)],
        "two": [(APPROVER, just_now), (SECOND_APPROVER, just_now)],
        "none": [],
        "none: a day ago": [(APPROVER, long_ago)],
        "none: in the future": [(APPROVER, tomorrow)],
    }[approvers]
    return tuple(
        Approval(person=person, signed_digest=PLAN_DIGEST, signed_at=NOW - age)
        for person, age in ages
    )


@cache
def _thresholds(consequential: str) -> Thresholds:
    return Thresholds(consequential=int(consequential))
