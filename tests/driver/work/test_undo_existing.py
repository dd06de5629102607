"""A change that leaves the data in place is never undone, whatever became of the keep."""

import shutil

from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, Operation
from launchplane_lane_driver import operations
from tests.driver.small_host import SmallHost, SmallLane, refused, untouched


def test_an_emptied_keep_does_not_make_it_undone(host: SmallHost, lane: SmallLane) -> None:
    begun = host.begin(lane, Operation.RECREATE, DataSource.EXISTING)
    shutil.rmtree(lane.keep / "begun")
    with untouched(lane), refused(ReasonCode.UNDO_IMPOSSIBLE):
        operations.undo(host.office, begun.operation_id)
    assert host.phase(begun) == "begun"
