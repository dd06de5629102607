"""A lane, its policy, and plans for it as the rule book decides them."""

from datetime import UTC, datetime, timedelta

from launchplane_lane_contracts.contract import (
    DatabaseName,
    Digest,
    FilestorePath,
    Nonce,
    PermitId,
    Person,
    SystemIdentifier,
)
from launchplane_lane_contracts.evidence import KeptData
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
)
from launchplane_lane_contracts.plan import Plan, plan_target
from launchplane_lane_contracts.policy import Policy
from launchplane_lane_contracts.request import Request
from launchplane_lane_contracts.rulebook import decide
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    DataSource,
    FilestoreState,
    KeepState,
    MarkerState,
    Operation,
    RolloutState,
    RuntimeState,
)
from launchplane_lane_driver.store import Store

NOW = datetime.now(UTC)
CM = Lane(product="odoo-tenant-cm", context="cm", instance="prod")
SYO = Lane(product="odoo-tenant-syo", context="syo", instance="prod")
REQUESTER = Person("rita")
FILES = FilestorePath("/srv/odoo/filestore/cm")
SOME_DIGEST = Digest("a" * 64)
OTHER_DIGEST = Digest("b" * 64)
IDENTITY = PhysicalIdentity(
    system_identifier=SystemIdentifier("7380000000000000001"),
    # The largest oid that there is: a column with a sign would not hold it.
    database_oid=2**32 - 1,
    database_name=DatabaseName("cm"),
    marker_table_oid=20001,
)


def open_policy(lane: Lane = CM) -> Policy:
    """A policy under which an empty lane may be filled at once."""
    return Policy(
        lane=lane,
        rollout_state=RolloutState.TESTING,
        authoritative_data=False,
        bootstrap_empty_allowed=True,
        requires_backup_before_destroy=False,
        requires_restore_proof=False,
        requires_runtime_identity=False,
    )


def record_open_policy(store: Store, lane: Lane = CM) -> None:
    """Record that policy."""
    store.record_policy(
        open_policy(lane), actor=REQUESTER, reason="test", change_digest=SOME_DIGEST, now=NOW
    )


def plan_for(record: HostRecord, *, reason: str = "", revision: int | None = 1) -> Plan:
    """The plan of a bootstrap where nothing stands, as the rule book decides it."""
    request = Request(
        lane=record.lane,
        operation=Operation.BOOTSTRAP,
        data_source=DataSource.EMPTY,
        requester=REQUESTER,
        reason=reason,
    )
    observation = Observation(
        lane=record.lane,
        # Another operation is the store's matter here: the rule book would see it before.
        record=record.model_copy(update={"unfinished": None}),
        database=DatabaseObservation(state=DatabaseState.ABSENT),
        marker=MarkerObservation(state=MarkerState.NOT_APPLICABLE),
        filestore=FilestoreObservation(state=FilestoreState.EMPTY, path=FILES),
        runtime=RuntimeObservation(state=RuntimeState.SILENT),
        keep=KeepObservation(state=KeepState.READY),
        taken_at=NOW,
    )
    policy = open_policy(record.lane) if revision is not None else None
    decision = decide(policy, request, observation, NOW)
    return Plan(
        target=plan_target(request, policy, observation, decision, database=DatabaseName("cm")),
        policy=policy,
        policy_revision=revision,
        observation=observation,
        decision=decision,
        size_bytes=None,
        planned_at=NOW,
    )


def kept(name: str, generation: int, *, permit_id: str = "permit-1") -> KeptData:
    """Data of lane `CM` that was set aside."""
    return KeptData(
        lane=CM,
        name=DatabaseName(name),
        database_oid=16385,
        generation=generation,
        nonce=Nonce("nonce-before"),
        permit_id=PermitId(permit_id),
        set_aside_at=NOW,
        authoritative=True,
        has_filestore=True,
    )


A_WEEK_ON = NOW + timedelta(days=7)
