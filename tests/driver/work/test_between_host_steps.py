"""What changes on the host between two steps: policy, store, a change that failed."""

import shutil
from collections.abc import Callable

from launchplane_lane_contracts.errors import LaneAuthorityError
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, Operation
from launchplane_lane_driver import operations
from launchplane_lane_driver.host_directory import HostDirectory
from launchplane_lane_driver.lane_office import LaneOffice
from launchplane_lane_driver.plugin import launchplane_before_provider_effect
from tests.driver.small_host import SmallHost, SmallLane, production_policy, untouched
from tests.guard.fingerprint import databases


def test_a_policy_tightened_under_way_protects_what_is_settled(
    host: SmallHost, lane: SmallLane
) -> None:
    begun = host.begin(lane)
    lane.materialise()
    host.record_policy(production_policy(lane.lane))
    operations.finish(host.office, begun.operation_id, succeeded=True)
    assert databases(lane.cluster)[lane.database].locked
    ((authoritative,),) = lane.cluster.execute(
        "SELECT authoritative FROM launchplane_lane_marker", lane.database
    )
    assert authoritative


def test_a_policy_tightened_under_way_protects_what_went_back(
    host: SmallHost, lane: SmallLane
) -> None:
    begun = host.begin(lane)
    lane.materialise()
    host.record_policy(production_policy(lane.lane))
    operations.undo(host.office, begun.operation_id)
    assert databases(lane.cluster)[lane.database].locked


def test_a_store_put_back_from_an_old_copy_changes_nothing(
    host: SmallHost, lane: SmallLane
) -> None:
    begun = host.begin(lane)
    lane.materialise()
    host.office.close()
    store = next(iter(host.directory.glob("*.sqlite*")))
    copy = host.folder / "copy"
    shutil.copy2(store, copy)
    host.office = LaneOffice.open(HostDirectory.open(host.directory))
    operations.finish(host.office, begun.operation_id, succeeded=True)
    host.office.close()
    shutil.copy2(copy, store)
    host.office = LaneOffice.open(HostDirectory.open(host.directory))
    tries: tuple[Callable[[], object], ...] = (
        lambda: operations.undo(host.office, begun.operation_id),
        lambda: operations.finish(host.office, begun.operation_id, succeeded=True),
        lambda: host.begin(lane),
    )
    for attempt in tries:
        with untouched(lane):
            try:
                attempt()
            except LaneAuthorityError as problem:
                assert problem.reasons[0].code == ReasonCode.STORE_ROLLED_BACK
            else:
                raise AssertionError("it was allowed")


def test_a_change_whose_odoo_does_not_start_is_tried_again(
    host: SmallHost, lane: SmallLane
) -> None:
    begun = host.begin(lane, Operation.RECREATE, DataSource.EXISTING)
    old = lane.data()
    words = (str(host.directory), lane.lane, "prod_rollback_deploy", "existing", None, None)
    assert launchplane_before_provider_effect(*words).allowed
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO away')
    assert not launchplane_before_provider_effect(*words).allowed
    lane.execute(f'ALTER DATABASE away RENAME TO "{lane.database}"')
    operations.finish(host.office, begun.operation_id, succeeded=True)
    assert lane.data() == old
