"""Two sets of policies beside each other; the comparison says what `loosening` says."""

from datetime import timedelta
from itertools import product

from launchplane_lane_contracts.policy_change import approvers_for_change, loosening
from launchplane_lane_contracts.policy_comparison import LaneChange, compare_policies

from .cases import a_policy, an_authoritative_policy, changed
from .named_lanes import CM, OPW, SYO, VERIREEL


def test_lanes_that_come_go_and_stay() -> None:
    stricter = changed(CM, "bootstrap_empty_allowed", False)
    compared = compare_policies((SYO, CM, OPW), (stricter, SYO, VERIREEL))
    assert [(each.lane, each.change, each.approvers_required) for each in compared] == [
        (CM.lane, LaneChange.TIGHTENED, 0),
        (SYO.lane, LaneChange.UNCHANGED, 0),
        (VERIREEL.lane, LaneChange.ADDED, 2),
        (OPW.lane, LaneChange.REMOVED, 0),
    ]


def test_a_change_that_does_both_loosens() -> None:
    new = changed(SYO, "backup_max_age", timedelta(hours=48))
    new = changed(new, "replaced_kept_for", timedelta(days=30))
    (compared,) = compare_policies((SYO,), (new,))
    assert compared.change is LaneChange.LOOSENED
    assert compared.approvers_required == 2
    assert [(each.field, each.loosens) for each in compared.differences] == [
        ("backup_max_age", True),
        ("replaced_kept_for", False),
    ]


def test_going_live_tightens() -> None:
    (compared,) = compare_policies((a_policy(),), (an_authoritative_policy(),))
    assert compared.change is LaneChange.TIGHTENED
    assert compared.loosens == ()


def test_it_says_what_loosening_says() -> None:
    policies = (
        a_policy(),
        an_authoritative_policy(),
        *(
            changed(a_policy(), *each)
            for each in (
                ("bootstrap_empty_allowed", False),
                ("backup_max_age", timedelta(hours=2)),
                ("provider_target", None),
                ("upstream_source.host", "new.example.org"),
            )
        ),
    )
    for old, new in product(policies, repeat=2):
        (compared,) = compare_policies((old,), (new,))
        assert compared.loosens == loosening(old, new)
        assert compared.approvers_required == approvers_for_change(old, new)
        assert (compared.change is LaneChange.LOOSENED) is bool(loosening(old, new))
        assert (compared.change is LaneChange.UNCHANGED) is (old == new)
