"""`retire`: a lane ends, its data is kept as it was, and every way back is lawful."""

from datetime import timedelta

import pytest

from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, MarkerState, Operation
from launchplane_lane_driver import operations
from launchplane_lane_driver.commands.lane_table import cells
from launchplane_lane_driver.commands.notify_command import _of_lanes_that_go_on
from launchplane_lane_driver.lane_view import lane_view
from launchplane_lane_driver.lives import Asked, carry_out, look
from launchplane_lane_driver.lives.adopt import Adopt
from launchplane_lane_driver.lives.release import ReleaseKept
from launchplane_lane_driver.lives.retire import Retire
from tests.driver.small_host import (
    ANN,
    RITA,
    SmallHost,
    SmallLane,
    refused,
    resettable_policy,
    untouched,
)
from tests.driver.work.test_interrupted import AFTER, BEFORE, killed_at
from tests.guard import fingerprint

RETIRE = Retire()
BACK = (Operation.RESTORE, DataSource.KEPT)
EVERYTHING_ELSE = (
    (Operation.BOOTSTRAP, DataSource.EMPTY),
    (Operation.RECREATE, DataSource.EMPTY),
    (Operation.RECREATE, DataSource.EXISTING),
)


def asked(lane: SmallLane) -> Asked:
    return Asked(lane.lane, RITA, "the tenant has left")


def test_production_is_kept_and_comes_back(host: SmallHost, production: SmallLane) -> None:
    before, lane = production.data(), production.lane
    found = look(host.office, RETIRE, asked(production))
    assert found.tally.required == 1
    with untouched(production), refused(ReasonCode.APPROVALS_MISSING):
        carry_out(host.office, RETIRE, found.digest)
    host.live(RETIRE, production, asked(production))
    (kept,) = host.office.store.host_record(lane).kept
    assert production.kept_data(kept.name) == before
    assert fingerprint.databases(production.cluster)[kept.name].locked
    assert (kept.authoritative, production.database in fingerprint.databases(host.cluster)) == (
        True,
        False,
    )
    view = lane_view(host.office, lane)
    assert view.retired.value is True
    assert cells(view)[1] == "retired (production)"
    for request in EVERYTHING_ELSE:
        assert not host.plan(production, *request).decision.allowed
    with untouched(production):
        with refused(ReasonCode.NOTHING_TO_DO):
            look(host.office, RETIRE, asked(production))
        with refused(ReasonCode.RELEASE_NEEDS_PROOF):
            look(host.office, ReleaseKept(), Asked(lane, RITA, "due", kept=kept.name))
    plan = host.plan(production, *BACK, kept_database=kept.name)
    host.sign(plan.plan_digest, RITA, ANN)
    begun = host.begin(production, *BACK, kept_database=kept.name)
    operations.finish(host.office, begun.operation_id, succeeded=True)
    assert production.data() == before
    view = lane_view(host.office, lane)
    assert (view.retired.value, view.marker.value) == (False, MarkerState.BOUND)
    host.office.store.verify_ledger()


def test_a_lane_of_no_authority_ends_without_an_approver_and_may_begin_anew(
    host: SmallHost, lane: SmallLane
) -> None:
    before = lane.data()
    assert look(host.office, RETIRE, asked(lane)).tally.required == 0
    host.live(RETIRE, lane, asked(lane))
    revision = host.office.store.policy(lane.lane)
    assert revision is not None
    assert (revision.number, revision.policy.bootstrap_empty_allowed) == (2, False)
    assert _of_lanes_that_go_on(host.office) == ()
    (kept,) = host.office.store.host_record(lane.lane).kept
    assert lane.kept_data(kept.name) == before
    release = Asked(lane.lane, RITA, "no room", kept=kept.name)
    early = look(host.office, ReleaseKept(), release)
    assert (early.document.early, early.tally.required) == (True, 1)
    assert kept.kept_until is not None
    assert kept.kept_until - kept.set_aside_at > timedelta(days=6)
    host.live(ReleaseKept(), lane, release)
    assert kept.name not in fingerprint.databases(lane.cluster)
    assert host.office.store.host_record(lane.lane).retired
    # The way back without its data is a policy that two approvers sign, as for any other lane.
    assert not host.plan(lane).decision.allowed
    host.record_policy(resettable_policy(lane.lane))
    host.rebuild(lane)
    assert lane_view(host.office, lane.lane).retired.value is False


def test_a_dump_that_is_put_there_by_hand_is_adopted(host: SmallHost, lane: SmallLane) -> None:
    host.live(RETIRE, lane, asked(lane))
    lane.make_data("from a dump")
    with untouched(lane), refused(ReasonCode.NOTHING_TO_DO):
        look(host.office, RETIRE, asked(lane))
    host.live(Adopt(), lane)
    view = lane_view(host.office, lane.lane)
    assert (view.retired.value, view.marker.value) == (False, MarkerState.BOUND)
    host.live(RETIRE, lane, asked(lane))
    assert len(host.office.store.host_record(lane.lane).kept) == 2


@pytest.mark.parametrize("script", [pytest.param(BEFORE, marks=pytest.mark.full), AFTER])
def test_a_retirement_that_died_goes_on(host: SmallHost, lane: SmallLane, script: str) -> None:
    before = lane.data()
    digest = look(host.office, RETIRE, asked(lane)).digest
    command = ("retire", str(lane.lane), "--digest", digest)
    killed_at(host, lane, script, "set-aside", *command)
    assert not host.office.store.host_record(lane.lane).retired
    done = host.operate(*command)
    assert done.code == 0, done.stderr
    (kept,) = host.office.store.host_record(lane.lane).kept
    assert lane.kept_data(kept.name) == before
    assert host.office.store.host_record(lane.lane).retired
    host.office.store.verify_ledger()


def test_what_is_not_retired(host: SmallHost, lane: SmallLane) -> None:
    def retire(of: SmallLane) -> None:
        look(host.office, RETIRE, asked(of))

    other = host.add_lane("syo")
    with untouched(lane), refused(ReasonCode.POLICY_UNKNOWN, ReasonCode.NOTHING_TO_ENROL):
        retire(other)
    tag = lane.tag()
    lane.execute(f'COMMENT ON DATABASE "{lane.database}" IS NULL')
    with untouched(lane), refused(ReasonCode.ENGINE_TAG_LOST):
        retire(lane)
    lane.execute(f"COMMENT ON DATABASE \"{lane.database}\" IS '{tag}'")
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO elsewhere')
    with untouched(lane), refused(ReasonCode.DATABASE_RENAMED):
        retire(lane)
    lane.execute(f'ALTER DATABASE elsewhere RENAME TO "{lane.database}"')
    found = look(host.office, RETIRE, asked(lane))
    host.begin(lane)
    with untouched(lane), refused(ReasonCode.OPERATION_UNFINISHED):
        carry_out(host.office, RETIRE, found.digest)
