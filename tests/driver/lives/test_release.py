"""`release`: kept data goes when it is due, or when people have signed for it; never before."""

import json
from datetime import timedelta

import pytest

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_driver.lives import Asked, carry_out, look
from launchplane_lane_driver.lives.release import ReleaseKept
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

RELEASE = ReleaseKept()


def asked(lane: SmallLane, kept: KeptData, *, give_up: bool = False) -> Asked:
    return Asked(lane.lane, RITA, "no room", kept=DatabaseName(kept.name), give_up=give_up)


def kept_of(host: SmallHost, lane: SmallLane) -> KeptData:
    (kept,) = host.office.store.host_record(lane.lane).kept
    return kept


@pytest.fixture
def kept(host: SmallHost, lane: SmallLane) -> KeptData:
    """What a rebuild set aside, kept for a week."""
    host.rebuild(lane)
    return kept_of(host, lane)


@pytest.fixture
def due(host: SmallHost, lane: SmallLane) -> KeptData:
    """The same, kept for no time at all."""
    host.record_policy(resettable_policy(lane.lane, replaced_kept_for=timedelta(0)))
    host.rebuild(lane)
    return kept_of(host, lane)


def gone(host: SmallHost, lane: SmallLane, kept: KeptData) -> bool:
    host.office.store.verify_ledger()
    return (
        kept.name not in fingerprint.databases(lane.cluster)
        and not (lane.keep / "filestores" / kept.name).exists()
        and not host.office.store.host_record(lane.lane).kept
    )


def test_what_is_due_goes_by_one_operator(host: SmallHost, lane: SmallLane, due: KeptData) -> None:
    before = lane.data()
    shown = host.operate("release", str(lane.lane), due.name, "--json")
    plan = json.loads(shown.stdout)
    assert (plan["approvers_required"], plan["early"]) == (0, False)
    assert host.operate("release", str(lane.lane), due.name, "--digest", plan["digest"]).code == 0
    assert gone(host, lane, due)
    assert lane.data() == before
    with refused(ReasonCode.KEPT_UNKNOWN):
        carry_out(host.office, RELEASE, plan["digest"])


def test_an_early_release_needs_one_besides_the_requester(
    host: SmallHost, lane: SmallLane, kept: KeptData
) -> None:
    found = look(host.office, RELEASE, asked(lane, kept))
    assert found.tally.required == 1
    for signer in (None, RITA):
        if signer:
            host.sign(found.digest, signer)
        with untouched(lane), refused(ReasonCode.APPROVALS_MISSING):
            carry_out(host.office, RELEASE, found.digest)
    host.sign(found.digest, ANN)
    carry_out(host.office, RELEASE, found.digest)
    assert gone(host, lane, kept)


def test_authoritative_data_without_proof_is_given_up_by_two_or_stays(
    host: SmallHost, lane: SmallLane, due: KeptData
) -> None:
    # It was not when it was set aside; the policy says so now.
    host.record_policy(production_policy(lane.lane), signed=False)
    with untouched(lane), refused(ReasonCode.RELEASE_NEEDS_PROOF):
        look(host.office, RELEASE, asked(lane, due))
    found = look(host.office, RELEASE, asked(lane, due, give_up=True))
    assert found.tally.required == 2
    for signer in (None, RITA, ANN):
        if signer:
            host.sign(found.digest, signer)
        with untouched(lane), refused(ReasonCode.APPROVALS_MISSING):
            carry_out(host.office, RELEASE, found.digest)
    host.sign(found.digest, BEN)
    carry_out(host.office, RELEASE, found.digest)
    assert gone(host, lane, due)
    released = next(
        each for each in host.office.store.ledger_entries(lane.lane) if each.kind == "kept_released"
    )
    assert set(released.document["particulars"]["basis"]["by"]) == {RITA, ANN, BEN}


def test_nothing_is_released_while_an_operation_is_under_way(
    host: SmallHost, lane: SmallLane, due: KeptData
) -> None:
    found = look(host.office, RELEASE, asked(lane, due))
    begun = host.begin(lane)
    with untouched(lane), refused(ReasonCode.OPERATION_UNFINISHED):
        carry_out(host.office, RELEASE, found.digest)
    assert host.operate("undo", begun.operation_id).code == 0
    carry_out(host.office, RELEASE, found.digest)
    assert due.name not in fingerprint.databases(lane.cluster)


def test_another_database_under_the_kept_name_stays(
    host: SmallHost, lane: SmallLane, due: KeptData
) -> None:
    found = look(host.office, RELEASE, asked(lane, due))
    lane.execute(f'ALTER DATABASE "{due.name}" RENAME TO elsewhere')
    lane.execute(f'CREATE DATABASE "{due.name}"')
    with untouched(lane), refused(ReasonCode.KEPT_CHANGED):
        carry_out(host.office, RELEASE, found.digest)


@pytest.mark.parametrize("script", [BEFORE, AFTER], ids=["before", "after"])
def test_a_release_that_died_goes_on(
    host: SmallHost, lane: SmallLane, kept: KeptData, script: str
) -> None:
    before = lane.data()
    found = look(host.office, RELEASE, asked(lane, kept))
    host.sign(found.digest, RITA, ANN)
    command = ("release", str(lane.lane), kept.name, "--digest", found.digest)
    killed_at(host, lane, script, "release", *command)
    done = host.operate(*command)
    assert done.code == 0, done.stderr
    assert gone(host, lane, kept)
    assert lane.data() == before


def test_cron_releases_what_is_due_and_tells_what_waits(
    host: SmallHost, lane: SmallLane, due: KeptData
) -> None:
    host.record_policy(resettable_policy(lane.lane))
    host.rebuild(lane)
    (first, second) = host.office.store.host_record(lane.lane).kept
    assert first == due
    done = host.operate("release", "--due", "--json")
    assert done.code == 0, done.stderr
    told = {each["kept"]: each["what"] for each in json.loads(done.stdout)}
    assert "was released" in told[due.name]
    assert "is kept until" in told[second.name]
    assert due.name not in fingerprint.databases(lane.cluster)
    assert second.name in fingerprint.databases(lane.cluster)


def test_cron_leaves_what_people_have_to_decide(
    host: SmallHost, lane: SmallLane, due: KeptData
) -> None:
    host.record_policy(production_policy(lane.lane), signed=False)
    with untouched(lane):
        done = host.operate("release", "--due")
        assert done.code == 0, done.stderr
        assert ReasonCode.RELEASE_NEEDS_PROOF in done.stdout
        lane.guard_becomes("exit 1")
        assert host.operate("release", "--due").code != 0
        lane.put_guard_back()
