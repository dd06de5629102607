"""Stores on SQLite and on PostgreSQL, and a host directory, for the tests of the host side."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from launchplane_lane_driver.host_directory import HostDirectory
from launchplane_lane_driver.store import Store
from tests.driver.places import Place, new_database_for_a_store
from tests.real.postgres import PrivateCluster


@pytest.fixture(scope="session")
def store_cluster() -> Iterator[PrivateCluster]:
    """A private server for stores."""
    with PrivateCluster() as private:
        yield private


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place for a store, once of each kind."""
    head_file = tmp_path / "keys" / "ledger-head.json"
    head_file.parent.mkdir()
    if request.param == "sqlite":
        return Place(f"sqlite:///{tmp_path / 'store.sqlite3'}", head_file)
    cluster: PrivateCluster = request.getfixturevalue("store_cluster")
    return Place(new_database_for_a_store(cluster), head_file)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """An open store."""
    opened = place.open()
    yield opened
    opened.close()


@pytest.fixture
def host(tmp_path: Path) -> HostDirectory:
    """A new host directory."""
    return HostDirectory.initialise(tmp_path / "host")
