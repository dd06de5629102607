"""Launchplane's records, as far as a lane's destruction reads them, and a store of files.

The profile has Launchplane's own rules and nothing of ours: it rejects unknown keys, and it
accepts contradictions, such as authoritative data that may be rebuilt from empty.
"""

import re
from pathlib import Path
from typing import Literal, Protocol, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, model_validator

RebuildSource = Literal["empty", "upstream_restore"]
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Record(BaseModel):
    """Anything that the store keeps."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HealthMonitoring(Record):
    """Who is meant to see the lane."""

    monitoring_intent: Literal["public", "private", "prelaunch"] = "public"


class OdooDataPolicy(Record):
    """What Launchplane notes about a lane's data; most of it is shown and never enforced."""

    data_authority: Literal["unknown", "resettable", "restorable", "authoritative"] = "unknown"
    allowed_rebuild_sources: tuple[RebuildSource, ...] = ()
    upstream_source: str = ""
    requires_backup_before_destroy: bool = True
    requires_restore_proof: bool = True
    requires_runtime_identity: bool = True

    @model_validator(mode="after")
    def _rules(self) -> Self:
        if self.data_authority == "unknown" and self.allowed_rebuild_sources:
            raise ValueError("unknown data authority allows no rebuild source")
        if "upstream_restore" in self.allowed_rebuild_sources and not self.upstream_source:
            raise ValueError("upstream_restore needs upstream_source")
        if self.data_authority == "authoritative" and not (
            self.requires_backup_before_destroy and self.requires_restore_proof
        ):
            raise ValueError("authoritative data needs a backup and a restore proof")
        return self


class RebuildApproval(Record):
    """The switch and the phrase of one kind of rebuild."""

    enabled: bool = False
    approval_issue_url: str = ""
    data_source_mode: Literal["", "existing", "empty", "upstream_restore"] = ""
    confirmation: str = ""
    expected_target_name: str = ""
    expected_domains: tuple[str, ...] = ()


class LaneProfile(Record):
    """One lane of a product."""

    instance: str
    context: str
    base_url: str = ""
    health_url: str = ""
    health_monitoring: HealthMonitoring = HealthMonitoring()
    odoo_data_policy: OdooDataPolicy = OdooDataPolicy()
    odoo_stable_bootstrap: RebuildApproval = RebuildApproval()
    odoo_prelaunch_rebuild: RebuildApproval = RebuildApproval()


class ProductProfile(Record):
    """One product with its lanes."""

    product: str
    display_name: str
    repository: str
    driver_id: str = "odoo"
    lanes: tuple[LaneProfile, ...] = ()


class DokployTarget(Record):
    """What the provider's target of a lane is expected to be called."""

    context: str
    instance: str
    target_name: str
    domains: tuple[str, ...] = ()


class DokployTargetId(Record):
    """The provider's id of a lane's target."""

    context: str
    instance: str
    target_id: str


class EnvironmentInventory(Record):
    """What runs on a lane."""

    context: str
    instance: str
    deployment_record_id: str = ""
    artifact_id: str = ""
    source_git_ref: str = ""


class DeploymentRecord(Record):
    """One workflow that acted, or tried to."""

    record_id: str
    product: str
    context: str
    instance: str
    workflow: str
    status: Literal["pass", "fail"]
    started_at: AwareDatetime
    finished_at: AwareDatetime
    error_message: str = ""


class RecordStore(Protocol):
    """What the workflows ask of a store. FileNotFoundError is raised for what is absent."""

    def read_product_profile_record(self, product: str, /) -> ProductProfile:
        """One product's profile."""

    def read_dokploy_target_record(self, *, context_name: str, instance_name: str) -> DokployTarget:
        """A lane's target."""

    def read_dokploy_target_id_record(
        self, *, context_name: str, instance_name: str
    ) -> DokployTargetId:
        """The id of a lane's target."""

    def read_environment_inventory(
        self, *, context_name: str, instance_name: str
    ) -> EnvironmentInventory:
        """What runs on a lane."""

    def write_deployment_record(self, record: DeploymentRecord, /) -> object:
        """Keep what happened."""


AnyRecord = TypeVar("AnyRecord", bound=Record)


class FileRecordStore:
    """One JSON file for each record, in a folder for each kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write_product_profile_record(self, record: ProductProfile) -> Path:
        """Replace a product's profile: the last writer wins, without history."""
        return self._write("product-profiles", record.product, record)

    def read_product_profile_record(self, product: str, /) -> ProductProfile:
        """One product's profile."""
        return self._read("product-profiles", product, ProductProfile)

    def write_dokploy_target_record(self, record: DokployTarget) -> Path:
        """Replace a lane's target."""
        return self._write("dokploy-targets", lane_name(record.context, record.instance), record)

    def read_dokploy_target_record(self, *, context_name: str, instance_name: str) -> DokployTarget:
        """A lane's target."""
        name = lane_name(context_name, instance_name)
        return self._read("dokploy-targets", name, DokployTarget)

    def write_dokploy_target_id_record(self, record: DokployTargetId) -> Path:
        """Replace the id of a lane's target."""
        return self._write("dokploy-target-ids", lane_name(record.context, record.instance), record)

    def read_dokploy_target_id_record(
        self, *, context_name: str, instance_name: str
    ) -> DokployTargetId:
        """The id of a lane's target."""
        name = lane_name(context_name, instance_name)
        return self._read("dokploy-target-ids", name, DokployTargetId)

    def write_environment_inventory(self, record: EnvironmentInventory) -> Path:
        """Replace what runs on a lane."""
        return self._write("inventory", lane_name(record.context, record.instance), record)

    def read_environment_inventory(
        self, *, context_name: str, instance_name: str
    ) -> EnvironmentInventory:
        """What runs on a lane."""
        name = lane_name(context_name, instance_name)
        return self._read("inventory", name, EnvironmentInventory)

    def write_deployment_record(self, record: DeploymentRecord, /) -> Path:
        """Keep what happened."""
        return self._write("deployments", record.record_id, record)

    def read_deployment_record(self, record_id: str) -> DeploymentRecord:
        """What happened in one deployment."""
        return self._read("deployments", record_id, DeploymentRecord)

    def deployment_records(self) -> list[DeploymentRecord]:
        """All that happened, the oldest first."""
        found = [
            DeploymentRecord.model_validate_json(path.read_text())
            for path in (self.folder / "deployments").glob("*.json")
        ]
        return sorted(found, key=lambda record: record.started_at)

    def _path(self, kind: str, name: str) -> Path:
        if not SAFE_NAME.fullmatch(name):
            raise FileNotFoundError(f"there can't be a record {name!r} in {kind}")
        return self.folder / kind / f"{name}.json"

    def _read(self, kind: str, name: str, model: type[AnyRecord]) -> AnyRecord:
        return model.model_validate_json(self._path(kind, name).read_text())

    def _write(self, kind: str, name: str, record: Record) -> Path:
        path = self._path(kind, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(record.model_dump_json(indent=2) + "\n")
        return path


def lane_name(context: str, instance: str) -> str:
    """The file name of a lane's record."""
    return f"{context}--{instance}"
