"""`lost` while an operation is unfinished: only where what it could give back is nowhere."""

import json

import pytest

from launchplane_lane_contracts.errors import LaneAuthorityError
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, Operation
from launchplane_lane_driver import operations
from launchplane_lane_driver.lane_view import lane_view
from launchplane_lane_driver.lives import Asked, look
from launchplane_lane_driver.lives.lost import DeclareLost
from launchplane_lane_driver.store.records import OperationRecord
from tests.driver.small_host import ANN, RITA, SmallHost, SmallLane, refused, untouched
from tests.driver.work.test_interrupted import AFTER, BEFORE, killed_at
from tests.guard import fingerprint

LOST = DeclareLost()
EXISTING = (Operation.RECREATE, DataSource.EXISTING)


def asked(lane: SmallLane) -> Asked:
    return Asked(lane.lane, RITA, "somebody dropped it")


def drop(lane: SmallLane, name: str) -> None:
    lane.cluster.execute(f'ALTER DATABASE "{name}" WITH IS_TEMPLATE false')
    lane.cluster.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def goes_on(host: SmallHost, lane: SmallLane, operation: OperationRecord) -> bool:
    """Whether it was ended, and the lane can be rebuilt again."""
    host.office.store.verify_ledger()
    assert host.phase(operation) == "failed"
    assert lane_view(host.office, lane.lane).unfinished is None
    return host.rebuild(lane, "again").phase == "settled"


def no_way_but(host: SmallHost, lane: SmallLane, operation: OperationRecord) -> None:
    with pytest.raises(LaneAuthorityError):
        operations.undo(host.office, operation.operation_id)
    with pytest.raises(LaneAuthorityError):
        operations.finish(host.office, operation.operation_id, succeeded=True)
    assert host.phase(operation) in ("begun", "materialised")


@pytest.mark.parametrize("came", [pytest.param(False, marks=pytest.mark.full), True])
def test_kept_data_that_somebody_dropped(host: SmallHost, lane: SmallLane, came: bool) -> None:
    begun = host.begin(lane)
    assert begun.kept_name is not None
    if came:
        lane.materialise("half-way")
    with untouched(lane), refused(ReasonCode.OPERATION_UNFINISHED):
        look(host.office, LOST, asked(lane))
    drop(lane, begun.kept_name)
    no_way_but(host, lane, begun)
    found = look(host.office, LOST, asked(lane))
    assert (found.tally.required, found.document.kept_gone) == (1, (begun.kept_name,))
    there = lane.data() if came else None
    host.live(LOST, lane, asked(lane))
    kept = host.office.store.host_record(lane.lane).kept
    assert [lane.kept_data(each.name) for each in kept] == ([there] if there else [])
    assert goes_on(host, lane, begun)


def test_a_change_that_dropped_the_data(host: SmallHost, lane: SmallLane) -> None:
    begun = host.begin(lane, *EXISTING)
    drop(lane, lane.database)
    no_way_but(host, lane, begun)
    host.live(LOST, lane, asked(lane))
    assert goes_on(host, lane, begun)


def test_a_change_that_loaded_other_data_over_it(host: SmallHost, lane: SmallLane) -> None:
    begun = host.begin(lane, *EXISTING)
    with untouched(lane), refused(ReasonCode.OPERATION_UNFINISHED):
        look(host.office, LOST, asked(lane))
    lane.materialise("other")
    other = lane.data()
    no_way_but(host, lane, begun)
    host.live(LOST, lane, asked(lane))
    (kept,) = host.office.store.host_record(lane.lane).kept
    assert lane.kept_data(kept.name) == other
    assert goes_on(host, lane, begun)


@pytest.mark.parametrize("script", [pytest.param(BEFORE, marks=pytest.mark.full), AFTER])
def test_a_declaration_that_died_goes_on(host: SmallHost, lane: SmallLane, script: str) -> None:
    begun = host.begin(lane)
    assert begun.kept_name is not None
    lane.materialise("half-way")
    there = lane.data()
    drop(lane, begun.kept_name)
    command = ("lost", str(lane.lane))
    shown = json.loads(host.operate(*command, "--reason", "gone", "--json").stdout)
    host.sign(shown["digest"], RITA, ANN)
    killed_at(host, lane, script, "set-aside", *command, "--digest", shown["digest"])
    done = host.operate(*command, "--digest", shown["digest"])
    assert done.code == 0, done.stderr
    (kept,) = host.office.store.host_record(lane.lane).kept
    assert lane.kept_data(kept.name) == there
    assert goes_on(host, lane, begun)


def test_kept_data_that_is_there_under_another_name_is_not_gone(
    host: SmallHost, lane: SmallLane
) -> None:
    begun = host.begin(lane)
    assert begun.kept_name is not None
    lane.cluster.execute(f'ALTER DATABASE "{begun.kept_name}" RENAME TO hidden')
    with untouched(lane), refused(ReasonCode.OPERATION_UNFINISHED):
        look(host.office, LOST, asked(lane))
    lane.cluster.execute(f'ALTER DATABASE hidden RENAME TO "{begun.kept_name}"')
    # Nor is it where nobody can look.
    lane.guard_becomes("exit 1")
    with refused(ReasonCode.OPERATION_UNFINISHED):
        look(host.office, LOST, asked(lane))
    lane.put_guard_back()
    operations.undo(host.office, begun.operation_id)
    assert lane.database in fingerprint.databases(lane.cluster)
