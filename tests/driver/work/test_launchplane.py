"""Launchplane's six workflows under our checkpoint: nothing authorized, nothing done."""

import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, Operation
from launchplane_lane_driver import launchplane as lane_authority
from launchplane_lane_driver.effects import BEGINNING_EFFECTS
from launchplane_lane_driver.host import DriverHost
from tests.driver.small_host import SmallHost, SmallLane, untouched
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
    OdooProdBackupRestoreRequest,
    OdooProdPromotionRequest,
    OdooProdRetainedVolumeImportRequest,
    OdooProdRollbackRequest,
    OdooStableBootstrapRequest,
    OdooStableBootstrapResult,
    OdooStableTargetReplacementRequest,
)
from tests.standins.provider import LocalProvider, LocalTarget

PHRASE = "yes really"
DESTROYING = {
    launchplane.BOOTSTRAP_SCHEDULE,
    launchplane.TARGET_REPLACEMENT_SOURCE,
    launchplane.ROLLBACK_DEPLOY,
    launchplane.PROMOTION_DEPLOY,
    launchplane.BACKUP_RESTORE_VOLUMES,
    launchplane.RETAINED_VOLUME_IMPORT,
}


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

    def guarded(self, workflow: Callable[..., object], **arguments: object) -> object:
        """Run a workflow under our wrapper."""
        run = lane_authority.guarded(
            workflow,
            host=DriverHost.from_entry_points(),
            host_directory=str(self.host.directory),
            lane=self.lane.lane,
            succeeded=lambda result: getattr(result, "bootstrap_status", "pass") == "pass",
        )
        return run(control_plane_root=self.host.folder, record_store=self.store, **arguments)

    def bootstrap(self) -> object:
        return self.guarded(
            launchplane.execute_odoo_stable_bootstrap,
            request=OdooStableBootstrapRequest.model_validate(
                {"confirmation": PHRASE, "verify_health": False, **self.named}
            ),
            dokploy_request=self.provider,
        )

    def replacement(self) -> object:
        return self.guarded(
            launchplane.execute_odoo_stable_target_replacement_apply,
            request=OdooStableTargetReplacementRequest(
                product=self.named["product"],
                instance=self.named["instance"],
                data_source_mode="empty",
                allow_empty_data=True,
                confirmation=PHRASE,
            ),
            dokploy_request=self.provider,
        )

    def rollback(self) -> object:
        return self.guarded(
            launchplane.execute_odoo_prod_rollback,
            request=OdooProdRollbackRequest(artifact_id="a", **self.named),
            product=self.named["product"],
        )

    def promotion(self) -> object:
        return self.guarded(
            launchplane.execute_odoo_prod_promotion_run,
            request=OdooProdPromotionRequest(artifact_id="a", **self.named),
            state_dir=Path("/nowhere"),
            database_url="",
        )

    def backup_restore(self) -> object:
        return self.guarded(
            launchplane.execute_odoo_prod_backup_restore_apply,
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
        return self.guarded(
            launchplane.execute_odoo_prod_retained_volume_backup_import_apply,
            request=OdooProdRetainedVolumeImportRequest(
                retained_volume="r", plan_fingerprint="f", confirmation=PHRASE, **self.named
            ),
            operation_id="launchplane-operation",
            reviewed_plan={"fingerprint": "f"},
            phase_checkpoint=launchplane.note_nothing,
        )


WORKFLOWS: tuple[Callable[[Plane], object], ...] = (
    Plane.bootstrap,
    Plane.replacement,
    Plane.rollback,
    Plane.promotion,
    Plane.backup_restore,
    Plane.volume_import,
)


@pytest.fixture
def plane(host: SmallHost, lane: SmallLane) -> Plane:
    return Plane(host, lane)


def refused_by(plane: Plane, workflow: Callable[[Plane], object]) -> str:
    """The words with which a workflow was stopped before it called the provider."""
    plane.provider.calls.clear()
    try:
        with launchplane.provider_connected(plane.provider):
            result = workflow(plane)
    except click.ClickException as stopped:
        words = stopped.message
    else:
        assert isinstance(result, OdooStableBootstrapResult)
        assert result.bootstrap_status == "fail"
        words = result.error_message
    assert plane.provider.calls == []
    assert plane.provider.runs == []
    return words


def test_nothing_authorized_stops_every_workflow(plane: Plane) -> None:
    with untouched(plane.lane):
        for workflow in WORKFLOWS:
            assert ReasonCode.NO_OPERATION_AUTHORIZED in refused_by(plane, workflow), workflow


def test_leave_to_keep_the_data_opens_no_workflow_that_drops_it(plane: Plane) -> None:
    held = plane.host.authorize(plane.lane, Operation.RECREATE, DataSource.EXISTING)
    with untouched(plane.lane):
        for workflow in (Plane.bootstrap, Plane.backup_restore):
            assert ReasonCode.NO_OPERATION_AUTHORIZED in refused_by(plane, workflow)
    assert plane.host.phase(held) == "authorized"


def test_leave_to_replace_the_data_opens_no_other_workflow(plane: Plane) -> None:
    held = plane.host.authorize(plane.lane)
    with untouched(plane.lane):
        for workflow in WORKFLOWS[1:]:
            assert ReasonCode.NO_OPERATION_AUTHORIZED in refused_by(plane, workflow), workflow
    assert plane.host.phase(held) == "authorized"


def test_a_later_effect_begins_nothing(plane: Plane) -> None:
    host, lane = plane.host, plane.lane
    check = lane_authority.checkpoint(
        DriverHost.from_entry_points(), str(host.directory), lane.lane
    )
    operation = host.authorize(lane)
    with untouched(lane), pytest.raises(click.ClickException, match=ReasonCode.PERMIT_NOT_BEGUN):
        check(launchplane.POST_DEPLOY_RUN)
    check("volumes", launchplane.BOOTSTRAP_SCHEDULE)
    begun = host.office.store.operation(operation.operation_id)
    assert begun.phase == "begun"
    lane.materialise()
    entries = len(host.office.store.ledger_entries())
    with untouched(lane):
        check(launchplane.POST_DEPLOY_SCHEDULE)
        check("post_deploy", launchplane.POST_DEPLOY_RUN)
        # A second run of the workflow would drop what the first one left.
        with pytest.raises(click.ClickException, match=ReasonCode.PERMIT_ALREADY_BEGUN):
            check(launchplane.BOOTSTRAP_SCHEDULE)
    assert host.office.store.operation(operation.operation_id) == begun
    assert len(host.office.store.ledger_entries()) == entries


def test_the_wrapper_settles_what_went_well(plane: Plane) -> None:
    operation = plane.host.authorize(plane.lane, Operation.RECREATE, DataSource.EXISTING)
    with launchplane.provider_connected(plane.provider):
        plane.promotion()
    assert plane.host.phase(operation) == "settled"
    assert [each.mode for each in plane.provider.runs] == ["update-only", "post-deploy-maintenance"]


def test_the_wrapper_settles_nothing_that_did_not(plane: Plane) -> None:
    operation = plane.host.authorize(plane.lane)
    before = plane.lane.data()
    # This script makes no data, and Launchplane believes that it did.
    with pytest.raises(click.ClickException, match=ReasonCode.RESULT_NOT_AS_PERMITTED):
        plane.bootstrap()
    assert plane.host.phase(operation) == "begun"
    assert plane.host.operate("undo", operation.operation_id).code == 0
    assert plane.lane.data() == before


def test_the_beginning_effects_are_exactly_the_destroying_ones() -> None:
    assert set(BEGINNING_EFFECTS) == DESTROYING
    named = {
        value
        for name, value in vars(launchplane).items()
        if name.isupper() and isinstance(value, str)
    }
    later = {launchplane.POST_DEPLOY_SCHEDULE, launchplane.POST_DEPLOY_RUN}
    assert named == DESTROYING | later
    assert not later & set(BEGINNING_EFFECTS)


@pytest.mark.parametrize("mode", ["empty", "upstream_restore", ""])
def test_leave_to_keep_the_data_opens_no_replacement_that_drops_it(plane: Plane, mode: str) -> None:
    host, lane = plane.host, plane.lane
    held = host.authorize(lane, Operation.RECREATE, DataSource.EXISTING)
    check = lane_authority.checkpoint(
        DriverHost.from_entry_points(), str(host.directory), lane.lane, data_source=mode
    )
    with (
        untouched(lane),
        pytest.raises(click.ClickException, match=ReasonCode.NO_OPERATION_AUTHORIZED),
    ):
        check(launchplane.TARGET_REPLACEMENT_SOURCE)
    assert host.phase(held) == "authorized"


def test_a_request_for_another_lane_is_not_started(plane: Plane) -> None:
    plane.host.authorize(plane.lane)
    plane.named["product"] = "odoo-tenant-other"
    with untouched(plane.lane), pytest.raises(click.ClickException, match="Nothing was started"):
        plane.bootstrap()
    assert plane.provider.calls == []
