"""One private server for all tests here, and a small lane on it for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.postgres import PrivateCluster
from tests.standins_tests.small_lane import SmallLane


@pytest.fixture(scope="session")
def cluster() -> Iterator[PrivateCluster]:
    """A private server."""
    with PrivateCluster() as private:
        yield private


@pytest.fixture
def lane(cluster: PrivateCluster, tmp_path: Path) -> Iterator[SmallLane]:
    """A lane with a row and a file, an upstream with others, and a template with others yet."""
    small = SmallLane(cluster, tmp_path)
    small.make()
    yield small
    small.remove()
