"""A policy that is loosened: the marker follows, with the same signatures, once it is in reach."""

import json

import pytest

from launchplane_lane_contracts.contract import Digest
from launchplane_lane_contracts.policy import Policy
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_driver.lives import Asked, carry_out, look
from launchplane_lane_driver.lives.adopt import Adopt
from launchplane_lane_driver.lives.go_live import show_in_the_lane
from launchplane_lane_driver.lives.lower import Lower
from launchplane_lane_driver.lives.restamp import Restamp
from launchplane_lane_driver.policy_changes import apply_policy, propose_policy
from tests.driver.lives.test_go_live import in_order, marker_says
from tests.driver.small_host import (
    ANN,
    BEN,
    RITA,
    SmallHost,
    SmallLane,
    production_policy,
    refused,
    resettable_policy,
    untouched,
)
from tests.driver.work.test_interrupted import AFTER, BEFORE, killed_at
from tests.guard import fingerprint

LOWER = Lower()


@pytest.fixture
def live(host: SmallHost, lane: SmallLane) -> SmallLane:
    """A lane that is real production, locked, and was one to be rebuilt from nothing."""
    host.record_policy(production_policy(lane.lane))
    host.live(Restamp(), lane)
    assert marker_says(lane)[:2] == ("production", True)
    assert is_locked(lane)
    return lane


def is_locked(lane: SmallLane) -> bool:
    return fingerprint.databases(lane.cluster)[lane.database].locked


def claim(lane: SmallLane) -> None:
    """What the screen in Odoo does when somebody asks for protection."""
    opened = lane.cluster.connect(lane.database, lane.cluster.odoo, autocommit=True)
    with opened.cursor() as cursor:
        cursor.execute(
            "UPDATE launchplane_lane_marker SET claimed = true, claim_reason = 'we work here', "
            "claimed_by = 'olga', claimed_at = now() AT TIME ZONE 'UTC'"
        )
    opened.close()


def loosened(host: SmallHost, lane: SmallLane, policy: Policy | None = None) -> str:
    """A change that lets the lane be rebuilt from nothing again, signed by everybody."""
    proposed = propose_policy(
        host.office, policy or resettable_policy(lane.lane), proposer=RITA, why="not live any more"
    )
    assert proposed.tally.required == 2
    host.sign(proposed.digest, RITA, ANN, BEN)
    return proposed.digest


def apply(host: SmallHost, digest: str) -> str:
    """What `policy apply` does, and what it says of the lane."""
    return show_in_the_lane(host.office, apply_policy(host.office, Digest(digest)), RITA)


def test_the_marker_is_lowered_with_the_policy(host: SmallHost, live: SmallLane) -> None:
    before = live.data()
    with untouched(live):
        assert not host.plan(live).decision.allowed
        digest = loosened(host, live)
    signed = host.operate("approve", digest, "--key", "/dev/null", "--yes").stdout
    assert "It lowers: the marker of generation 1" in signed
    apply(host, digest)
    assert marker_says(live) == ("testing", False, 1)
    assert not is_locked(live)
    assert live.data() == before
    assert in_order(host, live)
    assert host.rebuild(live).phase == "settled"


def test_out_of_reach_then_it_is_lowered_later_under_the_same_signatures(
    host: SmallHost, live: SmallLane
) -> None:
    live.guard_becomes("exit 1")
    digest = loosened(host, live)
    assert f"lane-authority lower {live.lane}" in apply(host, digest)
    live.put_guard_back()
    with untouched(live):
        assert not host.plan(live).decision.allowed
    # A marker that is signed again in between protects as before, and is the same data's.
    host.live(Restamp(), live)
    command = ("lower", str(live.lane))
    shown = json.loads(host.operate(*command, "--reason", "agreed", "--json").stdout)
    assert (shown["approvers_required"], shown["carried_by"]) == (0, digest)
    assert host.operate(*command, "--digest", shown["digest"]).code == 0
    assert marker_says(live) == ("testing", False, 1)
    assert in_order(host, live)
    with untouched(live), refused(ReasonCode.NOTHING_TO_DO):
        look(host.office, LOWER, Asked(live.lane, RITA, "again"))


@pytest.mark.parametrize("script", [pytest.param(BEFORE, marks=pytest.mark.full), AFTER])
def test_a_lowering_that_died_goes_on(host: SmallHost, live: SmallLane, script: str) -> None:
    before = live.data()
    killed_at(host, live, script, "lower", "policy", "apply", loosened(host, live))
    digest = next(
        str(entry.document["digest"])
        for entry in host.office.store.ledger_entries(live.lane)
        if entry.kind == "life_begun" and entry.document["what"] == "lowering"
    )
    done = host.operate("lower", str(live.lane), "--digest", digest)
    assert done.code == 0, done.stderr
    assert marker_says(live) == ("testing", False, 1)
    assert not is_locked(live)
    assert live.data() == before
    assert in_order(host, live)


def test_a_claim_that_was_seen_goes_with_it_and_a_later_one_does_not(
    host: SmallHost, live: SmallLane
) -> None:
    claim(live)
    digest = loosened(host, live)
    apply(host, digest)
    assert host.plan(live).decision.allowed
    # Claimed again, nobody who signed has seen it.
    claim(live)
    assert not host.plan(live).decision.allowed
    found = look(host.office, LOWER, Asked(live.lane, RITA, "they are done"))
    assert (found.tally.required, found.document.claimed) == (2, True)
    for signers in ((), (RITA, ANN)):
        host.sign(found.digest, *signers)
        with untouched(live), refused(ReasonCode.APPROVALS_MISSING):
            carry_out(host.office, LOWER, found.digest)
    host.sign(found.digest, BEN)
    carry_out(host.office, LOWER, found.digest)
    assert host.plan(live).decision.allowed
    assert in_order(host, live)


def test_a_claim_between_signing_and_applying_stays(host: SmallHost, live: SmallLane) -> None:
    digest = loosened(host, live)
    claim(live)
    assert f"lane-authority lower {live.lane}" in apply(host, digest)
    assert not host.plan(live).decision.allowed
    assert look(host.office, LOWER, Asked(live.lane, RITA, "x")).tally.required == 2


def test_a_policy_change_of_little_weight_lowers_nothing(host: SmallHost, lane: SmallLane) -> None:
    lane.execute(f'COMMENT ON DATABASE "{lane.database}" IS NULL')
    lane.execute("UPDATE launchplane_lane_marker SET nonce = 'x'", lane.database)
    host.live(Adopt(), lane)
    assert marker_says(lane) == ("testing", True, 2)
    tighter = propose_policy(
        host.office,
        resettable_policy(lane.lane, requires_backup_before_destroy=True),
        proposer=RITA,
        why="a backup first",
    )
    assert tighter.tally.required == 0
    assert f"lane-authority lower {lane.lane}" in apply(host, tighter.digest)
    assert marker_says(lane) == ("testing", True, 2)
    host.live(LOWER, lane)
    assert marker_says(lane) == ("testing", False, 2)
    assert in_order(host, lane)


def test_what_is_not_lowered(host: SmallHost, live: SmallLane, lane: SmallLane) -> None:
    def lower() -> None:
        look(host.office, LOWER, Asked(live.lane, RITA, "as agreed"))

    with untouched(live), refused(ReasonCode.POLICY_PROTECTS):
        lower()
    digest = loosened(host, live)
    live.guard_becomes("exit 1")
    apply(host, digest)
    live.put_guard_back()
    tag = live.tag()
    live.execute(f'COMMENT ON DATABASE "{live.database}" IS NULL')
    with untouched(live), refused(ReasonCode.ENGINE_TAG_LOST):
        lower()
    live.execute(f"COMMENT ON DATABASE \"{live.database}\" IS '{tag}'")
    found = look(host.office, LOWER, Asked(live.lane, RITA, "as agreed"))
    claim(live)
    with untouched(live), refused(ReasonCode.PLAN_CHANGED):
        carry_out(host.office, LOWER, found.digest)
