"""On fresh volumes the guard wants another cluster, before and after the data has come."""

from collections.abc import Iterator

import pytest

from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.plan import plan_target
from launchplane_lane_contracts.request import FreshVolumes, Request
from launchplane_lane_contracts.rulebook import decide
from tests.guard.conftest import clean
from tests.guard.estate import Estate, refused
from tests.real.postgres import PrivateCluster

VOLUMES = FreshVolumes(database_before="lane-db", database_after="lane-db-2")


@pytest.fixture(scope="module")
def second() -> Iterator[PrivateCluster]:
    """The cluster on the fresh volume."""
    with PrivateCluster() as cluster:
        yield cluster


@pytest.fixture
def moving(lane: Estate, second: PrivateCluster) -> Iterator[Estate]:
    """A lane whose begin is over, and whose provider is to put it on fresh volumes."""
    first = lane.cluster
    yield lane
    lane.cluster = first
    clean(second)


def fresh_permit(lane: Estate) -> Permit:
    """A permit for fresh volumes, of a plan that says so."""
    made = lane.permit()
    request = Request.model_validate({**made.request.model_dump(), "fresh_volumes": VOLUMES})
    decision = decide(made.policy, request, made.observation, made.issued_at)
    target = plan_target(request, made.policy, made.observation, decision, database=made.database)
    return made.model_copy(update={"request": request, "plan_digest": target.digest()})


def test_nothing_comes_and_nothing_ends_on_the_old_cluster(
    moving: Estate, second: PrivateCluster
) -> None:
    lane, old = moving, moving.data()
    permit = fresh_permit(lane)
    token = lane.sign(permit)
    lane.done("begin", token)
    ask = ["restore-source", "--permit", "-"]
    refused(lane.start_with(ask, token).wait(), "readings_moved")
    lane.materialise()
    refused(lane.run("finish", token), "result_not_as_permitted")
    lane.drop_like_the_devkit()
    first, lane.cluster = lane.cluster, second
    lane.role = second.odoo
    assert lane.start_with(ask, token).wait().exit_code == 0
    # The first database of a cluster has the first oid: that says nothing here.
    lane.materialise("fresh")
    lane.done("finish", token)
    lane.cluster, lane.role = first, first.odoo
    assert lane.kept_data(permit.kept_name).rows == old.rows
