"""One private server and one fork server for this part; a new host with lanes for each test."""

import shutil
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
from tests.driver.snapshots import Snapshots
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
    folder: Path
    """Where the hosts lie, one after the other."""
    new_host: Path
    """The directory of a host that was only made."""
    snapshots: Snapshots


@pytest.fixture(scope="session")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Around]:
    """Make it."""
    with PrivateCluster() as cluster, ForkServer() as forks:
        yield everything_around(cluster, forks, tmp_path_factory.mktemp("around"))


def everything_around(cluster: PrivateCluster, forks: ForkServer, folder: Path) -> Around:
    """The same on this server."""
    people = make_people(folder / "keys", folder / "approvers", (RITA, ANN, BEN))
    approvers = (folder / "approvers").read_text()
    SmallHost(cluster, forks, folder / "new", people, approvers).close()
    return Around(
        cluster,
        forks,
        people,
        approvers,
        folder / "hosts",
        folder / "new" / "host",
        Snapshots(folder / "snapshots"),
    )


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


def laid_out(around: Around) -> SmallHost:
    """A new host without lanes, laid out from the one that was only made."""
    return SmallHost(
        around.cluster,
        around.forks,
        around.folder,
        around.people,
        around.approvers,
        like=around.new_host,
    )


@pytest.fixture
def host(around: Around) -> Iterator[SmallHost]:
    """A new host without lanes."""
    made = laid_out(around)
    yield made
    made.close()
    shutil.rmtree(around.folder)
    clean(around.cluster)


@pytest.fixture
def bare(host: SmallHost) -> SmallLane:
    """A lane with data, of which nobody recorded anything."""
    return host.add_lane("cm")


@pytest.fixture
def lane(around: Around, host: SmallHost) -> SmallLane:
    """An enrolled lane that may be rebuilt from nothing."""
    return around.snapshots.lane("lane", host, lambda host: host.enrolled(host.add_lane("cm")))


@pytest.fixture
def production(around: Around, host: SmallHost) -> SmallLane:
    """An enrolled production lane; locked."""
    return around.snapshots.lane("production", host, SmallHost.add_production)
