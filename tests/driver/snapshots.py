"""A host with one enrolled lane, made once and laid out again for each test that starts from it.

Every host of a session lies in the same folder: the marker binds to the path of the files.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from launchplane_lane_driver.lane_office import LaneOffice
from tests.driver.small_host import SmallHost, SmallLane
from tests.guard import copies
from tests.guard.fingerprint import DatabaseRow

Make = Callable[[SmallHost], SmallLane]


@dataclass(frozen=True)
class Snapshot:
    """What was saved of a host and its one lane."""

    folder: Path
    context: str
    row: DatabaseRow


class Snapshots:
    """Those of one session, by name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._saved: dict[str, Snapshot] = {}

    def lane(self, name: str, host: SmallHost, make: Make) -> SmallLane:
        """The lane that `make` makes on a host without lanes; from the second time on laid out."""
        if host.lanes:
            return make(host)
        saved = self._saved.get(name)
        if saved is not None:
            return _laid_out(saved, host)
        made = make(host)
        self._saved[name] = _saved(self._folder / name, host, made)
        return made


def _saved(folder: Path, host: SmallHost, lane: SmallLane) -> Snapshot:
    host.office.close()
    shutil.copytree(host.directory, folder / "host")
    shutil.copytree(lane.folder, folder / "lane")
    host.office = LaneOffice.open(host.host)
    row = copies.save(lane.cluster, lane.database, folder.name)
    return Snapshot(folder, lane.lane.context, row)


def _laid_out(saved: Snapshot, host: SmallHost) -> SmallLane:
    host.office.close()
    shutil.rmtree(host.directory)
    shutil.copytree(saved.folder / "host", host.directory)
    host.office = LaneOffice.open(host.host)
    lane = host.place_for_lane(saved.context)
    shutil.copytree(saved.folder / "lane", lane.folder, dirs_exist_ok=True)
    copies.make_again(lane.cluster, lane.database, saved.folder.name, saved.row)
    host.take_up(lane)
    return lane
