"""Another folder than the lane's own at the lane's path, and volumes that are full or read-only."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from launchplane_lane_contracts.orders import Permit
from tests.guard import fingerprint
from tests.guard.conftest import LANE_DATABASE, clean
from tests.guard.estate import LANE, Estate, refused
from tests.guard.test_before_anything_moves import refuses_and_leaves_everything
from tests.guard.volumes import give_room, mounted, root_only, small_volume
from tests.real.postgres import PrivateCluster

ENOUGH = 4000


@root_only
def test_another_lanes_volume_at_the_same_path(lane: Estate, tmp_path: Path) -> None:
    other = LANE.model_copy(update={"instance": "other"})
    tag = lane.show().filestore.tag
    assert tag is not None
    token = lane.sign(lane.permit())
    with small_volume(tmp_path / "volume") as volume:
        (volume / "invoice").write_text("of the other lane")
        (volume / ".launchplane-lane-authority.json").write_bytes(
            tag.model_copy(update={"lane": other}).canonical()
        )
        with mounted("--bind", str(volume), str(lane.filestore)):
            refuses_and_leaves_everything(lane, token, "filestore_foreign")
        assert (volume / "invoice").read_text() == "of the other lane"
    lane.done("begin", token)


@root_only
def test_a_volume_with_files_and_no_tag_at_the_same_path(lane: Estate, tmp_path: Path) -> None:
    token = lane.sign(lane.permit())
    with small_volume(tmp_path / "volume") as volume:
        (volume / "invoice").write_text("of somebody")
        with mounted("--bind", str(volume), str(lane.filestore)):
            refuses_and_leaves_everything(lane, token, "filestore_untagged")


@pytest.mark.slow
def test_equal_names_on_two_servers(lane: Estate, tmp_path: Path) -> None:
    """One lane, one name, two servers: each has its own files and takes no others."""
    with PrivateCluster() as second:
        twin = Estate(second, tmp_path / "twin", lane.database, second.odoo, host=lane.host)
        twin.make().enrol()
        tokens = [each.sign(each.permit()) for each in (lane, twin)]
        between = tmp_path / "between"
        lane.filestore.rename(between)
        twin.filestore.rename(lane.filestore)
        between.rename(twin.filestore)
        for each, token in zip((lane, twin), tokens, strict=True):
            refuses_and_leaves_everything(each, token, "filestore_stale")


def test_a_path_that_odoo_does_not_serve(lane: Estate) -> None:
    """A permit names the folder that was looked at and recorded, or it is no permit."""
    permit = lane.permit()
    other = lane.folder / "other" / lane.database
    other.parent.mkdir()
    lane.filestore.rename(other)
    elsewhere = permit.model_copy(update={"filestore_path": str(other)})
    refuses_and_leaves_everything(
        lane,
        lane.sign(elsewhere),
        "order_refused",
        ODOO_FILESTORE_PATH=str(other.parent),
    )


@root_only
def test_a_keep_that_cannot_be_written_to(lane: Estate) -> None:
    token = lane.sign(lane.permit())
    keep = str(lane.keep)
    with mounted("--bind", "-o", "ro", keep, keep):
        refuses_and_leaves_everything(lane, token, "keep_unusable")
    lane.done("begin", token)


@pytest.fixture
def small(cluster: PrivateCluster, tmp_path: Path) -> Iterator[Estate]:
    """A testing lane of which keep and filestore share a small volume."""
    with small_volume(tmp_path / "volume", f"nr_inodes={ENOUGH}") as volume:
        yield Estate(cluster, volume, LANE_DATABASE, cluster.odoo).make().enrol()
        clean(cluster)


@contextmanager
def little_room(volume: Path, names: int) -> Iterator[None]:
    """Let only so many more files be made on the volume, for a time."""
    give_room(volume, f"nr_inodes={ENOUGH - os.statvfs(volume).f_favail + names}")
    try:
        yield
    finally:
        give_room(volume, f"nr_inodes={ENOUGH}")


def stands_somewhere(lane: Estate, permit: Permit, old: fingerprint.Data) -> None:
    """The old rows are in place or kept, and so are the old files."""
    there = {each.oid: name for name, each in fingerprint.databases(lane.cluster).items()}
    assert there[old.oid] in (lane.database, permit.kept_name)
    assert fingerprint.rows_of(lane.cluster, there[old.oid], with_marker=False) == old.rows
    away = lane.keep / "filestores" / permit.kept_name
    folder = away if away.exists() else lane.filestore
    assert fingerprint.files_of(folder, with_tag=False) == old.files


@root_only
@pytest.mark.slow
def test_a_full_volume_at_each_step_of_begin_and_undo(small: Estate) -> None:
    """Not one more file, one more, two more ...: each is met at another step."""
    old, ended = small.data(), set()
    for names in (0, 2, 3, 5, 12):
        permit = small.permit()
        with little_room(small.folder, names):
            begun = small.run("begin", small.sign(permit))
            stands_somewhere(small, permit, old)
        assert begun.exit_code in (0, 51), begun.words
        if begun.exit_code == 51 and names % 2:
            again = small.run("begin", small.sign(permit))
            if again.exit_code != 0:
                refused(again, "permit_already_begun")
            assert small.kept_data(permit.kept_name) == old
        order = small.undo_order(permit)
        with little_room(small.folder, names):
            undone = small.run("undo", small.sign(order))
            stands_somewhere(small, permit, old)
        assert undone.exit_code in (0, 51), undone.words
        small.done("undo", small.sign(order))
        assert small.data() == old
        small.stamp(
            small.stamp_order(small.show(), permit=permit, generation=order.generation, lock=False)
        )
        ended |= {("begin", begun.exit_code), ("undo", undone.exit_code)}
    assert ended == {("begin", 0), ("begin", 51), ("undo", 0), ("undo", 51)}
