"""What Launchplane's workflows are asked, and what they answer."""

from collections.abc import Mapping
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

DataSourceMode = Literal["existing", "empty", "upstream_restore"]


class Request(BaseModel):
    """What every workflow is asked: which product, and which of its lanes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: str
    instance: str


class OdooStableBootstrapRequest(Request):
    """Begin a stable lane from empty."""

    context: str
    confirmation: str
    verify_health: bool = True
    verify_runtime_identity: bool = True
    timeout_seconds: int = 3600
    health_timeout_seconds: int = 120


class OdooStableTargetReplacementRequest(Request):
    """Replace a stable lane's containers, and its data where the mode says so."""

    strategy: str = "raw_compose"
    allow_empty_data: bool = False
    data_source_mode: DataSourceMode = "existing"
    confirmation: str = ""
    artifact_id: str = ""
    source_git_ref: str = ""
    expected_current_artifact_id: str = ""


class OdooProdRollbackRequest(Request):
    """Go back to an earlier artifact."""

    context: str
    artifact_id: str


class OdooProdPromotionRequest(Request):
    """Bring an artifact to production."""

    context: str
    artifact_id: str
    source_git_ref: str = ""


class OdooProdBackupRestoreRequest(Request):
    """Put production on new volumes that hold a backup."""

    context: str
    backup_record_id: str
    verification_record_id: str
    expected_old_db_volume: str
    expected_new_db_volume: str
    expected_data_volume: str
    expected_log_volume: str
    plan_fingerprint: str
    confirmation: str


class OdooProdRetainedVolumeImportRequest(Request):
    """Take a volume that was kept for a backup."""

    context: str
    retained_volume: str
    plan_fingerprint: str
    confirmation: str


class Result(BaseModel):
    """What a workflow answers when it was not stopped."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: str
    context: str
    instance: str
    deployment_record_id: str


class OdooStableBootstrapResult(Result):
    """How a bootstrap ended; a refusal at its checkpoint ends here as well."""

    bootstrap_status: Literal["pass", "fail"]
    error_message: str = ""


class WorkflowResult(Result):
    """How another workflow ended; one that fails raises instead."""

    status: Literal["pass", "uncertain"] = "pass"
    error_message: str = ""


class DokployRequest(Protocol):
    """One call to the provider, which raises click.ClickException when it goes wrong."""

    def __call__(
        self, *, method: str, path: str, payload: Mapping[str, object]
    ) -> Mapping[str, object]:
        """Make the call and return the provider's answer."""


class EffectCheckpoint(Protocol):
    """Called just before a provider effect; raising click.ClickException stops the workflow."""

    def __call__(self, effect_name: str, /) -> object:
        """Let the effect happen, or raise."""


class PhaseEffectCheckpoint(Protocol):
    """The same in the workflows that have phases."""

    def __call__(self, phase: str, effect_name: str, /) -> object:
        """Let the effect happen, or raise."""


class PhaseCheckpoint(Protocol):
    """Called when a phase is reached, with what is known then."""

    def __call__(self, phase: str, facts: Mapping[str, object], /) -> object:
        """Note the phase."""
