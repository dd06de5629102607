"""Every pair of operation and data source can be allowed, with the right obligations."""

from datetime import timedelta

import pytest

from launchplane_lane_contracts.evidence import IncomingData, PresentEvidence
from launchplane_lane_contracts.judgement import judge_room
from launchplane_lane_contracts.policy import Policy, effective_policy
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    DataSource,
    KeepState,
    MarkerState,
    Operation,
    RolloutState,
    RuntimeState,
)

from .cases import (
    NOW,
    PAIRS,
    SOURCES_OF_AUTHORITATIVE_LANES,
    a_policy,
    allowed_case,
    allowed_cases,
    authoritative_case,
    first_bootstrap,
)


@pytest.mark.parametrize(("operation", "source"), PAIRS)
def test_a_complete_case_is_allowed(operation: Operation, source: DataSource) -> None:
    decision = allowed_case(operation, source).decide()
    assert decision.reasons == ()
    assert decision.allowed
    assert decision.approvers_required == 0


@pytest.mark.parametrize(("operation", "source"), PAIRS)
def test_an_authoritative_lane_allows_only_its_own_data(
    operation: Operation, source: DataSource
) -> None:
    decision = authoritative_case(operation, source).decide()
    assert decision.allowed is (source in SOURCES_OF_AUTHORITATIVE_LANES)
    assert decision.approvers_required == (0 if source is DataSource.EXISTING else 1)
    assert decision.obligations is not None
    assert decision.obligations.lock
    assert decision.obligations.authoritative


def test_nothing_is_asked_of_a_place_where_nothing_stands() -> None:
    assert first_bootstrap().decide().allowed


def test_an_authoritative_marker_where_nothing_stands_asks_for_backup_and_people() -> None:
    case = first_bootstrap().change("observation.database.state", DatabaseState.UNINITIALISED)
    assert case.decide().allowed
    contradicted = case.change("observation.marker.state", MarkerState.BOUND)
    assert not contradicted.decide().allowed


def test_obligations() -> None:
    for case in allowed_cases():
        obligations = case.decide().obligations
        assert obligations is not None
        source = case.request.data_source
        assert obligations.same_database is (source is DataSource.EXISTING)
        assert obligations.new_generation is not obligations.same_database
        assert obligations.neutralise is (source is DataSource.UPSTREAM_RESTORE)
        assert obligations.lock is obligations.authoritative


def test_kept_data_that_was_authoritative_comes_back_authoritative() -> None:
    case = allowed_case(Operation.RESTORE, DataSource.KEPT).change(
        "observation.incoming.kept.authoritative", True
    )
    decision = case.decide()
    assert decision.allowed
    assert decision.obligations is not None
    assert decision.obligations.authoritative
    assert decision.obligations.lock


@pytest.mark.parametrize("fact", ["observation.marker.authoritative", "observation.marker.claimed"])
def test_what_the_database_claims_protects_it_and_keeps_it_a_day(fact: str) -> None:
    case = allowed_case(Operation.RESTORE, DataSource.BACKUP_RESTORE).change_all(
        {"policy.replaced_kept_for": timedelta(0), fact: True}
    )
    decision = case.decide()
    assert decision.approvers_required == 1
    assert decision.obligations is not None
    assert decision.obligations.keep_for == timedelta(hours=24)


def test_the_allowed_sources_are_those_that_are_allowed() -> None:
    effective = effective_policy(a_policy(), NOW, marker_authoritative=False, claimed=False)
    assert effective.allowed_sources == tuple(DataSource)
    protected = effective_policy(a_policy(), NOW, marker_authoritative=True, claimed=False)
    assert set(protected.allowed_sources) == SOURCES_OF_AUTHORITATIVE_LANES
    assert protected.protected_by == ("marker",)


def test_a_testing_lane_that_asks_no_runtime_may_be_silent_but_not_contradicted() -> None:
    case = allowed_case(Operation.RECREATE, DataSource.EMPTY).change(
        "policy",
        Policy(
            lane=a_policy().lane,
            rollout_state=RolloutState.TESTING,
            authoritative_data=False,
            bootstrap_empty_allowed=True,
            requires_runtime_identity=False,
        ),
    )
    for state in RuntimeState:
        fine = state in (RuntimeState.AGREES, RuntimeState.ATTESTED, RuntimeState.SILENT)
        assert case.change("observation.runtime.state", state).decide().allowed is fine


def test_attesting_counts_where_it_was_asked_for() -> None:
    case = allowed_case(Operation.RECREATE, DataSource.EXISTING).change(
        "observation.runtime.state", RuntimeState.ATTESTED
    )
    assert not case.decide().allowed
    assert case.change("request.attest_runtime", True).decide().allowed


def test_a_keep_on_another_volume_will_do_where_there_is_room_for_a_copy() -> None:
    case = allowed_case(Operation.RECREATE, DataSource.EMPTY).change(
        "observation.keep.state", KeepState.OTHER_VOLUME
    )
    assert not case.decide().allowed
    assert case.change("observation.room", judge_room(1, 1)).decide().allowed


def test_data_that_was_declared_lost_is_set_aside_without_a_backup_of_it() -> None:
    """The proof of what comes is asked for, and people sign; data that stays is not lost."""
    for operation, source in PAIRS:
        if source not in SOURCES_OF_AUTHORITATIVE_LANES:
            continue
        case = authoritative_case(operation, source).change_all(
            {"observation.present": PresentEvidence(), "observation.record.declared_lost": True}
        )
        assert case.decide().allowed is (source is not DataSource.EXISTING)
        assert not case.change("observation.record.declared_lost", False).decide().allowed
        if source is not DataSource.EXISTING:
            assert not case.change("observation.incoming", IncomingData()).decide().allowed
            assert not case.change("observation.approvals", ()).decide().allowed
