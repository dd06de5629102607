"""An enrolled lane, made once and laid out again for each test that starts from it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from launchplane_lane_contracts.observation import HostRecord
from tests.guard import copies
from tests.guard.estate import Estate
from tests.guard.fingerprint import DatabaseRow
from tests.guard.signing import ControlPlane
from tests.real.postgres import PrivateCluster


@dataclass(frozen=True)
class Snapshot:
    """What was saved of a lane and its host."""

    files: Path
    row: DatabaseRow
    record: HostRecord
    host: ControlPlane
    generations: int


class Snapshots:
    """Those of one server, by name. All lanes lie in one place, for the marker binds to it."""

    def __init__(self, cluster: PrivateCluster, folder: Path) -> None:
        self._cluster = cluster
        self._saved_in = folder / "saved"
        self.place = folder / "place"
        """Holds a lane's folder, and the folders that a test makes beside it."""
        self._snapshots: dict[str, Snapshot] = {}

    def lane(self, name: str, database: str, *, protected: bool) -> Estate:
        """The enrolled lane; from the second time on laid out."""
        made = Estate(
            self._cluster,
            self.place / "lane",
            database,
            self._cluster.odoo,
            protected=protected,
        )
        saved = self._snapshots.get(name)
        if saved is None:
            self._snapshots[name] = self._save(name, made.make().enrol())
            return made
        made.host, made.record, made.generations = saved.host, saved.record, saved.generations
        shutil.copytree(saved.files, made.folder)
        copies.make_again(self._cluster, database, name, saved.row)
        return made

    def _save(self, name: str, made: Estate) -> Snapshot:
        files = self._saved_in / name
        shutil.copytree(made.folder, files)
        row = copies.save(self._cluster, made.database, name)
        return Snapshot(files, row, made.record, made.host, made.generations)

    def clear(self) -> None:
        """Leave no file for the next test."""
        shutil.rmtree(self.place, ignore_errors=True)
