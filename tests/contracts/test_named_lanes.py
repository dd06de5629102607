"""What may be done to each of the lanes that the project knows by name."""

from dataclasses import replace
from datetime import timedelta

import pytest

from launchplane_lane_contracts.policy import Policy
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, Operation

from .cases import PAIRS, SOURCES_OF_AUTHORITATIVE_LANES, Case, allowed_case, changed
from .named_lanes import (
    CM,
    OPW,
    OPW_UPSTREAM,
    PROVISIONAL_UNTIL,
    SPARSE,
    SYO,
    UNRECORDED_LANE,
    VERIREEL,
)

OWN = SOURCES_OF_AUTHORITATIVE_LANES
ONE_SECOND = timedelta(seconds=1)
EMPTY_OFF = ("bootstrap_empty_allowed", False)
UPSTREAM_OFF = ("restore_from_upstream_allowed", False)


def sources_allowed(policy: Policy, *, at_expiry: timedelta | None = None) -> set[DataSource]:
    """The sources that a healthy lane with data under this policy may be rebuilt from."""
    allowed = set()
    for operation, source in PAIRS:
        case = healthy(allowed_case(operation, source, policy.lane), policy)
        if at_expiry is not None:
            case = moved_to(case, PROVISIONAL_UNTIL + at_expiry - case.now)
        if case.decide().allowed:
            allowed.add(source)
    return allowed


def healthy(case: Case, policy: Policy) -> Case:
    """The case under another policy of its lane, with the tenant's declaration agreeing."""
    case = replace(case, policy=policy)
    if case.request.data_source is DataSource.UPSTREAM_RESTORE:
        case = case.change("observation.incoming.declared_upstream", OPW_UPSTREAM)
    return case


def moved_to(case: Case, later: timedelta) -> Case:
    """The same case later, with evidence and signatures that are as fresh as they were."""
    seen = case.observation
    gate, proof = seen.present.gate, seen.present.data_proof
    assert gate is not None
    assert proof is not None
    return case.change_all(
        {
            "now": case.now + later,
            "observation.present.gate.snapshot_at": gate.snapshot_at + later,
            "observation.present.data_proof.proven_at": proof.proven_at + later,
            "observation.approvals": tuple(
                each.model_copy(update={"signed_at": each.signed_at + later})
                for each in seen.approvals
            ),
        }
    )


def test_cm_may_be_reset_from_empty_and_from_its_own_data() -> None:
    assert sources_allowed(CM) == OWN | {DataSource.EMPTY}


def test_opw_may_come_from_its_old_server_or_from_empty() -> None:
    assert sources_allowed(OPW) == set(DataSource)


@pytest.mark.parametrize("policy", [SYO, VERIREEL], ids=["syo", "verireel"])
def test_real_production_comes_back_from_its_own_data_only(policy: Policy) -> None:
    assert sources_allowed(policy) == OWN


def test_a_lane_with_nothing_but_its_state_is_protected_like_production() -> None:
    assert SPARSE.authoritative_data
    assert sources_allowed(SPARSE) == OWN


def test_a_lane_that_nobody_recorded_is_allowed_nothing() -> None:
    for pair in PAIRS:
        case = replace(allowed_case(*pair, UNRECORDED_LANE), policy=None)
        assert [each.code for each in case.decide().reasons] == [ReasonCode.POLICY_UNKNOWN]


@pytest.mark.parametrize("policy", [CM, OPW], ids=["cm", "opw"])
def test_a_provisional_lane_is_production_from_the_second_that_was_recorded(
    policy: Policy,
) -> None:
    before = sources_allowed(policy, at_expiry=-ONE_SECOND)
    assert DataSource.EMPTY in before
    assert sources_allowed(policy, at_expiry=timedelta(0)) == OWN
    assert sources_allowed(policy, at_expiry=ONE_SECOND) == OWN


@pytest.mark.parametrize(
    ("field", "source"),
    [
        ("bootstrap_empty_allowed", DataSource.EMPTY),
        ("restore_from_upstream_allowed", DataSource.UPSTREAM_RESTORE),
    ],
)
def test_each_of_opw_s_sources_is_set_by_itself(field: str, source: DataSource) -> None:
    assert sources_allowed(changed(OPW, field, False)) == set(DataSource) - {source}
    only = changed(changed(changed(OPW, *EMPTY_OFF), *UPSTREAM_OFF), field, True)
    assert sources_allowed(only) == OWN | {source}


def test_opw_comes_from_the_server_that_was_recorded_and_declared_and_from_no_other() -> None:
    case = healthy(allowed_case(Operation.RESTORE, DataSource.UPSTREAM_RESTORE, OPW.lane), OPW)
    assert case.decide().allowed
    obligations = case.decide().obligations
    assert obligations is not None
    assert obligations.neutralise
    for part, value in (
        ("name", "opw's new server"),
        ("host", "odoo2.opw.example.org"),
        ("database", "opw_copy"),
        ("filestore_path", "/var/lib/odoo/filestore/opw_copy"),
        ("lane", SYO.lane),
    ):
        other = case.change(f"observation.incoming.declared_upstream.{part}", value)
        assert [each.code for each in other.decide().reasons] == [ReasonCode.SOURCE_DISAGREES]


def test_what_cm_may_be_reset_from_changes_nothing_for_syo() -> None:
    for policy in (CM, changed(CM, *EMPTY_OFF), OPW):
        sources_allowed(policy)
        assert sources_allowed(SYO) == OWN
    for operation, source in PAIRS:
        case = replace(allowed_case(operation, source, SYO.lane), policy=CM)
        assert ReasonCode.POLICY_OTHER_LANE in {each.code for each in case.decide().reasons}


@pytest.mark.parametrize("policy", [SYO, VERIREEL, SPARSE], ids=["syo", "verireel", "sparse"])
def test_a_protected_lane_says_why_to_every_other_source(policy: Policy) -> None:
    for operation, source in PAIRS:
        decision = healthy(allowed_case(operation, source, policy.lane), policy).decide()
        assert decision.allowed is (source in OWN)
        assert decision.approvers_required == (0 if source is DataSource.EXISTING else 1)
        if source not in OWN:
            assert [each.code for each in decision.reasons] == [ReasonCode.SOURCE_NOT_ALLOWED]
            assert "policy" in decision.reasons[0].facts["protected_by"]


def test_a_lane_called_testing_is_no_less_protected_and_one_called_prod_no_more() -> None:
    assert SPARSE.lane.instance == "testing"
    assert sources_allowed(SPARSE) == sources_allowed(SYO)
    assert CM.lane.instance == SYO.lane.instance == "prod"
    assert sources_allowed(CM) != sources_allowed(SYO)


def test_an_expired_lane_asks_for_an_approver_and_is_locked() -> None:
    case = healthy(allowed_case(*PAIRS_BY_SOURCE[DataSource.BACKUP_RESTORE], CM.lane), CM)
    assert case.decide().approvers_required == 0
    expired = moved_to(case, PROVISIONAL_UNTIL - case.now).decide()
    assert expired.approvers_required == 1
    assert expired.obligations is not None
    assert expired.obligations.lock


PAIRS_BY_SOURCE = {source: (operation, source) for operation, source in PAIRS}
