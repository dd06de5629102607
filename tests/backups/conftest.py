"""One private server for this part, a small lane on it, and a volume of its own for backups."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from launchplane_lane_guard.backups_folder import Backup
from launchplane_lane_guard.capture import capture
from launchplane_lane_guard.settings import GuardSettings, settings_from_environment
from tests.backups.places import folder_in_memory
from tests.driver.fork_server import ForkServer
from tests.driver.small_host import SmallHost
from tests.driver.work.conftest import Around, everything_around, laid_out
from tests.guard.attachments import attach, forget_odd_names
from tests.guard.conftest import LANE_DATABASE, STANDING_DATABASE, clean
from tests.guard.estate import LANE, Estate
from tests.real.postgres import PrivateCluster

STANDING_LANE = LANE.model_copy(update={"instance": "standing"})
MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Standing:
    """A lane that nobody changes."""

    lane: Estate
    settings: GuardSettings
    backup: Backup


@pytest.fixture(scope="session")
def cluster() -> Iterator[PrivateCluster]:
    """A private server. Its role `odoo` has CREATEDB and is no superuser."""
    with PrivateCluster() as private:
        yield private


@pytest.fixture(scope="session")
def standing(
    cluster: PrivateCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standing]:
    """An enrolled lane that no test may change, with one backup of it; one for all of this part."""
    place = tmp_path_factory.mktemp("standing")
    made = Estate(cluster, place, STANDING_DATABASE, cluster.odoo, lane=STANDING_LANE).make()
    forget_odd_names(made)
    attach(made, 12)
    made.execute("SELECT lo_from_bytea(70001, 'a large object')", made.database)
    made.enrol()
    before = made.everything()
    with folder_in_memory() as folder:
        settings = settings_of(made, folder)
        yield Standing(made, settings, capture(settings).backup)
    assert made.everything() == before


@pytest.fixture(scope="session")
def around(cluster: PrivateCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Around]:
    """What every host of this part shares: forks, and people with keys."""
    with ForkServer() as forks:
        yield everything_around(cluster, forks, tmp_path_factory.mktemp("around"))


@pytest.fixture
def host(around: Around) -> Iterator[SmallHost]:
    """A new host without lanes."""
    made = laid_out(around)
    made.snapshots = around.snapshots
    yield made
    made.close()
    shutil.rmtree(around.folder)
    clean(around.cluster)


@pytest.fixture
def lane(cluster: PrivateCluster, tmp_path: Path) -> Iterator[Estate]:
    """An enrolled lane with a few rows and files that Odoo could have named."""
    made = Estate(cluster, tmp_path, LANE_DATABASE, cluster.odoo).make()
    forget_odd_names(made)
    attach(made, 12)
    yield made.enrol()
    clean(cluster)


@pytest.fixture
def production(cluster: PrivateCluster, tmp_path: Path) -> Iterator[Estate]:
    """The same of a production lane, whose files have a shadow."""
    made = Estate(cluster, tmp_path, LANE_DATABASE, cluster.odoo, protected=True).make()
    forget_odd_names(made)
    attach(made, 12)
    yield made.enrol()
    clean(cluster)


@pytest.fixture
def backups() -> Iterator[Path]:
    """A folder for backups on another volume than the lane."""
    with folder_in_memory() as folder:
        yield folder


@pytest.fixture
def settings(lane: Estate, backups: Path) -> GuardSettings:
    """What the guard of the lane knows, with the place for backups."""
    return settings_of(lane, backups)


def settings_of(lane: Estate, backups: Path) -> GuardSettings:
    """The same of any lane."""
    return replace(settings_from_environment(lane.environment()), backups=backups)
