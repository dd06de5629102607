"""`moved`: the same data on another server, once the old place is over; by pg_upgrade as well."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import (
    DataSource,
    FilestoreState,
    MarkerState,
    OldPlace,
    Operation,
)
from launchplane_lane_driver.lane_view import lane_view
from launchplane_lane_driver.lives import Asked, look
from launchplane_lane_driver.lives.adopt import Adopt
from launchplane_lane_driver.lives.moved import Moved
from launchplane_lane_driver.lives.restamp import Restamp
from tests.driver.small_host import (
    RITA,
    SmallHost,
    SmallLane,
    production_policy,
    refused,
    resettable_policy,
    write_program,
)
from tests.driver.work.conftest import Around, clean
from tests.driver.work.test_interrupted import AFTER, BEFORE, killed_at
from tests.guard import fingerprint
from tests.guard.clones.test_upgrade import NEW, OLD, upgrade
from tests.real.postgres import PrivateCluster

MOVED = Moved()
BACK = (Operation.RESTORE, DataSource.KEPT)


@pytest.fixture(scope="module")
def another_server() -> Iterator[PrivateCluster]:
    """A second server, with roles of its own."""
    with PrivateCluster() as cluster:
        yield cluster


@pytest.fixture
def elsewhere(another_server: PrivateCluster) -> Iterator[PrivateCluster]:
    """The same without any database."""
    yield another_server
    clean(another_server)


def old_guard(lane: SmallLane) -> tuple[str, ...]:
    """The guard as it is now, under another name: it goes on looking at this place."""
    program = lane.folder.parent / f"old-guard-{lane.database}"
    write_program(program, lane.forks.guard_program(lane.environment()))
    return (str(program),)


def dump(lane: SmallLane, file: Path) -> None:
    subprocess.run(
        [str(lane.cluster.binaries / "pg_dump"), "-Fc", "-f", str(file), lane.database],
        env=lane.cluster.environment(),
        check=True,
    )


def stands_at(lane: SmallLane, cluster: PrivateCluster) -> None:
    """The lane's container is connected to this server from now on."""
    lane.cluster = cluster
    lane.put_guard_back()


def restore(lane: SmallLane, file: Path) -> None:
    lane.execute(f'CREATE DATABASE "{lane.database}"')
    subprocess.run(
        [
            *(str(lane.cluster.binaries / "pg_restore"), "--no-owner", "--exit-on-error"),
            *("-d", lane.database, str(file)),
        ],
        env=lane.cluster.environment(),
        check=True,
    )


def migrate(lane: SmallLane, cluster: PrivateCluster, folder: Path) -> tuple[str, ...]:
    """A migration by dump and restore; the guard of the old place."""
    guard = old_guard(lane)
    dump(lane, folder / "dump")
    stands_at(lane, cluster)
    restore(lane, folder / "dump")
    return guard


def asked(lane: SmallLane, **more: object) -> Asked:
    return Asked(lane.lane, RITA, "a new server", **more)  # type: ignore[arg-type]


def close(cluster: PrivateCluster, name: str, *, closed: bool = True) -> None:
    cluster.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {not closed}')


def test_a_migration_is_recorded_once_the_old_place_is_over(
    host: SmallHost, production: SmallLane, elsewhere: PrivateCluster, tmp_path: Path
) -> None:
    lane, before, old = production, production.data(), production.cluster
    guard = migrate(lane, elsewhere, tmp_path)
    codes = {each.code for each in host.plan(lane).decision.reasons}
    assert ReasonCode.MARKER_COPIED in codes
    for claim in (
        asked(lane),
        asked(lane, old_guard=guard),
        # One that answers and contradicts is not overruled by what somebody says.
        asked(lane, old_guard=guard, old_place_is_stopped=True),
        # Not the old place.
        asked(lane, old_guard=(str(lane.guard),)),
    ):
        with refused(ReasonCode.OLD_PLACE_UNSETTLED):
            look(host.office, MOVED, claim)
    # Silence alone is not gone.
    old.stop()
    with refused(ReasonCode.OLD_PLACE_UNSETTLED):
        look(host.office, MOVED, asked(lane, old_guard=guard))
    attested = look(host.office, MOVED, asked(lane, old_guard=guard, old_place_is_stopped=True))
    assert attested.document.old_place is OldPlace.ATTESTED
    old.start()
    close(old, lane.database)
    command = ("moved", str(lane.lane), "--reason", "a new server", "--old-guard", *guard)
    shown = json.loads(host.operate(*command, "--json").stdout)
    assert (shown["old_place"], shown["approvers_required"]) == ("closed", 1)
    host.live(MOVED, lane, asked(lane, old_guard=guard))
    after = lane.data()
    assert (after.rows, after.files) == (before.rows, before.files)
    view = lane_view(host.office, lane.lane)
    assert (view.marker.value, view.filestore.value, view.generation.value) == (
        MarkerState.BOUND,
        FilestoreState.OURS,
        2,
    )
    assert fingerprint.databases(elsewhere)[lane.database].locked
    with refused(ReasonCode.NOTHING_TO_DO):
        look(host.office, MOVED, asked(lane, old_guard=guard))
    # What comes back at the old place is an old copy.
    close(old, lane.database, closed=False)
    stands_at(lane, old)
    assert lane_view(host.office, lane.lane).marker.value is MarkerState.ROLLED_BACK
    stands_at(lane, elsewhere)
    old.execute(f'ALTER DATABASE "{lane.database}" WITH IS_TEMPLATE false')
    old.execute(f'DROP DATABASE "{lane.database}"')
    assert fingerprint.databases(elsewhere)[lane.database].oid == after.oid
    host.office.store.verify_ledger()


def test_kept_data_is_not_forgotten_at_the_old_place(
    host: SmallHost, lane: SmallLane, elsewhere: PrivateCluster, tmp_path: Path
) -> None:
    host.rebuild(lane)
    host.record_policy(production_policy(lane.lane))
    host.live(Restamp(), lane)
    old = lane.cluster
    guard = migrate(lane, elsewhere, tmp_path)
    old.execute(f'ALTER DATABASE "{lane.database}" WITH IS_TEMPLATE false')
    old.execute(f'DROP DATABASE "{lane.database}"')
    with refused(ReasonCode.KEPT_CHANGED):
        look(host.office, MOVED, asked(lane, old_guard=guard))
    giving_up = asked(lane, old_guard=guard, give_up=True)
    found = look(host.office, MOVED, giving_up)
    assert (found.document.old_place, found.tally.required) == (OldPlace.GONE, 2)
    (kept,) = host.office.store.host_record(lane.lane).kept
    assert found.document.kept_given_up == (kept.name,)
    host.live(MOVED, lane, giving_up)
    assert host.office.store.host_record(lane.lane).kept == ()
    assert any(
        entry.kind == "kept_released" and "given up" in str(entry.document["particulars"])
        for entry in host.office.store.ledger_entries(lane.lane)
    )
    # Nothing was dropped there: it is the old server's from now on.
    assert kept.name in fingerprint.databases(old)
    assert lane_view(host.office, lane.lane).marker.value is MarkerState.BOUND


@pytest.mark.parametrize("script", [pytest.param(BEFORE, marks=pytest.mark.full), AFTER])
def test_a_move_that_died_goes_on(
    host: SmallHost, lane: SmallLane, elsewhere: PrivateCluster, tmp_path: Path, script: str
) -> None:
    host.rebuild(lane)
    rows = lane.data().rows
    old = lane.cluster
    guard = migrate(lane, elsewhere, tmp_path)
    close(old, lane.database)
    found = look(host.office, MOVED, asked(lane, old_guard=guard))
    # What is not the only true copy may stay behind.
    assert len(found.document.kept_left) == 1
    host.sign(found.digest, RITA, "ann")
    command = ("moved", str(lane.lane), "--digest", found.digest)
    killed_at(host, lane, script, "stamp", *command)
    done = host.operate(*command)
    assert done.code == 0, done.stderr
    record = host.office.store.host_record(lane.lane)
    assert record.generation is not None
    assert (record.generation > 2, record.kept) == (True, ())
    assert lane.data().rows == rows
    assert lane_view(host.office, lane.lane).marker.value is MarkerState.BOUND


def test_what_did_not_move(
    host: SmallHost, lane: SmallLane, elsewhere: PrivateCluster, tmp_path: Path
) -> None:
    dump(lane, tmp_path / "older")
    host.live(Restamp(), lane)
    guard = old_guard(lane)
    claim = asked(lane, old_guard=guard, old_place_is_stopped=True)
    # An older dump than the newest writing of the marker.
    stands_at(lane, elsewhere)
    with refused(ReasonCode.DATABASE_MISSING, ReasonCode.OLD_PLACE_UNSETTLED):
        look(host.office, MOVED, claim)
    restore(lane, tmp_path / "older")
    close(host.cluster, lane.database)
    with refused(ReasonCode.MARKER_COPIED):
        look(host.office, MOVED, claim)
    # The files did not come along.
    shutil.move(lane.filestore, tmp_path / "files")
    with refused(ReasonCode.MARKER_COPIED, ReasonCode.FILESTORE_MISSING):
        look(host.office, MOVED, claim)
    shutil.move(tmp_path / "files", lane.filestore)
    # A dump in the lane's own place is adopted.
    close(host.cluster, lane.database, closed=False)
    stands_at(lane, host.cluster)
    lane.execute(f'DROP DATABASE "{lane.database}"')
    restore(lane, tmp_path / "older")
    with refused(ReasonCode.MARKER_COPIED):
        look(host.office, MOVED, claim)
    host.live(Adopt(), lane)


@pytest.fixture
def upgrading(around: Around, tmp_path: Path) -> Iterator[tuple[SmallHost, PrivateCluster]]:
    """A host whose lanes stand on an old server, and a new one."""
    with PrivateCluster(version=OLD) as old, PrivateCluster(version=NEW) as new:
        host = SmallHost(old, around.forks, tmp_path, around.people, around.approvers)
        yield host, new
        host.close()


@pytest.mark.slow
def test_a_real_upgrade_takes_kept_data_along(
    upgrading: tuple[SmallHost, PrivateCluster],
) -> None:
    host, new = upgrading
    lane = host.add_lane("cm")
    host.record_policy(resettable_policy(lane.lane))
    host.enrol(lane)
    first = lane.data()
    host.rebuild(lane)
    (kept,) = host.office.store.host_record(lane.lane).kept
    before, old = lane.data(), lane.cluster
    assert host.operate("kept-data", "open", str(lane.lane), "--now").code == 0
    done = upgrade(old, new)
    assert done.returncode == 0, done.stdout + done.stderr
    new.superuser, new.odoo = old.superuser, old.odoo
    new.start()
    stands_at(lane, new)
    # With --link the old server can't be started again, so somebody says so.
    claim = asked(lane, old_place_is_stopped=True)
    assert look(host.office, MOVED, claim).document.kept_taken == (kept.name,)
    host.live(MOVED, lane, claim)
    assert lane.data() == before
    assert not fingerprint.databases(new)[kept.name].takes_connections
    assert lane.kept_data(kept.name) == first
    view = lane_view(host.office, lane.lane)
    assert (view.marker.value, view.generation.value) == (MarkerState.BOUND, 3)
    assert host.plan(lane, *BACK, kept_database=kept.name).decision.allowed
