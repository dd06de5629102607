"""The lanes that everybody knows by name: what may be done to each, by its effect."""

import pytest

from launchplane_lane_contracts.contract import DatabaseName, FilestorePath
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.evidence import UpstreamDeclaration
from launchplane_lane_contracts.policy import LiveTarget, Policy, ProviderTarget, UpstreamSource
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import (
    DataSource,
    Operation,
    RolloutState,
    TargetOrigin,
)
from launchplane_lane_driver import planning
from launchplane_lane_driver.host import DriverHost
from launchplane_lane_driver.lane_office import utc_now
from launchplane_lane_driver.recording_evidence import record_evidence
from tests.driver.small_host import (
    SmallHost,
    SmallLane,
    production_policy,
    resettable_policy,
    untouched,
)

EMPTY = (Operation.BOOTSTRAP, DataSource.EMPTY)
UPSTREAM = (Operation.RECREATE, DataSource.UPSTREAM_RESTORE)
DESTROYING = (
    ("stable_bootstrap_schedule", ""),
    ("target_replacement_raw_source", "empty"),
    ("target_replacement_raw_source", "upstream_restore"),
    ("prod_backup_restore_volumes", ""),
    ("prod_promotion_deploy", ""),
    ("prod_rollback_deploy", ""),
)
OLD_SERVER = UpstreamSource(
    name="the old server",
    host="old.example",
    database=DatabaseName("opw"),
    filestore_path=FilestorePath("/old/filestore"),
)


def refuses_everything(host: SmallHost, lane: SmallLane, *codes: ReasonCode) -> None:
    """Neither a plan nor any workflow gets anywhere, and nothing is changed."""
    drivers = DriverHost.from_entry_points()
    with untouched(lane):
        for request in (EMPTY, (Operation.RECREATE, DataSource.EMPTY), UPSTREAM):
            made = drivers.review(str(host.directory), host.request(lane, *request))
            assert not made.decision.allowed
            assert set(codes) <= {each.code for each in made.decision.reasons}
            with pytest.raises(Refused):
                drivers.authorize(str(host.directory), made.plan_digest)
        for effect, mode in DESTROYING:
            with pytest.raises(Refused, match=ReasonCode.NO_OPERATION_AUTHORIZED):
                drivers.before_provider_effect(str(host.directory), lane.lane, effect, mode)


def test_cm_is_filled_from_nothing_and_syo_is_none_the_looser(
    host: SmallHost, lane: SmallLane, production: SmallLane
) -> None:
    before, others = lane.data(), production.data()
    settled = host.rebuild(lane)
    # Both lie on one server, of which the rebuild changed one database.
    assert production.data() == others
    assert host.phase(settled) == "settled"
    assert settled.kept_name is not None
    assert lane.kept_data(settled.kept_name) == before
    refuses_everything(host, production, ReasonCode.SOURCE_NOT_ALLOWED)


def test_opw_is_filled_from_nothing_or_from_its_old_server(host: SmallHost) -> None:
    opw = host.add_lane("opw")
    host.record_policy(
        resettable_policy(opw.lane, restore_from_upstream_allowed=True, upstream_source=OLD_SERVER)
    )
    host.enrol(opw)
    assert host.plan(opw, *EMPTY).decision.allowed
    with untouched(opw):
        codes = {each.code for each in host.plan(opw, *UPSTREAM).decision.reasons}
        assert codes == {ReasonCode.SOURCE_UNDECLARED}
        opw.declare(OLD_SERVER)
        other = OLD_SERVER.model_copy(update={"host": "other.example"})
        for source, said in ((other, {ReasonCode.SOURCE_DISAGREES}), (OLD_SERVER, set())):
            record_evidence(
                host.office,
                UpstreamDeclaration(lane=opw.lane, source=source, declared_at=utc_now()),
            )
            made = host.plan(opw, *UPSTREAM)
            assert {each.code for each in made.decision.reasons} == said
    before = opw.data()
    held = planning.authorize(host.office, made.plan_digest)
    DriverHost.from_entry_points().before_provider_effect(
        str(host.directory), opw.lane, "target_replacement_raw_source", "upstream_restore"
    )
    begun = host.office.store.operation(held.operation_id)
    assert begun.phase == "begun"
    assert begun.kept_name is not None
    assert opw.kept_data(begun.kept_name) == before


@pytest.mark.parametrize("context", ["syo", "verireel"])
def test_real_production_is_not_recreated(host: SmallHost, context: str) -> None:
    lane = host.add_lane(context)
    host.record_policy(production_policy(lane.lane))
    host.enrol(lane)
    refuses_everything(host, lane, ReasonCode.SOURCE_NOT_ALLOWED)


def test_a_lane_that_nobody_recorded(host: SmallHost, bare: SmallLane) -> None:
    refuses_everything(host, bare, ReasonCode.POLICY_UNKNOWN)


def test_a_lane_of_which_only_the_state_is_recorded(host: SmallHost, bare: SmallLane) -> None:
    host.record_policy(Policy(lane=bare.lane, rollout_state=RolloutState.TESTING))
    refuses_everything(host, bare, ReasonCode.SOURCE_NOT_ALLOWED)


def test_another_provider_target_is_refused(host: SmallHost, bare: SmallLane) -> None:
    own = {"target_id": "t1", "name": "cm-prod", "domains": ("cm.example",)}
    host.record_policy(
        resettable_policy(bare.lane, provider_target=ProviderTarget.model_validate(own))
    )
    host.enrol(bare)

    def codes(**changed: object) -> set[ReasonCode]:
        plain = {"read_from": TargetOrigin.PROVIDER, **own, **changed}
        target = LiveTarget.model_validate(plain)
        made = host.plan(bare, *EMPTY, provider_target=target)
        if not made.decision.allowed:
            with pytest.raises(Refused):
                planning.authorize(host.office, made.plan_digest)
        return {each.code for each in made.decision.reasons}

    with untouched(bare):
        assert codes() == set()
        for changed in ({"target_id": "t2"}, {"name": "syo-prod"}, {"domains": ("syo.example",)}):
            assert codes(**changed) == {ReasonCode.PROVIDER_TARGET_DIFFERS}
        assert codes(read_from=TargetOrigin.RECORD) == {ReasonCode.PROVIDER_TARGET_NOT_LIVE}
        unnamed = host.plan(bare, *EMPTY).decision.reasons
        assert {each.code for each in unnamed} == {ReasonCode.PROVIDER_TARGET_UNKNOWN}
