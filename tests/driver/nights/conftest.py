"""The same server, forks, people and hosts as where the driver's work is tested."""

import pytest

from tests.driver.nights.devkit_beside import DevkitBeside
from tests.driver.small_host import SmallHost, SmallLane, resettable_policy
from tests.driver.work.conftest import around, bare, host, lane, production

__all__ = ["around", "bare", "host", "lane", "production"]


@pytest.fixture
def devkit(lane: SmallLane) -> DevkitBeside:
    """The devkit's script in the lane `cm`."""
    return DevkitBeside(lane)


@pytest.fixture
def old(host: SmallHost) -> DevkitBeside:
    """The same in the lane `opw`, which may be restored from its old server, and is declared so."""
    opw = host.add_lane("opw")
    made = DevkitBeside(opw)
    host.record_policy(
        resettable_policy(
            opw.lane, restore_from_upstream_allowed=True, upstream_source=made.upstream
        )
    )
    host.enrol(opw)
    opw.declare(made.upstream)
    return made
