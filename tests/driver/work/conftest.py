"""One private server and one fork server for this part; a new host with lanes for each test."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.driver.fork_server import ForkServer
from tests.driver.small_host import (
    ANN,
    BEN,
    RITA,
    SmallHost,
    SmallLane,
)
from tests.guard import fingerprint
from tests.real.postgres import PrivateCluster
from tests.system.people import Someone, make_people


@dataclass(frozen=True)
class Around:
    """What is made once: server, forks, and people with keys."""

    cluster: PrivateCluster
    forks: ForkServer
    people: Mapping[str, Someone]
    approvers: str


@pytest.fixture(scope="session")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Around]:
    """Make it."""
    folder = tmp_path_factory.mktemp("people")
    people = make_people(folder / "keys", folder / "approvers", (RITA, ANN, BEN))
    with PrivateCluster() as cluster, ForkServer() as forks:
        yield Around(cluster, forks, people, (folder / "approvers").read_text())


def clean(cluster: PrivateCluster) -> None:
    """Leave nothing on the server for the next test."""
    for name in fingerprint.databases(cluster):
        cluster.execute(f'ALTER DATABASE "{name}" WITH IS_TEMPLATE false')
        cluster.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def new_host(around: Around, folder: Path, store_url: str | None = None) -> SmallHost:
    """A new host without lanes, with its store in a file or at this address."""
    return SmallHost(
        around.cluster, around.forks, folder, around.people, around.approvers, store_url=store_url
    )


@pytest.fixture
def host(around: Around, tmp_path: Path) -> Iterator[SmallHost]:
    """A new host without lanes."""
    made = new_host(around, tmp_path)
    yield made
    made.close()
    clean(around.cluster)


@pytest.fixture
def bare(host: SmallHost) -> SmallLane:
    """A lane with data, of which nobody recorded anything."""
    return host.add_lane("cm")


@pytest.fixture
def lane(host: SmallHost, bare: SmallLane) -> SmallLane:
    """An enrolled lane that may be rebuilt from nothing."""
    return host.enrolled(bare)


@pytest.fixture
def production(host: SmallHost) -> SmallLane:
    """An enrolled production lane; locked."""
    return host.add_production()
