"""A stand-in for Launchplane's workflows that destroy: their arguments, order and manners.

Each calls its checkpoint with an effect's name just before that effect. Bootstrap catches the
click.ClickException that a checkpoint raises and returns a failed result; the others let it
through. What Launchplane checks itself before it acts is here as well, weak as it is: a switch,
a phrase, the names in its own records. Authority, backups and proofs are not among it.

Known by name from the real one are the effects `stable_bootstrap_schedule` and
`target_replacement_raw_source`; the other effects and the phases are named here.
"""

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

import click

from tests.standins.launchplane_records import (
    DeploymentRecord,
    LaneProfile,
    RebuildApproval,
    RecordStore,
)
from tests.standins.launchplane_requests import (
    DokployRequest,
    EffectCheckpoint,
    OdooProdBackupRestoreRequest,
    OdooProdPromotionRequest,
    OdooProdRetainedVolumeImportRequest,
    OdooProdRollbackRequest,
    OdooStableBootstrapRequest,
    OdooStableBootstrapResult,
    OdooStableTargetReplacementRequest,
    PhaseCheckpoint,
    PhaseEffectCheckpoint,
    Request,
    WorkflowResult,
)

BOOTSTRAP_SCHEDULE = "stable_bootstrap_schedule"
TARGET_REPLACEMENT_SOURCE = "target_replacement_raw_source"
POST_DEPLOY_SCHEDULE = "post_deploy_schedule"
POST_DEPLOY_RUN = "post_deploy_run"
ROLLBACK_DEPLOY = "prod_rollback_deploy"
PROMOTION_DEPLOY = "prod_promotion_deploy"
BACKUP_RESTORE_VOLUMES = "prod_backup_restore_volumes"
RETAINED_VOLUME_IMPORT = "retained_volume_backup_import"

HEALTH_PAUSE = 0.2

Found = TypeVar("Found")

_provider: ContextVar[DokployRequest | None] = ContextVar("provider", default=None)


@contextmanager
def provider_connected(dokploy_request: DokployRequest) -> Iterator[None]:
    """The provider of the workflows that take none as an argument."""
    token = _provider.set(dokploy_request)
    try:
        yield
    finally:
        _provider.reset(token)


@dataclass
class Workflow:
    """One run: which lane, which target, through which provider."""

    name: str
    store: RecordStore
    product: str
    lane: LaneProfile
    dokploy_request: DokployRequest
    before_effect: Callable[[str], object]
    record_id: str = field(default_factory=lambda: f"deployment-{uuid.uuid4().hex[:12]}")
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def target_id(self) -> str:
        """The provider's id, as Launchplane's record has it."""
        return absent_is_an_error(
            "the provider's target",
            lambda: self.store.read_dokploy_target_id_record(
                context_name=self.lane.context, instance_name=self.lane.instance
            ),
        ).target_id

    def call(self, method: str, path: str, **payload: object) -> Mapping[str, object]:
        """One call about this lane's target."""
        return self.dokploy_request(
            method=method, path=path, payload={"composeId": self.target_id, **payload}
        )

    def deploy(self, artifact_id: str, source_git_ref: str, **more: object) -> None:
        """Write the compose file and start new containers from it."""
        self.call(
            *("POST", "compose.update"),
            sourceType="raw",
            artifactId=artifact_id,
            runtimeIdentity={
                "schema_version": 1,
                "product": self.product,
                "context": self.lane.context,
                "instance": self.lane.instance,
                "environment_kind": "stable",
                "deployment_record_id": self.record_id,
                "artifact_id": artifact_id,
                "source_git_ref": source_git_ref,
            },
        )
        self.call("POST", "compose.deploy", **more)

    def run_schedule(self, mode: str, timeout_seconds: int | None = None) -> None:
        """Run the devkit's script. Raises click.ClickException when it fails."""
        answer = self.call("POST", "schedule.run", mode=mode, timeoutSeconds=timeout_seconds)
        if answer.get("exitCode") != 0:
            log = answer.get("log")
            last = log[-1] if isinstance(log, list) and log else "no output"
            raise click.ClickException(
                f"Schedule {mode} ended with code {answer.get('exitCode')}: {last}"
            )

    def post_deploy(self) -> None:
        """What follows every deployment."""
        self.before_effect(POST_DEPLOY_SCHEDULE)
        self.call("POST", "schedule.update", mode="post-deploy-maintenance")
        self.before_effect(POST_DEPLOY_RUN)
        self.run_schedule("post-deploy-maintenance")

    def record(self, status: Literal["pass", "fail"], error_message: str = "") -> None:
        """Write what happened."""
        self.store.write_deployment_record(
            DeploymentRecord(
                record_id=self.record_id,
                product=self.product,
                context=self.lane.context,
                instance=self.lane.instance,
                workflow=self.name,
                status=status,
                started_at=self.started_at,
                finished_at=datetime.now(UTC),
                error_message=error_message,
            )
        )

    def passed(self) -> WorkflowResult:
        """Record that all went well, and say so."""
        self.record("pass")
        return self.result()

    def result(
        self, status: Literal["pass", "uncertain"] = "pass", error_message: str = ""
    ) -> WorkflowResult:
        """The answer of every workflow but bootstrap."""
        return WorkflowResult(
            product=self.product,
            context=self.lane.context,
            instance=self.lane.instance,
            deployment_record_id=self.record_id,
            status=status,
            error_message=error_message,
        )

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Record a failure, and let it through."""
        try:
            yield
        except click.ClickException as failure:
            self.record("fail", failure.message)
            raise


# -- the workflows ----------------------------------------------------------------------


def execute_odoo_stable_bootstrap(
    *,
    control_plane_root: Path,
    record_store: RecordStore,
    request: OdooStableBootstrapRequest,
    env_file: Path | None = None,
    dokploy_request: DokployRequest,
    provider_effect_checkpoint: EffectCheckpoint | None = None,
) -> OdooStableBootstrapResult:
    """Drop the lane's data and begin from empty."""
    run = begin(
        "odoo-stable-bootstrap",
        record_store,
        request,
        request.context,
        dokploy_request,
        provider_effect_checkpoint or allow,
    )
    require_approval(run, run.lane.odoo_stable_bootstrap, "empty", request.confirmation)
    error_message = ""
    try:
        run.before_effect(BOOTSTRAP_SCHEDULE)
        run.run_schedule("bootstrap", request.timeout_seconds)
        run.post_deploy()
        if request.verify_health:
            verify_health(run, request)
    except click.ClickException as failure:
        error_message = failure.message
    run.record("fail" if error_message else "pass", error_message)
    return OdooStableBootstrapResult(
        product=request.product,
        context=request.context,
        instance=request.instance,
        deployment_record_id=run.record_id,
        bootstrap_status="fail" if error_message else "pass",
        error_message=error_message,
    )


def execute_odoo_stable_target_replacement_apply(
    *,
    control_plane_root: Path,
    record_store: RecordStore,
    request: OdooStableTargetReplacementRequest,
    dokploy_request: DokployRequest,
    provider_effect_checkpoint: EffectCheckpoint | None = None,
) -> WorkflowResult:
    """Replace the containers; the new ones start, and only then a restore runs over them."""
    run = begin(
        "odoo-stable-target-replacement",
        record_store,
        request,
        None,
        dokploy_request,
        provider_effect_checkpoint or allow,
    )
    mode = request.data_source_mode
    if mode == "empty" and not request.allow_empty_data:
        raise click.ClickException("Mode empty needs allow_empty_data.")
    if mode != "existing":
        require_approval(run, run.lane.odoo_prelaunch_rebuild, mode, request.confirmation)
    if request.expected_current_artifact_id:
        require_artifact(run, request.expected_current_artifact_id)
    with run.recorded():
        run.before_effect(TARGET_REPLACEMENT_SOURCE)
        # Mode empty wipes nothing: the containers come up on new, empty volumes.
        fresh = {"volumes": {"fresh": True}} if mode == "empty" else {}
        run.deploy(request.artifact_id, request.source_git_ref, **fresh)
        run.run_schedule("restore" if mode == "upstream_restore" else "update-only")
        run.post_deploy()
    return run.passed()


def execute_odoo_prod_rollback(
    *,
    control_plane_root: Path,
    record_store: RecordStore,
    request: OdooProdRollbackRequest,
    product: str,
    target: str | None = None,
    hold_uncertain_effects: bool = False,
    provider_effect_checkpoint: EffectCheckpoint | None = None,
) -> WorkflowResult:
    """Deploy an earlier artifact over the data that is there."""
    if product != request.product:
        raise click.ClickException(f"The request is for {request.product}, not for {product}.")
    run = begin(
        "odoo-prod-rollback",
        record_store,
        request,
        request.context,
        connected_provider(),
        provider_effect_checkpoint or allow,
    )
    if target is not None and target != run.target_id:
        raise click.ClickException(f"The lane's target is {run.target_id}, not {target}.")
    with run.recorded():
        run.before_effect(ROLLBACK_DEPLOY)
        try:
            run.deploy(request.artifact_id, "")
            run.run_schedule("update-only")
        except click.ClickException as failure:
            if not hold_uncertain_effects:
                raise
            run.record("fail", failure.message)
            return run.result("uncertain", failure.message)
        run.post_deploy()
    return run.passed()


def execute_odoo_prod_promotion_run(
    *,
    control_plane_root: Path,
    record_store: RecordStore,
    request: OdooProdPromotionRequest,
    state_dir: Path,
    database_url: str,
    phase_checkpoint: PhaseCheckpoint | None = None,
    provider_effect_checkpoint: EffectCheckpoint | None = None,
) -> WorkflowResult:
    """Deploy a new artifact over the data that is there."""
    run = begin(
        "odoo-prod-promotion",
        record_store,
        request,
        request.context,
        connected_provider(),
        provider_effect_checkpoint or allow,
    )
    reached = phase_checkpoint or note_nothing
    with run.recorded():
        reached("deploy", {"artifact_id": request.artifact_id})
        run.before_effect(PROMOTION_DEPLOY)
        run.deploy(request.artifact_id, request.source_git_ref)
        run.run_schedule("update-only")
        reached("post_deploy", {"deployment_record_id": run.record_id})
        run.post_deploy()
    return run.passed()


def execute_odoo_prod_backup_restore_apply(
    *,
    control_plane_root: Path,
    record_store: RecordStore,
    request: OdooProdBackupRestoreRequest,
    operation_id: str,
    phase_checkpoint: PhaseCheckpoint,
    provider_effect_checkpoint: PhaseEffectCheckpoint,
) -> WorkflowResult:
    """Put the database on a new volume that holds a backup; the old one is left as it is."""
    volumes = {
        "fresh": True,
        "backup_record_id": request.backup_record_id,
        "old_database": request.expected_old_db_volume,
        "new_database": request.expected_new_db_volume,
        "data": request.expected_data_volume,
        "log": request.expected_log_volume,
    }
    return on_other_volumes(
        "odoo-prod-backup-restore",
        BACKUP_RESTORE_VOLUMES,
        record_store,
        request,
        request.context,
        {"operation_id": operation_id, "plan_fingerprint": request.plan_fingerprint},
        volumes,
        phase_checkpoint,
        provider_effect_checkpoint,
    )


def execute_odoo_prod_retained_volume_backup_import_apply(
    *,
    control_plane_root: Path,
    record_store: RecordStore,
    request: OdooProdRetainedVolumeImportRequest,
    operation_id: str,
    reviewed_plan: Mapping[str, object],
    phase_checkpoint: PhaseCheckpoint,
    provider_effect_checkpoint: PhaseEffectCheckpoint,
) -> WorkflowResult:
    """Take a kept volume for a backup."""
    if reviewed_plan.get("fingerprint") != request.plan_fingerprint:
        raise click.ClickException("The reviewed plan is another one than the request's.")
    return on_other_volumes(
        "odoo-prod-retained-volume-import",
        RETAINED_VOLUME_IMPORT,
        record_store,
        request,
        request.context,
        {"operation_id": operation_id, "plan_fingerprint": request.plan_fingerprint},
        {"fresh": False, "retained": request.retained_volume},
        phase_checkpoint,
        provider_effect_checkpoint,
    )


# -- what they have in common -----------------------------------------------------------


def on_other_volumes(
    name: str,
    effect: str,
    record_store: RecordStore,
    request: Request,
    context: str,
    facts: Mapping[str, object],
    volumes: Mapping[str, object],
    phase_checkpoint: PhaseCheckpoint,
    provider_effect_checkpoint: PhaseEffectCheckpoint,
) -> WorkflowResult:
    """Bring the lane up on other volumes, in phases."""
    phase = "volumes"

    def before_effect(effect_name: str) -> object:
        return provider_effect_checkpoint(phase, effect_name)

    run = begin(name, record_store, request, context, connected_provider(), before_effect)
    with run.recorded():
        phase_checkpoint(phase, dict(facts))
        run.before_effect(effect)
        run.call("POST", "compose.deploy", volumes=dict(volumes))
        phase = "post_deploy"
        phase_checkpoint(phase, dict(facts))
        run.post_deploy()
    return run.passed()


def begin(
    name: str,
    record_store: RecordStore,
    request: Request,
    context: str | None,
    dokploy_request: DokployRequest,
    before_effect: Callable[[str], object],
) -> Workflow:
    """Find the lane in its product's profile; a request without a context takes the lane's."""
    profile = absent_is_an_error(
        f"the product {request.product}",
        lambda: record_store.read_product_profile_record(request.product),
    )
    for lane in profile.lanes:
        if lane.instance == request.instance and context in (None, lane.context):
            return Workflow(
                name, record_store, request.product, lane, dokploy_request, before_effect
            )
    raise click.ClickException(
        f"The product {request.product} has no lane {context or '*'}/{request.instance}."
    )


def require_approval(
    run: Workflow, approval: RebuildApproval, mode: str, confirmation: str
) -> None:
    """Launchplane's own checks: a switch, a phrase that never changes, names in its records."""
    lane = run.lane
    if not approval.enabled or approval.data_source_mode != mode:
        raise click.ClickException(f"{lane.context}/{lane.instance} is not enabled for {mode}.")
    if mode not in lane.odoo_data_policy.allowed_rebuild_sources:
        raise click.ClickException(f"The data policy does not list {mode}.")
    if confirmation != approval.confirmation:
        raise click.ClickException(f"Confirm with the phrase: {approval.confirmation}")
    target = absent_is_an_error(
        "the target",
        lambda: run.store.read_dokploy_target_record(
            context_name=lane.context, instance_name=lane.instance
        ),
    )
    if target.target_name != approval.expected_target_name:
        raise click.ClickException(f"The target is called {target.target_name}.")
    if set(target.domains) != set(approval.expected_domains):
        raise click.ClickException(f"The target's domains are {', '.join(target.domains)}.")


def require_artifact(run: Workflow, expected: str) -> None:
    """See that what runs is what the operator thinks runs."""
    inventory = absent_is_an_error(
        "the inventory",
        lambda: run.store.read_environment_inventory(
            context_name=run.lane.context, instance_name=run.lane.instance
        ),
    )
    if inventory.artifact_id != expected:
        raise click.ClickException(f"What runs is {inventory.artifact_id}, not {expected}.")


def verify_health(run: Workflow, request: OdooStableBootstrapRequest) -> None:
    """Wait until the lane answers, and see who it says it is: after the deed, not before."""
    deadline = time.monotonic() + request.health_timeout_seconds
    while (answer := read_health(run.lane.health_url)) is None:
        if time.monotonic() > deadline:
            raise click.ClickException(f"{run.lane.health_url} does not answer.")
        time.sleep(HEALTH_PAUSE)
    if not request.verify_runtime_identity:
        return
    identity = answer.get("runtime_identity")
    said = identity if isinstance(identity, dict) else {}
    for key in ("product", "context", "instance"):
        if said.get(key) != getattr(request, key):
            raise click.ClickException(f"The runtime says that its {key} is {said.get(key)!r}.")


def read_health(url: str) -> dict[str, object] | None:
    """What the lane answers; None while it does not."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            said = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return None
    return said if isinstance(said, dict) else {}


def connected_provider() -> DokployRequest:
    """The provider of a workflow that was given none."""
    provider = _provider.get()
    if provider is None:
        raise click.ClickException("No provider is connected.")
    return provider


def absent_is_an_error(what: str, read: Callable[[], Found]) -> Found:
    """What the store answers; an absent record ends the workflow with a sentence."""
    try:
        return read()
    except FileNotFoundError as error:
        raise click.ClickException(f"Launchplane has no record of {what}.") from error


def allow(effect_name: str, /) -> None:
    """Nobody asked to be asked."""


def note_nothing(phase: str, facts: Mapping[str, object], /) -> None:
    """Nobody asked to be told."""
