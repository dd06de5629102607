"""One private server for this part, and a small lane on it for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guard import fingerprint
from tests.guard.estate import LANE, Estate
from tests.guard.snapshots import Snapshots
from tests.real.postgres import PrivateCluster

LANE_DATABASE = "lane"
STANDING_DATABASE = "standing"


@pytest.fixture(scope="session")
def cluster() -> Iterator[PrivateCluster]:
    """A private server. Its role `odoo` has CREATEDB and is no superuser."""
    with PrivateCluster() as private:
        yield private


def clean(cluster: PrivateCluster) -> None:
    """Leave nothing on the server for the next test."""
    cluster.start()
    for gid, database in cluster.execute("SELECT gid, database FROM pg_prepared_xacts"):
        cluster.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
        cluster.execute(f"ROLLBACK PREPARED '{gid}'", str(database))
    for name in fingerprint.databases(cluster).keys() - {STANDING_DATABASE}:
        cluster.execute(f'ALTER DATABASE "{name}" WITH IS_TEMPLATE false')
        cluster.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    cluster.execute("ALTER ROLE odoo CREATEDB")


@pytest.fixture(scope="module")
def standing(cluster: PrivateCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """An enrolled lane for tests that must not change anything; one for all of a module."""
    clean(cluster)
    folder = tmp_path_factory.mktemp("standing")
    other = LANE.model_copy(update={"instance": "standing"})
    made = Estate(cluster, folder, STANDING_DATABASE, cluster.odoo, lane=other).make().enrol()
    before = made.everything()
    yield made
    assert made.everything() == before
    cluster.execute(f"DROP DATABASE {STANDING_DATABASE} WITH (FORCE)")


@pytest.fixture
def bare(cluster: PrivateCluster, tmp_path: Path) -> Iterator[Estate]:
    """A lane that was never enrolled."""
    yield Estate(cluster, tmp_path, LANE_DATABASE, cluster.odoo).make()
    clean(cluster)


@pytest.fixture(scope="session")
def snapshots(cluster: PrivateCluster, tmp_path_factory: pytest.TempPathFactory) -> Snapshots:
    """What the lanes are laid out from."""
    return Snapshots(cluster, tmp_path_factory.mktemp("lanes"))


@pytest.fixture
def lane(cluster: PrivateCluster, snapshots: Snapshots) -> Iterator[Estate]:
    """An enrolled testing lane, which may be rebuilt from empty."""
    yield snapshots.lane("lane", LANE_DATABASE, protected=False)
    clean(cluster)
    snapshots.clear()


@pytest.fixture
def production(cluster: PrivateCluster, snapshots: Snapshots) -> Iterator[Estate]:
    """An enrolled production lane, locked, with a proven backup and an approver."""
    yield snapshots.lane("production", LANE_DATABASE, protected=True)
    clean(cluster)
    snapshots.clear()
