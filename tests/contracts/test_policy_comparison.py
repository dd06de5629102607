"""Two sets of policies beside each other; the comparison says what `loosening` says."""

from datetime import timedelta
from itertools import product

from launchplane_lane_contracts.policy_change import approvers_for_change, loosening
from launchplane_lane_contracts.policy_comparison import (
    Effect,
    LaneChange,
    compare_policies,
    field_changes,
)
from launchplane_lane_contracts.vocabulary import RolloutState

from .cases import a_policy, an_authoritative_policy, changed
from .named_lanes import CM, OPW, SPARSE, SYO, VERIREEL
from .test_policy_change import many_policies


def test_lanes_that_come_go_and_stay() -> None:
    stricter = changed(CM, "bootstrap_empty_allowed", False)
    compared = compare_policies((SYO, CM, OPW), (stricter, SYO, VERIREEL))
    assert [(each.lane, each.change, each.effect) for each in compared] == [
        (CM.lane, LaneChange.CHANGED, Effect.TIGHTENS),
        (SYO.lane, LaneChange.UNCHANGED, Effect.NEITHER),
        (VERIREEL.lane, LaneChange.ADDED, Effect.LOOSENS),
        (OPW.lane, LaneChange.REMOVED, Effect.TIGHTENS),
    ]
    assert [each.approvers_required for each in compared] == [0, 0, 2, 0]


def test_a_change_that_does_both() -> None:
    new = changed(changed(SYO, "backup_max_age", timedelta(hours=48)), "replaced_kept_for", DAYS)
    (compared,) = compare_policies((SYO,), (new,))
    assert compared.effect is Effect.LOOSENS
    assert compared.approvers_required == 2
    assert [(each.field, each.before, each.after, each.effect) for each in compared.fields] == [
        ("backup_max_age", '"P1D"', '"P2D"', Effect.LOOSENS),
        ("replaced_kept_for", '"P7D"', '"P30D"', Effect.TIGHTENS),
    ]


DAYS = timedelta(days=30)


def test_going_live_tightens_and_nothing_in_it_is_called_loosening() -> None:
    (compared,) = compare_policies((a_policy(),), (an_authoritative_policy(),))
    assert compared.effect is Effect.TIGHTENS
    assert compared.loosens == ()
    assert {each.field for each in compared.fields} > {"authoritative_data", "provisional_until"}
    assert Effect.LOOSENS not in {each.effect for each in compared.fields}


def test_a_change_of_name_alone_does_neither() -> None:
    (compared,) = compare_policies(
        (changed(SPARSE, "rollout_state", RolloutState.PRODUCTION),), (SPARSE,)
    )
    assert compared.change is LaneChange.CHANGED
    assert compared.effect is Effect.NEITHER


def test_it_says_what_loosening_says() -> None:
    pairs = 0
    for old, new in product(many_policies(), repeat=2):
        if old.lane != new.lane:
            continue
        (compared,) = compare_policies((old,), (new,))
        pairs += 1
        assert compared.loosens == loosening(old, new)
        assert compared.approvers_required == approvers_for_change(old, new)
        assert (compared.effect is Effect.LOOSENS) is bool(loosening(old, new))
        assert {each.field for each in field_changes(old, new)} == {
            name for name in type(old).model_fields if getattr(old, name) != getattr(new, name)
        }
        if not compared.loosens:
            assert Effect.LOOSENS not in {each.effect for each in compared.fields}
    assert pairs > 100
