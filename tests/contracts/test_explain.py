"""A decision in words holds everything that is in it."""

import pytest

from launchplane_lane_contracts.explain import explain
from launchplane_lane_contracts.vocabulary import DataSource, Operation

from .cases import Case, allowed_case, allowed_cases, authoritative_case, first_bootstrap
from .provocations import PROVOCATIONS, Provocation


@pytest.mark.parametrize("each", PROVOCATIONS)
def test_every_reason_with_its_facts_and_way_on(each: Provocation) -> None:
    decision = each.provoked().decide()
    told = explain(decision)
    assert told.startswith("REFUSED, for ")
    for reason in decision.reasons:
        assert f"\n  {reason.code}\n    {reason.message}\n" in told
        assert f"    Way on: {reason.remedy}" in told
        for name, value in reason.facts.items():
            assert f"{name.replace('_', ' ')}: {value}" in told


@pytest.mark.parametrize("case", list(allowed_cases()))
def test_what_is_allowed_and_who_signs(case: Case) -> None:
    decision = case.decide()
    told = explain(decision)
    assert told.startswith("ALLOWED (rule book 1).\n\nAfterwards:\n")
    assert decision.obligations is not None
    assert ("set aside, locked, and kept for" in told) is decision.obligations.new_generation
    assert ("very same database" in told) is decision.obligations.same_database
    assert ("neutralised" in told) is decision.obligations.neutralise
    assert ("refuses to drop" in told) is decision.obligations.lock
    assert ("as authoritative" in told) is decision.obligations.authoritative
    assert ("one approver" in told) is (decision.approvers_required == 1)
    assert ("plan: the requester" in told) is decision.requester_signs


def test_what_is_not_asked_is_said() -> None:
    assert "Nobody besides the requester need agree" in explain(first_bootstrap().decide())


def test_a_refusal_says_what_would_be_asked_and_counts_its_reasons() -> None:
    case = authoritative_case(Operation.RESTORE, DataSource.KEPT)
    told = explain(case.change("observation.approvals", ()).decide())
    assert "REFUSED, for one reason" in told
    assert "Were it allowed, then afterwards:" in told
    more = case.change_all({"observation.approvals": (), "observation.store_trusted": False})
    assert "for 2 reasons" in explain(more.decide())


def test_a_lane_without_a_policy_has_no_obligations() -> None:
    told = explain(allowed_case(*PAIR).change("policy", None).decide())
    assert "fterwards" not in told
    assert "policy_unknown" in told


PAIR = (Operation.BOOTSTRAP, DataSource.EMPTY)


def test_an_approval_by_many_is_counted() -> None:
    decision = first_bootstrap().decide().model_copy(update={"approvers_required": 2})
    assert "under the plan: 2 approvers." in explain(decision)
    both = decision.model_copy(update={"requester_signs": True})
    assert "under the plan: the requester and 2 approvers." in explain(both)


def test_a_fact_that_is_empty_is_said_to_be_none() -> None:
    decision = allowed_case(*PAIR).change("observation.clock_trusted", False).decide()
    (reason,) = decision.reasons
    empty = reason.model_copy(update={"facts": {"a_name": ""}})
    told = explain(decision.model_copy(update={"reasons": (empty,)}))
    assert "Facts: a name: none" in told
    bare = reason.model_copy(update={"facts": {}})
    assert "Facts:" not in explain(decision.model_copy(update={"reasons": (bare,)}))
