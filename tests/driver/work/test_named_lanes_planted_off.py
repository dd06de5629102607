"""The tests of the named lanes once more, with the rule book planted off: here each must fail.

Were one of them to pass, its refusals would prove nothing.
"""

from collections.abc import Callable

import pytest

from launchplane_lane_contracts.vocabulary import DataSource, Operation
from launchplane_lane_driver import planning
from launchplane_lane_driver.host import DriverHost
from tests.driver.rule_book_off import plant_off
from tests.driver.small_host import SmallHost, SmallLane
from tests.driver.work import test_named_lanes as named
from tests.guard import fingerprint

REFUSALS: dict[str, Callable[[SmallHost], None]] = {
    "cm, and syo beside it": lambda host: (
        named.test_cm_is_filled_from_nothing_and_syo_is_none_the_looser(
            host, host.enrolled(host.add_lane()), host.add_production()
        )
    ),
    "opw": named.test_opw_is_filled_from_nothing_or_from_its_old_server,
    "syo": lambda host: named.test_real_production_is_not_recreated(host, "syo"),
    "verireel": lambda host: named.test_real_production_is_not_recreated(host, "verireel"),
    "nobody recorded it": lambda host: named.test_a_lane_that_nobody_recorded(
        host, host.add_lane()
    ),
    "its state alone": lambda host: named.test_a_lane_of_which_only_the_state_is_recorded(
        host, host.add_lane()
    ),
    "another provider target": lambda host: named.test_another_provider_target_is_refused(
        host, host.add_lane()
    ),
}

LIKE_ANOTHER = frozenset({"verireel", "nobody recorded it", "its state alone"})
"""They go by the same helper as others do, and are for the full run."""

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "whose",
    [
        pytest.param(each, marks=[pytest.mark.full] if each in LIKE_ANOTHER else [])
        for each in REFUSALS
    ],
)
def test_without_the_rule_book_it_fails(
    host: SmallHost, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    plant_off(monkeypatch)
    with pytest.raises(AssertionError):
        REFUSALS[whose](host)


def test_without_the_hosts_alone_the_guard_still_refuses(
    host: SmallHost, production: SmallLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = production.data()
    plant_off(monkeypatch)
    assert "source_not_allowed" in str(rebuilt_by_the_workflow(host, production))
    assert production.data() == before


def test_without_both_real_production_is_moved_away(
    host: SmallHost, production: SmallLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = production.data()
    plant_off(monkeypatch)
    production.put_unruly_guard()
    assert rebuilt_by_the_workflow(host, production) is None
    there = fingerprint.databases(production.cluster)
    assert production.database not in there
    # Even so, nothing is dropped.
    assert before.oid in {each.oid for each in there.values()}


def rebuilt_by_the_workflow(host: SmallHost, lane: SmallLane) -> Exception | None:
    """A target replacement, as Launchplane's workflow asks for it; what stopped it, if anything."""
    drivers = DriverHost.from_entry_points()
    request = host.request(lane, Operation.RECREATE, DataSource.EMPTY)
    made = drivers.review(str(host.directory), request)
    planning.authorize(host.office, made.plan_digest)
    try:
        drivers.before_provider_effect(
            str(host.directory), lane.lane, "target_replacement_raw_source", "empty"
        )
    except Exception as problem:
        return problem
    return None
