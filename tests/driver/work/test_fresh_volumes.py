"""Data that is replaced by going to other volumes: a second cluster, a second folder.

The old cluster is what is kept. Nothing in it serves any more, and the way back is the provider's.
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import click
import pytest

from launchplane_lane_contracts.evidence import LoadProof
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.request import FreshVolumes, Request
from launchplane_lane_contracts.vocabulary import DataSource, MarkerState, Operation
from launchplane_lane_driver import planning
from launchplane_lane_driver.lane_office import utc_now
from launchplane_lane_driver.lane_view import lane_view
from launchplane_lane_driver.recording_evidence import record_evidence
from launchplane_lane_driver.store.records import OperationRecord
from tests.driver.plane import Plane
from tests.driver.small_host import RITA, SmallHost, SmallLane, untouched
from tests.driver.work.conftest import clean
from tests.guard import fingerprint
from tests.real.postgres import PrivateCluster
from tests.standins import launchplane

VOLUMES = FreshVolumes(database_before="o", database_after="n")
"""What the plane's request for a backup restore names."""


@pytest.fixture(scope="module")
def second() -> Iterator[PrivateCluster]:
    """The cluster on the fresh volume."""
    with PrivateCluster() as cluster:
        yield cluster


class Volumes:
    """A provider that can put the lane on a second cluster and folder, and back."""

    def __init__(self, plane: Plane, second: PrivateCluster) -> None:
        self.lane, self.second, self.first = plane.lane, second, plane.lane.cluster
        self.aside = plane.lane.folder / "files-of-the-old-volume"
        self.stays = False
        target = plane.provider.targets["t1"]
        plane.provider.add(replace(target, put_on_volumes=self.put, start=self.start))

    def put(self, volumes: Mapping[str, object]) -> None:
        """New containers on fresh volumes, where the call asks for them."""
        if volumes.get("fresh") and not self.stays:
            self.go(self.second, self.lane.filestore, self.aside)

    def back(self) -> None:
        """The old volumes again."""
        shutil.rmtree(self.lane.filestore)
        self.go(self.first, self.aside, self.lane.filestore)

    def go(self, cluster: PrivateCluster, files: Path, to: Path) -> None:
        self.lane.cluster = cluster
        files.rename(to)
        self.lane.filestore.mkdir(exist_ok=True)
        self.lane.put_guard_back()

    def start(self) -> None:
        """Containers that find no database make one, as the real ones do."""
        if self.lane.database not in fingerprint.databases(self.lane.cluster):
            self.lane.make_data("fresh")


@pytest.fixture
def plane(host: SmallHost, lane: SmallLane) -> Plane:
    return Plane(host, lane)


@pytest.fixture
def volumes(plane: Plane, second: PrivateCluster) -> Iterator[Volumes]:
    made = Volumes(plane, second)
    yield made
    plane.lane.cluster = made.first
    clean(second)


def authorize(host: SmallHost, lane: SmallLane, fresh: FreshVolumes | None) -> OperationRecord:
    request = host.request(lane, Operation.RECREATE, DataSource.EMPTY)
    asked = Request.model_validate({**request.model_dump(), "fresh_volumes": fresh})
    return planning.authorize(host.office, planning.plan(host.office, asked).plan_digest)


def replacement(plane: Plane) -> None:
    with launchplane.provider_connected(plane.provider):
        plane.replacement()


def test_the_lane_goes_on_elsewhere_and_the_old_cluster_serves_nothing(
    host: SmallHost, plane: Plane, volumes: Volumes
) -> None:
    lane, old = plane.lane, plane.lane.data()
    before = host.office.store.host_record(lane.lane).identity
    assert before is not None
    held = authorize(host, lane, VOLUMES)
    # A new cluster hands out the same oids as the old one did; this one begins with another.
    volumes.second.execute("CREATE DATABASE first")
    replacement(plane)
    assert host.phase(held) == "settled"
    record = host.office.store.host_record(lane.lane)
    assert record.identity is not None
    assert record.identity.system_identifier != before.system_identifier
    assert host.plan(lane).observation.marker.state == "bound"
    # Nothing of the old volume is gone, and nothing of it is served.
    found = fingerprint.databases(volumes.first)
    kept = host.office.store.operation(held.operation_id).kept_name
    assert kept is not None
    assert lane.database not in found
    assert (found[kept].oid, found[kept].locked) == (old.oid, True)
    assert not found[kept].takes_connections
    (left,) = (
        each.document["particulars"]
        for each in host.office.store.ledger_entries()
        if "fresh_volumes" in (each.document.get("particulars") or {})
    )
    assert left["fresh_volumes"] == VOLUMES.to_plain()
    assert left["system_identifier_before"] == before.system_identifier
    assert left["kept_name"] == kept
    assert left["left_at"]
    # An oid says nothing on another cluster: another lane may have this one there.
    other = host.place_for_lane("zz")
    other.cluster = volumes.second
    other.put_guard_back()
    other.make_data()
    volumes.second.execute(f'ALTER DATABASE "{other.database}" RENAME TO made')
    volumes.second.execute("DROP DATABASE first")
    volumes.second.execute(
        f'CREATE DATABASE "{other.database}" TEMPLATE made OID = {old.oid} OWNER '
        f'"{other.cluster.odoo.name}"'
    )
    host.take_up(other)
    host.enrolled(other)
    assert fingerprint.databases(volumes.second)[other.database].oid == old.oid
    assert lane_view(host.office, other.lane).marker.value is MarkerState.BOUND
    # The lane goes on there: a promotion and a rollback leave its data in place.
    there = lane.data()
    for workflow in (Plane.promotion, Plane.rollback):
        held = host.authorize(lane, Operation.RECREATE, DataSource.EXISTING)
        with launchplane.provider_connected(plane.provider):
            workflow(plane)
        assert host.phase(held) == "settled"
    assert lane.data() == there


@pytest.mark.full
def test_one_that_died_before_it_went_elsewhere_is_done_once_more(
    host: SmallHost, plane: Plane, volumes: Volumes
) -> None:
    lane, old = plane.lane, plane.lane.data()
    held = authorize(host, lane, VOLUMES)
    volumes.stays = True
    with pytest.raises(click.ClickException, match="its cluster is still"):
        replacement(plane)
    kept = host.office.store.operation(held.operation_id).kept_name
    assert kept is not None
    assert host.operate("retry", held.operation_id).code == 0
    volumes.stays = False
    volumes.put({"fresh": True})
    volumes.start()
    # What was begun there is not begun once more on the fresh volume: it is finished, or goes back.
    with untouched(lane):
        again = host.operate("retry", held.operation_id)
        assert (again.code, ReasonCode.MARKER_ABSENT in again.stderr) == (50, True)
    assert host.operate("finish", held.operation_id).code == 0
    assert host.phase(held) == "settled"
    assert lane.cluster is volumes.second
    # What the first try made is kept as well, and the data from before it.
    found = fingerprint.databases(volumes.first)
    assert (found[kept].oid, found[kept].locked) == (old.oid, True)
    assert len([name for name in found if "__kept_" in name]) == 2


def test_a_provider_that_stays_in_place_settles_nothing(
    host: SmallHost, plane: Plane, volumes: Volumes
) -> None:
    old = plane.lane.data()
    held = authorize(host, plane.lane, VOLUMES)
    volumes.stays = True
    with pytest.raises(click.ClickException, match="its cluster is still"):
        replacement(plane)
    assert host.operate("undo", held.operation_id).code == 0
    assert plane.lane.data() == old


def test_a_provider_that_goes_elsewhere_unasked_settles_nothing(
    host: SmallHost, plane: Plane, volumes: Volumes
) -> None:
    old = plane.lane.data()
    held = authorize(host, plane.lane, None)
    with pytest.raises(click.ClickException, match=ReasonCode.RESULT_NOT_AS_PERMITTED):
        replacement(plane)
    assert host.phase(held) == "begun"
    # Undone is what stands on the volumes where it was begun.
    assert host.operate("undo", held.operation_id).code != 0
    volumes.back()
    assert host.operate("undo", held.operation_id).code == 0
    assert plane.lane.data() == old


def test_a_backup_restore_goes_to_the_volume_that_was_authorized(
    host: SmallHost, plane: Plane, volumes: Volumes
) -> None:
    lane, old = plane.lane, plane.lane.data()
    gate = host.gate(lane)
    record_evidence(host.office, gate)
    proof = LoadProof(
        backup_id=gate.backup_id, manifest_digest=gate.manifest_digest, proven_at=utc_now()
    )
    record_evidence(host.office, proof)

    def authorized(fresh: FreshVolumes) -> OperationRecord:
        asked = Request(
            lane=lane.lane,
            operation=Operation.RESTORE,
            data_source=DataSource.BACKUP_RESTORE,
            requester=RITA,
            backup_id=gate.backup_id,
            fresh_volumes=fresh,
        )
        return planning.authorize(host.office, planning.plan(host.office, asked).plan_digest)

    def restore() -> None:
        with launchplane.provider_connected(plane.provider):
            plane.backup_restore()

    other = authorized(VOLUMES.model_copy(update={"database_after": "another"}))
    with pytest.raises(click.ClickException, match="from volume o to another"):
        restore()
    assert plane.provider.calls == []
    assert lane.data() == old
    assert host.operate("undo", other.operation_id).code == 0
    held = authorized(VOLUMES)
    restore()
    assert host.phase(held) == "settled"
    assert lane.cluster is volumes.second


def test_volumes_on_the_command_line(host: SmallHost, lane: SmallLane) -> None:
    words = ("plan", str(lane.lane), "recreate/empty")
    good = host.operate(*words, "--database-volume", "cm-db=cm-db-2", "--files-volume", "f=g")
    assert good.code == 0
    assert "database from cm-db to cm-db-2, files from f to g" in good.stdout
    for bad in (
        ("--database-volume", "cm-db"),
        ("--database-volume", "a=a"),
        ("--files-volume", "a=b"),
        ("--database-volume", "a=b", "--files-volume", "c=c"),
    ):
        assert host.operate(*words, *bad).code == 2, bad
    existing = ("plan", str(lane.lane), "recreate/existing", "--database-volume", "a=b")
    assert host.operate(*existing).code == 2
