"""Another lane's own database that lost its tag stands under the name of a rebuild that began."""

from collections.abc import Iterator

import pytest

from launchplane_lane_contracts.vocabulary import MarkerState
from tests.guard.clones.other_lane import other_lane
from tests.guard.estate import Estate, refused


@pytest.fixture
def other(lane: Estate) -> Iterator[Estate]:
    """A production lane of the same control plane, on the same server."""
    yield other_lane(lane, protected=True)


def test_it_is_neither_finished_nor_kept_with_the_remains(lane: Estate, other: Estate) -> None:
    old, theirs, permit = lane.data(), other.data(), lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.execute(f"ALTER DATABASE {other.database} RENAME TO {lane.database}")
    lane.execute(f"COMMENT ON DATABASE {lane.database} IS NULL")
    before, token = lane.everything(), lane.sign(permit)
    for command in ("demote", "finish"):
        refused(lane.run(command, token), "result_not_as_permitted")
    refused(lane.run("undo", lane.sign(lane.undo_order(permit))), "undo_impossible")
    assert lane.everything() == before
    # What the remedy says.
    lane.execute(f"ALTER DATABASE {lane.database} RENAME TO {other.database}")
    lane.done("undo", lane.sign(lane.undo_order(permit)))
    assert lane.data() == old
    assert other.data() == theirs


def test_a_copy_of_it_is_what_came(lane: Estate, other: Estate) -> None:
    """A restore from another lane brings that lane's marker with it, and is settled."""
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.execute(f"CREATE DATABASE {lane.database} TEMPLATE {other.database}")
    lane.make_files(lane.filestore)
    lane.settle(permit)
    request = lane.request(permit.request.data_source)
    seen = lane.observe(lane.show(), request, lane.incoming(request.data_source, None))
    assert seen.marker.state is MarkerState.BOUND
