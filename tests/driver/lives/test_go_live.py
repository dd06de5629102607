"""Going live is a policy change; the lane's own database says so at once, where it is in reach."""

import json

from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import MarkerState
from launchplane_lane_driver.lane_view import lane_view
from launchplane_lane_driver.policy_changes import propose_policy
from tests.driver.small_host import RITA, SmallHost, SmallLane, production_policy
from tests.driver.work.test_interrupted import AFTER, killed_at
from tests.guard import fingerprint


def marker_says(lane: SmallLane) -> tuple[object, ...]:
    opened = lane.cluster.connect(lane.database, autocommit=True)
    with opened.cursor() as cursor:
        cursor.execute(
            "SELECT rollout_state, authoritative, generation FROM launchplane_lane_marker"
        )
        ((state, authoritative, generation),) = cursor.fetchall()
    opened.close()
    return state, authoritative, generation


def in_order(host: SmallHost, lane: SmallLane) -> bool:
    host.office.store.verify_ledger()
    return lane_view(host.office, lane.lane).marker.value is MarkerState.BOUND


def propose(host: SmallHost, lane: SmallLane) -> str:
    proposed = propose_policy(
        host.office, production_policy(lane.lane), proposer=RITA, why="live since today"
    )
    assert proposed.tally.required == 0
    return proposed.digest


def test_going_live_stands_in_the_database_at_once(host: SmallHost, lane: SmallLane) -> None:
    before = lane.data()
    assert marker_says(lane) == ("testing", False, 1)
    assert not fingerprint.databases(lane.cluster)[lane.database].locked
    done = host.operate("policy", "apply", propose(host, lane))
    assert done.code == 0, done.stderr
    assert marker_says(lane) == ("production", True, 1)
    assert fingerprint.databases(lane.cluster)[lane.database].locked
    assert lane.data() == before
    assert in_order(host, lane)


def test_a_lane_out_of_reach_does_not_stop_it_and_is_restamped_later(
    host: SmallHost, lane: SmallLane
) -> None:
    digest = propose(host, lane)
    lane.guard_becomes("exit 1")
    done = host.operate("policy", "apply", digest)
    assert done.code == 0, done.stderr
    assert f"lane-authority restamp {lane.lane}" in done.stdout
    lane.put_guard_back()
    assert marker_says(lane) == ("testing", False, 1)
    # The host decides by the new policy all the same.
    codes = {each.code for each in host.plan(lane).decision.reasons}
    assert ReasonCode.SOURCE_NOT_ALLOWED in codes
    shown = json.loads(host.operate("restamp", str(lane.lane), "--json").stdout)
    assert host.operate("restamp", str(lane.lane), "--digest", shown["digest"]).code == 0
    assert marker_says(lane) == ("production", True, 1)
    assert in_order(host, lane)


def test_a_death_after_the_stamp_is_gone_on_with(host: SmallHost, lane: SmallLane) -> None:
    killed_at(host, lane, AFTER, "stamp", "policy", "apply", propose(host, lane))
    assert marker_says(lane) == ("production", True, 1)
    digest = next(
        str(entry.document["digest"])
        for entry in host.office.store.ledger_entries(lane.lane)
        if entry.kind == "life_begun" and entry.document["what"] == "restamping"
    )
    done = host.operate("restamp", str(lane.lane), "--digest", digest)
    assert done.code == 0, done.stderr
    assert in_order(host, lane)
