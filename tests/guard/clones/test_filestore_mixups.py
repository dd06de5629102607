"""Files that are not this lane's, or not this data's: the devkit would wipe them first."""

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest

from launchplane_lane_contracts.contract import FilestorePath
from launchplane_lane_contracts.vocabulary import FilestoreState, MarkerState
from tests.guard import fingerprint
from tests.guard.clones.other_lane import other_lane
from tests.guard.clones.verdict import expect_refusal, seen, signed_before
from tests.guard.estate import Estate, refused
from tests.real.postgres import PrivateCluster


def expect_files_refused(lane: Estate, token: str, state: FilestoreState, code: str) -> None:
    """See that the files are judged so, and that a begin leaves them and the rows alone."""
    assert seen(lane).filestore.state is state, seen(lane).filestore
    before = lane.everything()
    refused(lane.run("begin", token), code)
    assert lane.everything() == before


def test_another_lanes_folder(lane: Estate) -> None:
    """A wrong mount: the neighbour's files lie where this lane's should."""
    token, other = signed_before(lane), other_lane(lane, protected=True)
    lane.filestore.rename(lane.folder / "away")
    shutil.copytree(other.filestore, lane.filestore)
    expect_files_refused(lane, token, FilestoreState.FOREIGN, "filestore_foreign")


def test_another_lanes_volume_with_files_that_nobody_tagged(lane: Estate) -> None:
    token = signed_before(lane)
    lane.filestore.rename(lane.folder / "away")
    lane.make_files(lane.filestore, "somebody else")
    expect_files_refused(lane, token, FilestoreState.UNTAGGED, "filestore_untagged")


def test_an_empty_volume_at_the_lanes_path(lane: Estate) -> None:
    """The volume was not mounted: the database names files, and there are none."""
    token = signed_before(lane)
    lane.filestore.rename(lane.folder / "away")
    lane.filestore.mkdir()
    expect_files_refused(lane, token, FilestoreState.EMPTY, "filestore_missing")


def test_the_files_of_an_earlier_generation(lane: Estate) -> None:
    """The lane's own folder, from before: a snapshot of the volume that was put back."""
    shutil.copytree(lane.filestore, lane.folder / "snapshot")
    lane.rebuild()
    token = signed_before(lane)
    lane.filestore.rename(lane.folder / "away")
    (lane.folder / "snapshot").rename(lane.filestore)
    expect_files_refused(lane, token, FilestoreState.STALE, "filestore_stale")


def test_a_folder_that_odoo_does_not_serve(lane: Estate) -> None:
    """Host and guard agree on the lane's database, and the guard is shown another folder."""
    token = signed_before(lane)
    elsewhere = lane.folder / "elsewhere" / lane.database
    shutil.copytree(lane.filestore, elsewhere)
    before = lane.everything()
    answer = lane.run("begin", token, ODOO_FILESTORE_PATH=str(elsewhere.parent))
    refused(answer, "environment_other_filestore")
    assert lane.everything() == before
    # And where the host's own record names another folder, no permit comes about.
    recorded = FilestorePath(str(elsewhere))
    lane.record = lane.record.model_copy(update={"filestore_path": recorded})
    assert seen(lane).filestore.state is FilestoreState.ELSEWHERE
    with pytest.raises(AssertionError, match="filestore_elsewhere"):
        lane.permit()


def test_a_link_in_place_of_the_folder(lane: Estate) -> None:
    token = signed_before(lane)
    lane.filestore.rename(lane.folder / "away")
    lane.filestore.symlink_to(lane.folder / "away")
    before = fingerprint.files_of(lane.folder / "away", with_tag=True)
    refused(lane.run("begin", token), "filestore_unreadable")
    assert fingerprint.files_of(lane.folder / "away", with_tag=True) == before


@pytest.fixture
def second_server() -> Iterator[PrivateCluster]:
    with PrivateCluster() as cluster:
        yield cluster


@pytest.mark.slow
def test_equal_names_on_two_servers(lane: Estate, second_server: PrivateCluster) -> None:
    """The connection leads to another server, where a database of the same name stands."""
    token = signed_before(lane)
    there = replace(lane, cluster=second_server, role=second_server.odoo)
    there.record = lane.record
    there.create_database(there.database, "somebody else")
    expect_refusal(there, token, marker=MarkerState.ABSENT, code="marker_absent")
    # The same lane enrolled there as well, say by a staging host with the same key: not this data.
    there.generations = lane.generations
    oid = fingerprint.databases(second_server)[there.database].oid
    reading = there.done("prepare", there.sign(there.prepare_order(oid))).reading
    assert reading is not None
    order = there.stamp_order(reading, generation=lane.record.generation)
    there.done("stamp", there.sign(order))
    expect_refusal(there, token, marker=MarkerState.ROLLED_BACK, code="marker_rolled_back")
    # The stamp there took the folder for itself: back on its own server the lane sees that.
    assert seen(lane).filestore.state is FilestoreState.STALE
    refused(lane.run("begin", token), "filestore_stale")
