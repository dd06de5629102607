"""Launchplane with one lane: its records, a provider, and its six workflows under our wrapper."""

import sys
from collections.abc import Callable
from pathlib import Path

from launchplane_lane_contracts.policy import LiveTarget
from launchplane_lane_contracts.vocabulary import TargetOrigin
from launchplane_lane_driver import launchplane as lane_authority
from launchplane_lane_driver.host import DriverHost
from tests.driver.small_host import SmallHost, SmallLane
from tests.standins import launchplane
from tests.standins.launchplane_records import (
    DokployTarget,
    DokployTargetId,
    FileRecordStore,
    LaneProfile,
    OdooDataPolicy,
    ProductProfile,
    RebuildApproval,
)
from tests.standins.launchplane_requests import (
    DataSourceMode,
    OdooProdBackupRestoreRequest,
    OdooProdPromotionRequest,
    OdooProdRetainedVolumeImportRequest,
    OdooProdRollbackRequest,
    OdooStableBootstrapRequest,
    OdooStableTargetReplacementRequest,
)
from tests.standins.provider import LocalProvider, LocalTarget
from tests.standins.real_workflows import workflow

PHRASE = "yes really"


class Plane:
    """Launchplane with one lane, as loose as its own records let it be."""

    def __init__(self, host: SmallHost, lane: SmallLane) -> None:
        self.host, self.lane = host, lane
        place = lane.lane
        self.provider = LocalProvider()
        self.store = FileRecordStore(host.folder / "launchplane")
        approval = RebuildApproval(
            enabled=True,
            data_source_mode="empty",
            confirmation=PHRASE,
            expected_target_name="the-target",
            expected_domains=("cm.example",),
        )
        profile = LaneProfile(
            instance=place.instance,
            context=place.context,
            odoo_data_policy=OdooDataPolicy(
                data_authority="resettable", allowed_rebuild_sources=("empty",)
            ),
            odoo_stable_bootstrap=approval,
            odoo_prelaunch_rebuild=approval,
        )
        self.store.write_product_profile_record(
            ProductProfile(
                product=place.product, display_name="CM", repository="x/y", lanes=(profile,)
            )
        )
        names = {"context": place.context, "instance": place.instance}
        self.store.write_dokploy_target_record(
            DokployTarget(target_name="the-target", domains=("cm.example",), **names)
        )
        self.store.write_dokploy_target_id_record(DokployTargetId(target_id="t1", **names))
        script = "import sys; print(*sys.argv[1:])"
        self.provider.add(
            LocalTarget(
                target_id="t1",
                name="the-target",
                domains=("cm.example",),
                command=(sys.executable, "-IS", "-c", script),
                environment={},
            )
        )
        self.named = {"product": place.product, **names}
        self.asks_the_provider = False
        """Whether the wrapper is given what reads the live target."""

    def live_target(self) -> LiveTarget:
        """What Launchplane would act on now, as the provider has it."""
        names = {"context_name": self.named["context"], "instance_name": self.named["instance"]}
        record = self.store.read_dokploy_target_id_record(**names)
        found = self.provider.target(record.target_id)
        return LiveTarget(
            target_id=found.target_id,
            name=found.name,
            domains=found.domains,
            read_from=TargetOrigin.PROVIDER,
        )

    def guarded(self, workflow: Callable[..., object], **arguments: object) -> object:
        """Run a workflow under our wrapper."""
        run = lane_authority.guarded(
            workflow,
            host=DriverHost.from_entry_points(),
            host_directory=str(self.host.directory),
            lane=self.lane.lane,
            provider_target=self.live_target if self.asks_the_provider else None,
        )
        return run(control_plane_root=self.host.folder, record_store=self.store, **arguments)

    def bootstrap(self, **more: object) -> object:
        """Begin from empty, in place."""
        return self.guarded(
            workflow("execute_odoo_stable_bootstrap"),
            request=OdooStableBootstrapRequest.model_validate(
                {"confirmation": PHRASE, "verify_health": False, **self.named}
            ),
            dokploy_request=self.provider,
            **more,
        )

    def replacement(self, mode: DataSourceMode = "empty") -> object:
        """Replace the containers, and the data as the mode says."""
        return self.guarded(
            workflow("execute_odoo_stable_target_replacement_apply"),
            request=OdooStableTargetReplacementRequest(
                product=self.named["product"],
                instance=self.named["instance"],
                data_source_mode=mode,
                allow_empty_data=True,
                confirmation=PHRASE,
            ),
            dokploy_request=self.provider,
        )

    def rollback(self) -> object:
        """Deploy an earlier artifact."""
        return self.guarded(
            workflow("execute_odoo_prod_rollback"),
            request=OdooProdRollbackRequest(artifact_id="a", **self.named),
            product=self.named["product"],
        )

    def promotion(self) -> object:
        """Deploy a new one."""
        return self.guarded(
            workflow("execute_odoo_prod_promotion_run"),
            request=OdooProdPromotionRequest(artifact_id="a", **self.named),
            state_dir=Path("/nowhere"),
            database_url="",
        )

    def backup_restore(self) -> object:
        """Put the database on a fresh volume that holds a backup."""
        return self.guarded(
            workflow("execute_odoo_prod_backup_restore_apply"),
            request=OdooProdBackupRestoreRequest(
                backup_record_id="b",
                verification_record_id="v",
                expected_old_db_volume="o",
                expected_new_db_volume="n",
                expected_data_volume="d",
                expected_log_volume="l",
                plan_fingerprint="f",
                confirmation=PHRASE,
                **self.named,
            ),
            operation_id="launchplane-operation",
            phase_checkpoint=launchplane.note_nothing,
        )

    def volume_import(self) -> object:
        """Take a kept volume for a backup."""
        return self.guarded(
            workflow("execute_odoo_prod_retained_volume_backup_import_apply"),
            request=OdooProdRetainedVolumeImportRequest(
                retained_volume="r", plan_fingerprint="f", confirmation=PHRASE, **self.named
            ),
            operation_id="launchplane-operation",
            reviewed_plan={"fingerprint": "f"},
            phase_checkpoint=launchplane.note_nothing,
        )
