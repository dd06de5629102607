"""Launchplane's six workflows under our checkpoint: nothing authorized, nothing done."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import click
import pytest

from launchplane_lane_contracts.policy import ProviderTarget
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, Operation, TargetOrigin
from launchplane_lane_driver import launchplane as lane_authority
from launchplane_lane_driver.effects import BEGINNING_EFFECTS
from launchplane_lane_driver.host import DriverHost
from tests.driver.plane import PHRASE, Plane
from tests.driver.small_host import (
    SmallHost,
    SmallLane,
    production_policy,
    refused,
    resettable_policy,
    untouched,
)
from tests.standins import launchplane
from tests.standins.launchplane_records import DokployTargetId
from tests.standins.launchplane_requests import OdooStableBootstrapResult

DESTROYING = {
    launchplane.BOOTSTRAP_SCHEDULE,
    launchplane.TARGET_REPLACEMENT_SOURCE,
    launchplane.ROLLBACK_DEPLOY,
    launchplane.PROMOTION_DEPLOY,
    launchplane.BACKUP_RESTORE_VOLUMES,
    launchplane.RETAINED_VOLUME_IMPORT,
}


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


def test_a_refusal_reads_well_where_bootstrap_returns_it(host: SmallHost, bare: SmallLane) -> None:
    """Launchplane shows `error_message` to people: every reason, each with its way on."""
    plane = Plane(host, bare)
    words = refused_by(plane, Plane.bootstrap)
    lines = words.splitlines()
    assert lines[0] == "The lane authority said no."
    assert lines[1].startswith(
        f"- {ReasonCode.NO_OPERATION_AUTHORIZED}: No operation is authorized"
    )
    assert lines[2].startswith("  Way on: Plan the operation and authorize it")
    host.record_policy(resettable_policy(bare.lane))
    host.enrol(bare)
    host.authorize(bare)
    host.record_policy(production_policy(bare.lane))
    bare.filestore.rename(bare.filestore.with_name("elsewhere"))
    words = refused_by(plane, Plane.bootstrap)
    reasons = [line for line in words.splitlines() if line.startswith("- ")]
    ways_on = [line for line in words.splitlines() if line.startswith("  Way on: ")]
    assert len(reasons) == len(ways_on) > 1
    assert {line[2:].split(":")[0] for line in reasons} <= set(ReasonCode)
    assert PHRASE not in words
    assert "Traceback" not in words


def test_a_checkpoint_of_launchplanes_own_is_asked_first(plane: Plane) -> None:
    asked: list[str] = []

    def no(effect: str) -> None:
        asked.append(effect)
        raise click.ClickException("not today")

    held = plane.host.authorize(plane.lane)
    with untouched(plane.lane):
        result = plane.bootstrap(provider_effect_checkpoint=no)
    assert isinstance(result, OdooStableBootstrapResult)
    assert (result.error_message, asked) == ("not today", [launchplane.BOOTSTRAP_SCHEDULE])
    assert plane.host.phase(held) == "authorized"


def test_no_report_of_success_is_no_success() -> None:
    def result(**status: object) -> object:
        return SimpleNamespace(**status)

    assert lane_authority.reported_success(result(status="pass"))
    assert lane_authority.reported_success(result(bootstrap_status="pass", health_status="pass"))
    for bad in (
        None,
        object(),
        result(status="fail"),
        result(status=True),
        result(status="pass", health_status="uncertain"),
        result(message="pass"),
    ):
        assert not lane_authority.reported_success(bad)


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


def test_nothing_begins_on_another_target_than_the_policys(plane: Plane) -> None:
    host, lane = plane.host, plane.lane
    own = plane.live_target()
    named = ProviderTarget(target_id=own.target_id, name=own.name, domains=own.domains)
    host.record_policy(resettable_policy(lane.lane, provider_target=named))
    operation = host.authorize(lane, Operation.RECREATE, DataSource.EMPTY, provider_target=own)
    assert ReasonCode.PROVIDER_TARGET_UNKNOWN in refused_by(plane, Plane.replacement)
    # Since the plan, Launchplane's record of the lane has come to point at production.
    names = {"context": lane.lane.context, "instance": lane.lane.instance}
    plane.provider.add(replace(plane.provider.target(own.target_id), target_id="t2"))
    plane.store.write_dokploy_target_id_record(DokployTargetId(target_id="t2", **names))
    plane.asks_the_provider = True
    with untouched(lane):
        assert ReasonCode.PROVIDER_TARGET_DIFFERS in refused_by(plane, Plane.replacement)
    assert host.phase(operation) == "authorized"
    plane.store.write_dokploy_target_id_record(DokployTargetId(target_id="gone", **names))
    assert "gone" in refused_by(plane, Plane.replacement)
    plane.live_target = lambda: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    assert "could not be asked" in refused_by(plane, Plane.replacement)
    # What somebody typed, or took from a record, is not read live; the lane's own target is.
    words = (str(host.directory), lane.lane, launchplane.TARGET_REPLACEMENT_SOURCE, "empty", None)
    for said in (TargetOrigin.TYPED, TargetOrigin.RECORD):
        with untouched(lane), refused(ReasonCode.PROVIDER_TARGET_NOT_LIVE):
            told = own.model_copy(update={"read_from": said})
            DriverHost.from_entry_points().before_provider_effect(*words, told)
    DriverHost.from_entry_points().before_provider_effect(*words, own)
    assert host.phase(operation) == "begun"


def test_a_success_of_which_the_checkpoint_never_heard_is_none(plane: Plane) -> None:
    operation = plane.host.authorize(plane.lane)
    done: list[str] = []

    def execute(**_arguments: object) -> object:
        done.append("an effect")
        return SimpleNamespace(bootstrap_status="pass")

    request = SimpleNamespace(**plane.lane.lane.to_plain(), data_source_mode="empty")
    with pytest.raises(click.ClickException, match="never asked"):
        plane.guarded(execute, request=request)
    assert done
    assert plane.host.phase(operation) == "authorized"


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
