"""Keep and filestore on several volumes, on full ones, and on volumes of their own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from launchplane_lane_contracts.vocabulary import DataSource, ShadowState
from tests.guard.attachments import attach, check, forget_odd_names, refresh, repair, run
from tests.guard.conftest import LANE_DATABASE, clean
from tests.guard.estate import Estate, refused
from tests.guard.volumes import full, give_room, mounted, root_only, small_volume
from tests.real.postgres import PrivateCluster


@pytest.fixture
def on_a_volume(cluster: PrivateCluster, tmp_path: Path) -> Iterator[Estate]:
    """A production lane whose keep and filestore share one small volume."""
    with small_volume(tmp_path / "volume", "size=8m", "nr_inodes=4000") as volume:
        made = Estate(cluster, volume, LANE_DATABASE, cluster.odoo, protected=True).make().enrol()
        forget_odd_names(made)
        attach(made, 40)
        yield made
        clean(cluster)


# -- the shadow ------------------------------------------------------------------------


@root_only
def test_a_keep_on_another_mount_has_no_shadow_and_says_so(on_a_volume: Estate) -> None:
    with mounted("--bind", str(on_a_volume.keep), str(on_a_volume.keep)):
        before = on_a_volume.everything()
        refused(run(on_a_volume, "refresh"), "shadow_impossible")
        reading = on_a_volume.show().shadow
        assert reading is not None
        assert reading.state is ShadowState.IMPOSSIBLE
        assert reading.problem is not None
        assert "another volume" in reading.problem
        assert check(on_a_volume).complete
        assert on_a_volume.everything() == before


@root_only
def test_a_folder_that_is_a_volume_of_its_own_has_no_shadow_and_says_so(
    on_a_volume: Estate,
) -> None:
    served = str(on_a_volume.filestore)
    with mounted("--bind", served, served):
        refused(run(on_a_volume, "refresh"), "shadow_impossible")
        assert check(on_a_volume).shadow.state is ShadowState.IMPOSSIBLE


@root_only
def test_a_refresh_on_a_volume_that_is_full_goes_on_later(on_a_volume: Estate) -> None:
    used = 4000 - free_inodes(on_a_volume.folder)
    give_room(on_a_volume.folder, f"nr_inodes={used + 30}")
    before = on_a_volume.everything()
    answer = run(on_a_volume, "refresh")
    assert answer.exit_code == 51, answer.words
    assert on_a_volume.everything() == before
    give_room(on_a_volume.folder, "nr_inodes=4000")
    refresh(on_a_volume)
    for path in on_a_volume.filestore.glob("??/*"):
        path.unlink()
    assert repair(on_a_volume).from_shadow == 40


@root_only
def test_a_repair_on_a_volume_that_is_full_goes_on_later(on_a_volume: Estate) -> None:
    on_a_volume.rebuild(source=DataSource.BACKUP_RESTORE)
    on_a_volume.execute(
        "CREATE TABLE ir_attachment (name text, store_fname text)", on_a_volume.database
    )
    names = attach(on_a_volume, 40)
    for name in names[:30]:
        (on_a_volume.filestore / name).unlink()
    with full(on_a_volume.folder):
        answer = run(on_a_volume, "repair")
        assert answer.exit_code == 51, answer.words
        # What is there is whole: nothing half-written has a file's name.
        assert check(on_a_volume).damaged.count == 0
    repair(on_a_volume)
    assert check(on_a_volume).complete
    assert not list(on_a_volume.folder.rglob("*.new"))


def free_inodes(folder: Path) -> int:
    """How many more files the volume takes."""
    return os.statvfs(folder).f_favail
