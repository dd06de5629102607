"""Launchplane's stand-in: when it asks, what it does then, and what it does with a refusal."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import pytest

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
    OdooStableTargetReplacementRequest,
)
from tests.standins.provider import LocalProvider, LocalTarget

PRODUCT = "odoo-tenant-cm"
POST_DEPLOY = ["asked post_deploy_schedule", "asked post_deploy_run", "--post-deploy-maintenance"]
BOOTSTRAP = OdooStableBootstrapRequest(
    product=PRODUCT, context="cm", instance="prod", confirmation="a phrase", verify_health=False
)


class Estate:
    """One lane whose provider notes, in order, what it is asked and what it does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.happened: list[str] = []
        self.exit_code = 0
        self.refused_effect = ""
        self.store = FileRecordStore(folder)
        approval = RebuildApproval(
            enabled=True,
            data_source_mode="empty",
            confirmation="a phrase",
            expected_target_name="cm-prod",
            expected_domains=("cm.example",),
        )
        self.store.write_product_profile_record(
            ProductProfile(
                product=PRODUCT,
                display_name="CM",
                repository="example/odoo-tenant-cm",
                lanes=(
                    LaneProfile(
                        instance="prod",
                        context="cm",
                        odoo_data_policy=OdooDataPolicy(
                            data_authority="restorable",
                            allowed_rebuild_sources=("empty", "upstream_restore"),
                            upstream_source="old server",
                        ),
                        odoo_stable_bootstrap=approval,
                        odoo_prelaunch_rebuild=approval.model_copy(
                            update={"data_source_mode": "upstream_restore"}
                        ),
                    ),
                ),
            )
        )
        self.store.write_dokploy_target_record(
            DokployTarget(
                context="cm", instance="prod", target_name="cm-prod", domains=("cm.example",)
            )
        )
        self.store.write_dokploy_target_id_record(
            DokployTargetId(context="cm", instance="prod", target_id="t1")
        )
        self.provider = LocalProvider(echo=self.happened.append)
        self.provider.add(self.target())

    def target(self) -> LocalTarget:
        """A target whose script says its flags and ends as told."""
        script = "import sys; print(*sys.argv[2:] or ['no flag']); sys.exit(int(sys.argv[1]))"
        return LocalTarget(
            target_id="t1",
            name="cm-prod",
            domains=("cm.example",),
            command=(sys.executable, "-c", script, str(self.exit_code)),
            environment={},
            stop=lambda: self.happened.append("stop"),
            start=lambda: self.happened.append("start"),
            take_identity=lambda identity: self.happened.append("identity"),
            put_on_volumes=lambda volumes: self.happened.append("volumes"),
        )

    def checkpoint(self, effect_name: str) -> None:
        """Note the question; refuse one of them."""
        if effect_name == self.refused_effect:
            raise click.ClickException("the lane authority refuses")
        self.happened.append(f"asked {effect_name}")

    def phase_checkpoint(self, phase: str, effect_name: str) -> None:
        """The same with a phase."""
        self.checkpoint(effect_name)

    def phase(self, phase: str, facts: Mapping[str, object]) -> None:
        """Note the phase."""
        self.happened.append(f"phase {phase}")


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return Estate(tmp_path)


def bootstrap(estate: Estate, request: OdooStableBootstrapRequest = BOOTSTRAP) -> tuple[str, str]:
    result = launchplane.execute_odoo_stable_bootstrap(
        control_plane_root=estate.folder,
        record_store=estate.store,
        request=request,
        dokploy_request=estate.provider,
        provider_effect_checkpoint=estate.checkpoint,
    )
    kept = estate.store.read_deployment_record(result.deployment_record_id)
    assert (kept.status, kept.error_message) == (result.bootstrap_status, result.error_message)
    return result.bootstrap_status, result.error_message


def replace(estate: Estate, mode: str) -> None:
    launchplane.execute_odoo_stable_target_replacement_apply(
        control_plane_root=estate.folder,
        record_store=estate.store,
        request=OdooStableTargetReplacementRequest.model_validate(
            {
                "product": PRODUCT,
                "instance": "prod",
                "data_source_mode": mode,
                "confirmation": "a phrase",
            }
        ),
        dokploy_request=estate.provider,
        provider_effect_checkpoint=estate.checkpoint,
    )


def test_bootstrap_asks_just_before_the_script_runs(estate: Estate) -> None:
    assert bootstrap(estate) == ("pass", "")
    assert estate.happened == [
        "asked stable_bootstrap_schedule",
        *("stop", "--bootstrap", "start"),
        *POST_DEPLOY,
    ]


def test_bootstrap_returns_a_refusal_as_a_failed_result(estate: Estate) -> None:
    estate.refused_effect = "stable_bootstrap_schedule"
    assert bootstrap(estate) == ("fail", "the lane authority refuses")
    assert estate.happened == []
    assert estate.provider.calls == []


def test_bootstrap_fails_with_the_script_and_starts_odoo_all_the_same(estate: Estate) -> None:
    estate.exit_code = 20
    estate.provider.add(estate.target())
    assert bootstrap(estate) == ("fail", "Schedule bootstrap ended with code 20: --bootstrap")
    assert estate.happened[-1] == "start"
    assert estate.provider.runs[0].exit_code == 20


def test_bootstrap_wants_its_phrase(estate: Estate) -> None:
    with pytest.raises(click.ClickException, match="phrase"):
        bootstrap(estate, BOOTSTRAP.model_copy(update={"confirmation": "another"}))
    assert estate.happened == []


@pytest.mark.parametrize(
    ("instance", "answer"),
    [
        ("prod", ("pass", "")),
        ("testing", ("fail", "The runtime says that its instance is 'testing'.")),
    ],
)
def test_bootstrap_looks_at_the_identity_only_afterwards(
    estate: Estate, tmp_path: Path, instance: str, answer: tuple[str, str]
) -> None:
    health = tmp_path / "health.json"
    identity = {"product": PRODUCT, "context": "cm", "instance": instance}
    health.write_text(json.dumps({"runtime_identity": identity}))
    profile = estate.store.read_product_profile_record(PRODUCT)
    lane = profile.lanes[0].model_copy(update={"health_url": health.as_uri()})
    estate.store.write_product_profile_record(profile.model_copy(update={"lanes": (lane,)}))
    assert bootstrap(estate, BOOTSTRAP.model_copy(update={"verify_health": True})) == answer
    assert "--bootstrap" in estate.happened


def test_replacement_starts_new_containers_before_it_restores(estate: Estate) -> None:
    replace(estate, "upstream_restore")
    assert estate.happened == [
        "asked target_replacement_raw_source",
        *("identity", "stop", "start"),
        *("stop", "no flag", "start"),
        *POST_DEPLOY,
    ]


def test_replacement_lets_a_refusal_through(estate: Estate) -> None:
    estate.refused_effect = "target_replacement_raw_source"
    with pytest.raises(click.ClickException, match="the lane authority refuses"):
        replace(estate, "existing")
    assert estate.provider.calls == []
    assert [record.status for record in estate.store.deployment_records()] == ["fail"]


def run_other(estate: Estate, name: str) -> None:
    lane = {"product": PRODUCT, "context": "cm", "instance": "prod"}
    phases = {
        "operation_id": "o1",
        "phase_checkpoint": estate.phase,
        "provider_effect_checkpoint": estate.phase_checkpoint,
    }
    volumes = {f"expected_{each}_volume": each for each in ("old_db", "new_db", "data", "log")}
    marks = {"plan_fingerprint": "f", "confirmation": "c"}
    backup = {"backup_record_id": "b", "verification_record_id": "v"}
    plain = {"provider_effect_checkpoint": estate.checkpoint}
    requests: dict[str, tuple[object, dict[str, object]]] = {
        "execute_odoo_prod_rollback": (
            OdooProdRollbackRequest.model_validate({**lane, "artifact_id": "a"}),
            {"product": PRODUCT, **plain},
        ),
        "execute_odoo_prod_promotion_run": (
            OdooProdPromotionRequest.model_validate({**lane, "artifact_id": "a"}),
            {"state_dir": estate.folder, "database_url": "", **plain},
        ),
        "execute_odoo_prod_backup_restore_apply": (
            OdooProdBackupRestoreRequest.model_validate(lane | volumes | marks | backup),
            dict(phases),
        ),
        "execute_odoo_prod_retained_volume_backup_import_apply": (
            OdooProdRetainedVolumeImportRequest.model_validate(
                lane | marks | {"retained_volume": "r"}
            ),
            {"reviewed_plan": {"fingerprint": "f"}, **phases},
        ),
    }
    request, arguments = requests[name]
    with launchplane.provider_connected(estate.provider):
        getattr(launchplane, name)(
            control_plane_root=estate.folder,
            record_store=estate.store,
            request=request,
            **arguments,
        )


OTHERS = pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("execute_odoo_prod_rollback", launchplane.ROLLBACK_DEPLOY),
        ("execute_odoo_prod_promotion_run", launchplane.PROMOTION_DEPLOY),
        ("execute_odoo_prod_backup_restore_apply", launchplane.BACKUP_RESTORE_VOLUMES),
        (
            "execute_odoo_prod_retained_volume_backup_import_apply",
            launchplane.RETAINED_VOLUME_IMPORT,
        ),
    ],
)


@OTHERS
def test_the_others_ask_before_they_act(estate: Estate, name: str, effect: str) -> None:
    run_other(estate, name)
    asked = estate.happened.index(f"asked {effect}")
    assert asked < estate.happened.index("stop")
    assert estate.happened[-1] == "--post-deploy-maintenance"


@OTHERS
def test_the_others_let_a_refusal_through(estate: Estate, name: str, effect: str) -> None:
    estate.refused_effect = effect
    with pytest.raises(click.ClickException, match="the lane authority refuses"):
        run_other(estate, name)
    assert estate.provider.calls == []


def test_what_is_absent_is_a_file_not_found(estate: Estate) -> None:
    with pytest.raises(FileNotFoundError):
        estate.store.read_product_profile_record("odoo-tenant-nobody")
    with pytest.raises(FileNotFoundError):
        estate.store.read_environment_inventory(context_name="cm", instance_name="prod")
    with pytest.raises(FileNotFoundError):
        estate.store.read_product_profile_record("../dokploy-targets/cm--prod")
