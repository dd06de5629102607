"""The driver dies at each border of a step: the same command goes on, and nothing is lost."""

import pytest

from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import MarkerState
from launchplane_lane_driver.lane_view import lane_view
from tests.driver.small_host import SmallHost, SmallLane, production_policy

AFTER = 'if [ "$1" = {step} ]; then "$GUARD" "$@" >/dev/null 2>&1; kill -9 $PPID; exit 1; fi\n'
BEFORE = 'if [ "$1" = {step} ]; then kill -9 $PPID; exit 1; fi\n'
ON = 'exec "$GUARD" "$@"'


def killed_at(host: SmallHost, lane: SmallLane, script: str, step: str, *command: str) -> None:
    """Run a command of which the driver is killed at the guard's `step`."""
    lane.guard_becomes(script.format(step=step) + ON)
    assert host.operate(*command).code == -9
    lane.put_guard_back()


def whole(host: SmallHost, lane: SmallLane) -> bool:
    """Whether the lane is in order, and the ledger."""
    view = lane_view(host.office, lane.lane)
    host.office.store.verify_ledger()
    return (view.unfinished, view.marker.value) == (None, MarkerState.BOUND)


@pytest.mark.parametrize("script", [BEFORE, AFTER], ids=["before", "after"])
def test_start_goes_on(host: SmallHost, lane: SmallLane, script: str) -> None:
    before = lane.data()
    operation = host.authorize(lane).operation_id
    killed_at(host, lane, script, "begin", "start", operation)
    assert host.office.store.operation(operation).phase == "started"
    assert host.operate("start", operation).code == 0
    begun = host.office.store.operation(operation)
    assert begun.kept_name is not None
    assert lane.kept_data(begun.kept_name) == before
    (kept,) = host.office.store.host_record(lane.lane).kept
    assert (kept.name, kept.database_oid, kept.has_filestore) == (begun.kept_name, before.oid, True)
    lane.materialise()
    assert host.operate("finish", operation).code == 0
    assert whole(host, lane)


@pytest.mark.parametrize(
    ("step", "script"),
    [("finish", AFTER), ("stamp", BEFORE), ("stamp", AFTER)],
    ids=["after finish", "before stamp", "after stamp"],
)
def test_finish_goes_on(host: SmallHost, lane: SmallLane, step: str, script: str) -> None:
    before = lane.data()
    begun = host.begin(lane)
    lane.materialise()
    came = lane.data()
    killed_at(host, lane, script, step, "finish", begun.operation_id)
    done = host.operate("finish", begun.operation_id)
    assert done.code == 0, done.stderr
    assert whole(host, lane)
    assert lane.data() == came
    assert begun.kept_name is not None
    assert lane.kept_data(begun.kept_name) == before


@pytest.mark.parametrize(
    ("step", "script"),
    [("undo", AFTER), ("stamp", BEFORE), ("stamp", AFTER)],
    ids=["after undo", "before stamp", "after stamp"],
)
def test_undo_goes_on(host: SmallHost, lane: SmallLane, step: str, script: str) -> None:
    before = lane.data()
    begun = host.begin(lane)
    lane.materialise()
    came = lane.data()
    killed_at(host, lane, script, step, "undo", begun.operation_id)
    done = host.operate("undo", begun.operation_id)
    assert done.code == 0, done.stderr
    assert whole(host, lane)
    assert lane.data() == before
    (remains,) = host.office.store.host_record(lane.lane).kept
    assert lane.kept_data(remains.name) == came


def test_finish_after_an_interrupted_undo_is_refused(host: SmallHost, lane: SmallLane) -> None:
    before = lane.data()
    begun = host.begin(lane)
    lane.materialise()
    killed_at(host, lane, AFTER, "stamp", "undo", begun.operation_id)
    done = host.operate("finish", begun.operation_id)
    assert done.code == 50
    assert ReasonCode.PERMIT_NOT_BEGUN in done.stderr
    assert host.operate("undo", begun.operation_id).code == 0
    assert lane.data() == before
    assert whole(host, lane)


@pytest.mark.parametrize("step", ["prepare", "stamp"])
def test_enrol_goes_on(host: SmallHost, bare: SmallLane, step: str) -> None:
    before = bare.data()
    host.record_policy(production_policy(bare.lane))
    shown = host.operate("enrol", str(bare.lane)).stdout
    digest = next(line.split()[-1] for line in shown.splitlines() if line.startswith("Digest:"))
    killed_at(host, bare, AFTER, step, "enrol", str(bare.lane), "--digest", digest)
    done = host.operate("enrol", str(bare.lane), "--digest", digest)
    assert done.code == 0, done.stderr
    assert whole(host, bare)
    assert bare.data() == before
