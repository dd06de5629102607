"""`clock correct`: a clock that was ahead and is right again, and what does not come back by it."""

import json
from datetime import timedelta

import pytest

from launchplane_lane_contracts.errors import BadInput
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_driver import operations
from launchplane_lane_driver.clock_correction import correct_clock, look_at_clock
from launchplane_lane_driver.lane_office import utc_now
from launchplane_lane_driver.lives import Asked, look
from launchplane_lane_driver.lives.lost import DeclareLost
from launchplane_lane_driver.policy_changes import apply_policy, propose_policy
from launchplane_lane_driver.store import Store
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

WHY = "time synchronisation was off"


def write_from_the_future(host: SmallHost, lane: SmallLane, hours: int = 2) -> None:
    """What the ledger holds after the host's clock was ahead for a while."""
    ahead = Store.open(
        host.host.store_url,
        host.host.head_file,
        clock=lambda: utc_now() + timedelta(hours=hours),
    )
    ahead.note("written with a clock that was ahead", lane.lane, {}, utc_now())
    ahead.close()
    # One that is written with the right clock afterwards does not hide it.
    host.office.store.note("written with the right clock", lane.lane, {}, utc_now())


def codes(host: SmallHost, lane: SmallLane) -> set[ReasonCode]:
    return {each.code for each in host.plan(lane).decision.reasons}


def test_a_host_decides_again_and_nothing_that_had_lapsed_comes_back(
    host: SmallHost, lane: SmallLane
) -> None:
    looser = propose_policy(
        host.office,
        resettable_policy(lane.lane, requires_runtime_identity=False),
        proposer=RITA,
        why="before the clock went wrong",
    )
    host.sign(looser.digest, RITA, ANN, BEN)
    operation = host.authorize(lane)
    write_from_the_future(host, lane)
    assert ReasonCode.CLOCK_UNRELIABLE in codes(host, lane)
    with untouched(lane):
        with refused(ReasonCode.CLOCK_UNRELIABLE):
            operations.start(host.office, operation.operation_id)
        with refused(ReasonCode.CLOCK_UNRELIABLE):
            apply_policy(host.office, looser.digest)
    found = look_at_clock(host.office, requester=RITA, why=WHY)
    assert found.tally.required == 1
    assert (found.lapsing, found.expiring) == (3, (operation.operation_id,))
    for signer in (None, RITA):
        if signer:
            host.sign(found.digest, signer)
        with refused(ReasonCode.APPROVALS_MISSING):
            correct_clock(host.office, found.digest)
    assert ReasonCode.CLOCK_UNRELIABLE in codes(host, lane)
    host.sign(found.digest, ANN)
    assert operation.operation_id in correct_clock(host.office, found.digest)
    assert host.phase(operation) == "expired"
    assert host.plan(lane).decision.allowed
    with refused(ReasonCode.APPROVALS_MISSING):
        apply_policy(host.office, looser.digest)
    with refused(ReasonCode.APPROVALS_MISSING):
        host.sign(looser.digest, ANN)
    with pytest.raises(BadInput):
        correct_clock(host.office, found.digest)
    verified = host.operate("audit", "verify")
    assert verified.code == 0, verified.stderr
    assert host.rebuild(lane).phase == "settled"


@pytest.mark.full
def test_the_next_entry_from_the_future_needs_a_correction_of_its_own(
    host: SmallHost, lane: SmallLane
) -> None:
    for hours in (2, 1):
        write_from_the_future(host, lane, hours)
        assert ReasonCode.CLOCK_UNRELIABLE in codes(host, lane)
        found = look_at_clock(host.office, requester=RITA, why=WHY)
        host.sign(found.digest, RITA, ANN)
        if hours == 2:
            correct_clock(host.office, found.digest)
            assert host.plan(lane).decision.allowed
    # What was signed is one entry; another one in the meantime is not what was read.
    write_from_the_future(host, lane, 3)
    with refused(ReasonCode.PLAN_CHANGED):
        correct_clock(host.office, found.digest)
    assert ReasonCode.CLOCK_UNRELIABLE in codes(host, lane)


def test_a_clock_that_servers_contradict_is_not_corrected(
    host: SmallHost, lane: SmallLane, production: SmallLane
) -> None:
    with pytest.raises(BadInput):
        look_at_clock(host.office, requester=RITA, why=WHY)
    write_from_the_future(host, lane)
    with pytest.raises(BadInput):
        look_at_clock(host.office, requester=RITA, why=" ")
    # The clock that this server tells is a day behind, whatever the reading says else.
    production.guard_becomes(
        """"$GUARD" "$@" | python3 -c '
import json, sys
receipt = json.load(sys.stdin)
server = receipt["reading"]["database"]["server"]
server["now"] = "2020" + server["now"][4:]
print(json.dumps(receipt))'"""
    )
    with refused(ReasonCode.CLOCK_UNRELIABLE):
        look_at_clock(host.office, requester=RITA, why=WHY)
    for each in (lane, production):
        each.guard_becomes("exit 1")
    with refused(ReasonCode.CLOCK_UNRELIABLE):
        look_at_clock(host.office, requester=RITA, why=WHY)
    lane.put_guard_back()
    found = look_at_clock(host.office, requester=RITA, why=WHY)
    assert [bool(each.problem) for each in found.servers] == [False, True]
    wrong = look_at_clock(host.office, requester=RITA, why="another reason").digest
    assert wrong != found.digest


def test_tightening_waits_for_no_clock(host: SmallHost, lane: SmallLane) -> None:
    write_from_the_future(host, lane)
    assert host.record_policy(production_policy(lane.lane)).number == 2


def test_the_command_says_what_it_found_and_does_it(host: SmallHost, lane: SmallLane) -> None:
    write_from_the_future(host, lane)
    command = ("clock", "correct")
    shown = host.operate(*command, "--reason", WHY)
    assert shown.code == 0, shown.stderr
    assert f"PostgreSQL of {lane.lane}: " in shown.stdout
    plain = json.loads(host.operate(*command, "--reason", WHY, "--json").stdout)
    assert plain["digest"] in shown.stdout
    host.sign(plain["digest"], RITA, ANN)
    other = look_at_clock(host.office, requester=ANN, why=WHY).digest
    assert host.operate("enrol", str(lane.lane), "--digest", plain["digest"]).code == 2
    assert host.operate(*command, "--digest", "0" * 64).code == 2
    assert host.operate(*command, "--digest", other).code == 50
    assert host.operate(*command, "--digest", plain["digest"]).code == 0
    assert host.plan(lane).decision.allowed
    with refused(ReasonCode.OPERATION_UNFINISHED):
        host.begin(lane)
        look(host.office, DeclareLost(), Asked(lane.lane, RITA, WHY))
