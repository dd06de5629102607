"""Which changes of a policy loosen it; and a change that only tightens never allows more."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from launchplane_lane_contracts.policy import Policy, ProviderTarget
from launchplane_lane_contracts.policy_change import (
    approvers_for_change,
    loosening,
    policy_differences,
    weight_of_change,
)
from launchplane_lane_contracts.vocabulary import DataSource, RolloutState, Weight

from .cases import (
    NOW,
    OTHER_LANE,
    TARGET,
    UPSTREAM,
    a_policy,
    allowed_cases,
    an_authoritative_policy,
    changed,
)

TESTING = Policy.from_plain(
    {"lane": a_policy().lane.to_plain(), "rollout_state": "testing", "authoritative_data": False}
)
OTHER_SOURCE = changed(UPSTREAM, "host", "new.example.org")
OTHER_TARGET = ProviderTarget(target_id="app-2", name="cm-prod")

# Base, field, stricter value, looser value, the word that tells of the loosening.
ONE_WAY = [
    (a_policy(), "bootstrap_empty_allowed", False, True, "from nothing"),
    (a_policy(), "restore_from_upstream_allowed", False, True, "upstream"),
    (a_policy(), "requires_backup_before_destroy", True, False, "no backup"),
    (a_policy(), "requires_restore_proof", True, False, "no restore proof"),
    (TESTING, "requires_runtime_identity", True, False, "runtime"),
    (TESTING, "authoritative_data", True, False, "only true copy"),
    (a_policy(), "backup_max_age", timedelta(hours=1), timedelta(hours=2), "older"),
    (a_policy(), "replaced_kept_for", timedelta(days=7), timedelta(days=6), "less long"),
    (
        a_policy(),
        "provisional_until",
        NOW + timedelta(days=1),
        NOW + timedelta(days=1, seconds=1),
        "for longer",
    ),
    (a_policy(), "provider_target", TARGET, None, "provider target"),
]
BOTH_WAYS = [
    (a_policy(), "upstream_source", UPSTREAM, OTHER_SOURCE, "another upstream source"),
    (a_policy(), "provider_target", TARGET, OTHER_TARGET, "another provider target"),
    (a_policy(), "lane", a_policy().lane, OTHER_LANE, "different lanes"),
]


@pytest.mark.parametrize(("base", "field", "strict", "loose", "words"), ONE_WAY)
def test_loosening_one_field(
    base: Policy, field: str, strict: object, loose: object, words: str
) -> None:
    stricter, looser = changed(base, field, strict), changed(base, field, loose)
    told = loosening(stricter, looser)
    assert len(told) == 1
    assert words in told[0]
    assert approvers_for_change(stricter, looser) == 2
    assert weight_of_change(stricter, looser) is Weight.GRAVE
    assert loosening(looser, stricter) == ()
    assert approvers_for_change(looser, stricter) == 0
    assert weight_of_change(looser, stricter) is Weight.ROUTINE


@pytest.mark.parametrize(("base", "field", "one", "other", "words"), BOTH_WAYS)
def test_what_cannot_be_compared_loosens_both_ways(
    base: Policy, field: str, one: object, other: object, words: str
) -> None:
    first, second = changed(base, field, one), changed(base, field, other)
    assert words in loosening(first, second)[0]
    assert words in loosening(second, first)[0]


def test_every_field_is_compared_or_decides_nothing() -> None:
    compared = {field for _base, field, *_rest in [*ONE_WAY, *BOTH_WAYS]}
    assert compared | {"rollout_state", "schema_version"} == set(Policy.model_fields)


def test_leaving_real_production_loosens_and_nothing_else_about_the_state_does() -> None:
    production = an_authoritative_policy()
    testing = changed(production, "rollout_state", RolloutState.TESTING)
    assert loosening(production, testing) == ("the lane is no longer real production",)
    assert loosening(testing, production) == ()


def test_a_provisional_lane_that_becomes_a_testing_one_never_expires() -> None:
    provisional = Policy.from_plain(
        {
            "lane": TESTING.lane.to_plain(),
            "rollout_state": "provisional",
            "authoritative_data": False,
            "provisional_until": "2026-04-01T00:00:00Z",
        }
    )
    assert "for longer" in loosening(provisional, TESTING)[0]
    assert loosening(TESTING, provisional) == ()


def test_the_first_policy_loosens_and_the_same_one_does_not() -> None:
    assert approvers_for_change(None, an_authoritative_policy()) == 2
    assert loosening(a_policy(), a_policy()) == ()


def test_going_live_only_tightens() -> None:
    assert loosening(a_policy(), an_authoritative_policy()) == ()
    assert len(loosening(an_authoritative_policy(), a_policy())) > 2


def test_naming_a_source_loosens_even_where_it_is_not_used() -> None:
    """Else it could be exchanged unseen, by way of none, before its use is allowed."""
    unused = changed(a_policy(), "restore_from_upstream_allowed", False)
    none = changed(unused, "upstream_source", None)
    assert loosening(unused, changed(unused, "upstream_source", OTHER_SOURCE))
    assert loosening(none, unused)
    assert loosening(unused, none) == ()


def test_the_order_of_a_target_s_domains_means_nothing() -> None:
    swapped = changed(TARGET, "domains", tuple(reversed(TARGET.domains)))
    assert loosening(a_policy(), changed(a_policy(), "provider_target", swapped)) == ()


def test_a_difference_names_the_field_both_values_and_what_it_means() -> None:
    old = a_policy()
    new = changed(changed(old, "backup_max_age", timedelta(hours=1)), "provider_target", None)
    first, second = policy_differences(old, new)
    assert (first.field, first.loosens, first.words) == (
        "backup_max_age",
        False,
        "backups must be younger",
    )
    assert (first.old, first.new) == ('"P1D"', '"PT1H"')
    assert (second.field, second.loosens, second.new) == ("provider_target", True, "null")


def test_values_are_told_as_they_are_written() -> None:
    new = changed(a_policy(), "upstream_source", changed(UPSTREAM, "name", "Büro"))
    (there,) = policy_differences(a_policy(), new)
    (back,) = policy_differences(new, a_policy())
    assert "Büro" in there.new
    assert "Büro" in back.old


def many_policies() -> list[Policy]:
    """The bases with every value of every single field of the tables."""
    found = [a_policy(), an_authoritative_policy(), TESTING]
    for base, field, one, other, _words in [*ONE_WAY, *BOTH_WAYS]:
        if field != "lane":
            found += [changed(base, field, one), changed(base, field, other)]
    return found


def test_a_change_that_only_tightens_never_allows_what_was_refused() -> None:
    policies = many_policies()
    cases = [
        variant
        for case in allowed_cases()
        for variant in (
            case,
            case.change("observation.present.data_proof", None),
            case.change("observation.approvals", ()),
            case.change("request.provider_target", None),
            case.change("now", NOW + timedelta(days=1)),
        )
    ]
    cases += [
        case.change("observation.incoming.declared_upstream", OTHER_SOURCE)
        for case in allowed_cases()
        if case.request.data_source is DataSource.UPSTREAM_RESTORE
    ]
    allows = [
        [replace(case, policy=policy).decide().allowed for case in cases] for policy in policies
    ]
    tightenings = 0
    for (old, before), (new, after) in product(zip(policies, allows, strict=True), repeat=2):
        if old != new and not loosening(old, new):
            tightenings += 1
            assert all(was or not now for was, now in zip(before, after, strict=True)), (old, new)
    assert tightenings > 50
