"""The host and lanes of the driver's tests, and an old server that a lane comes from."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from launchplane_lane_contracts.contract import DatabaseName, FilestorePath
from launchplane_lane_contracts.policy import UpstreamSource
from tests.backups.places import folder_in_memory
from tests.driver.small_host import SmallHost, SmallLane, resettable_policy
from tests.driver.work.conftest import Around
from tests.guard.conftest import clean
from tests.real.postgres import PrivateCluster

from .books import Books
from .old_host import OldHostEstate, make_estate
from .small_odoo import SmallOdoo, write_addons

OLD_DATABASE = "opw_old"


@pytest.fixture(scope="session")
def old_server() -> Iterator[PrivateCluster]:
    """Another server: the old host of a lane."""
    with PrivateCluster() as cluster:
        yield cluster


@dataclass(frozen=True)
class Opw:
    """A lane, and where it comes from."""

    host: SmallHost
    lane: SmallLane
    source: SmallOdoo
    upstream: UpstreamSource

    def guard(self, **changed: str) -> None:
        """The guard, with these variables in its environment."""
        fetch = f"tar -C {self.source.filestore} --null -T - -cf -"
        self.lane.put_guard_back(
            **{
                "PATH": "/usr/bin:/bin",
                "ODOO_UPSTREAM_HOST": self.upstream.host,
                "ODOO_UPSTREAM_DB_NAME": self.upstream.database,
                "ODOO_UPSTREAM_DB_USER": self.source.cluster.odoo.name,
                "ODOO_UPSTREAM_FILESTORE_PATH": self.upstream.filestore_path,
                "LANE_AUTHORITY_UPSTREAM_PORT": str(self.source.cluster.port),
                "LANE_AUTHORITY_UPSTREAM_PASSWORD": self.source.cluster.odoo.password,
                "LANE_AUTHORITY_UPSTREAM_FILES": fetch,
                "ODOO_ADDONS_PATH": str(self.host.folder / "addons"),
                **changed,
            }
        )


@pytest.fixture
def opw(host: SmallHost, old_server: PrivateCluster, tmp_path: Path) -> Iterator[Opw]:
    """A provisional lane that may be restored from its old server."""
    source = SmallOdoo(old_server, OLD_DATABASE, tmp_path / "old" / OLD_DATABASE).make("old host")
    write_addons(host.folder / "addons")
    upstream = UpstreamSource(
        name="old host",
        host=old_server.host,
        database=DatabaseName(OLD_DATABASE),
        filestore_path=FilestorePath(str(source.filestore)),
    )
    lane = host.add_lane("opw")
    host.record_policy(
        resettable_policy(lane.lane, restore_from_upstream_allowed=True, upstream_source=upstream)
    )
    host.enrol(lane)
    lane.declare(upstream)
    made = Opw(host, lane, source, upstream)
    made.guard()
    yield made
    clean(old_server)


@pytest.fixture
def estate(around: Around, old_server: PrivateCluster, tmp_path: Path) -> Iterator[OldHostEstate]:
    """A small lane and its old host, without the host's driver."""
    yield make_estate(around.cluster, old_server, tmp_path)
    old_server.start()
    clean(around.cluster)
    clean(old_server)


@pytest.fixture
def books(host: SmallHost) -> Iterator[Books]:
    """An enrolled production lane; locked."""
    assert host.snapshots is not None
    lane = host.snapshots.lane("production", host, SmallHost.add_production)
    with folder_in_memory() as folder:
        yield Books(host, lane, folder)
