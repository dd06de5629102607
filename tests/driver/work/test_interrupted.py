"""The driver dies at each border of undo and enrol: the same command goes on, nothing is lost.

For plan, authorize, start and finish: `test_kills_at_each_step.py`.
"""

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


@pytest.mark.parametrize(
    ("step", "script"),
    [("undo", AFTER), pytest.param("stamp", BEFORE, marks=pytest.mark.full), ("stamp", AFTER)],
    ids=["after undo", "before stamp", "after stamp"],
)
def test_undo_goes_on(host: SmallHost, lane: SmallLane, step: str, script: str) -> None:
    before = lane.data()
    begun = host.begin(lane)
    lane.materialise()
    came = lane.data()
    killed_at(host, lane, script, step, "undo", begun.operation_id)
    view = lane_view(host.office, lane.lane)
    assert view.unfinished is not None
    (way,) = [each.command for each in view.unfinished.ways_on if each.possible]
    done = host.operate(*way.split()[1:])
    assert (way.split()[1], done.code) == ("undo", 0), done.stderr
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
