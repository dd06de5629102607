"""Keep and filestore on several volumes, on full ones, and on volumes of their own.

Where nothing can be mounted, the keep is put on the system's own volume in memory if that is
another one than that of the tests; what needs a volume of a known size is skipped then.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from launchplane_lane_contracts.marker import FILESTORE_TAG_NAME
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.vocabulary import DataSource, KeepState, ShadowState
from launchplane_lane_guard import begin as begin_module
from launchplane_lane_guard.filestore import is_tag
from launchplane_lane_guard.moving import Mover
from tests.guard import fingerprint
from tests.guard.attachments import attach, check, forget_odd_names, refresh, repair, run
from tests.guard.conftest import LANE_DATABASE, clean
from tests.guard.estate import Estate, refused
from tests.guard.test_set_aside import order_for
from tests.guard.volumes import full, give_room, mounted, root_only, small_volume
from tests.real.postgres import PrivateCluster

IN_MEMORY = Path("/dev/shm")
FILES = 8
EVERY = 61
"""Of the moments at which a command could be killed, the normal run takes one in this many."""


@pytest.fixture
def on_a_volume(cluster: PrivateCluster, tmp_path: Path) -> Iterator[Estate]:
    """A production lane whose keep and filestore share one small volume."""
    with small_volume(tmp_path / "volume", "size=8m", "nr_inodes=4000") as volume:
        made = Estate(cluster, volume, LANE_DATABASE, cluster.odoo, protected=True).make().enrol()
        forget_odd_names(made)
        attach(made, 40)
        yield made
        clean(cluster)


def furnish(lane: Estate) -> Estate:
    """Files of every kind that a filestore can hold, and a marker."""
    lane.make().enrol()
    forget_odd_names(lane)
    names = attach(lane, FILES)
    (lane.filestore / names[0]).write_bytes(b"damaged long ago")
    (lane.filestore / names[1]).chmod(0o640)
    (lane.filestore / "link").symlink_to("whose")
    (lane.filestore / "linked folder").symlink_to(lane.folder, target_is_directory=True)
    (lane.filestore / "empty").mkdir()
    return lane


@pytest.fixture
def kept_elsewhere(cluster: PrivateCluster, tmp_path: Path) -> Iterator[Estate]:
    """A testing lane whose keep is on another volume."""
    with ExitStack() as stack:
        if IN_MEMORY.is_dir() and IN_MEMORY.stat().st_dev != tmp_path.stat().st_dev:
            volume = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=IN_MEMORY)))
        else:
            volume = stack.enter_context(small_volume(tmp_path / "elsewhere", "size=8m"))
        made = Estate(cluster, tmp_path, LANE_DATABASE, cluster.odoo)
        made.keep = volume / "keep"
        yield furnish(made)
        clean(cluster)


@pytest.fixture
def mount_point(cluster: PrivateCluster, tmp_path: Path) -> Iterator[Estate]:
    """A testing lane whose served folder is a volume of its own."""
    made = Estate(cluster, tmp_path, LANE_DATABASE, cluster.odoo)
    with small_volume(made.filestore, "size=8m") as volume:
        (volume / "lost+found").mkdir(mode=0o700)
        yield furnish(made)
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


# -- setting aside by copying ----------------------------------------------------------


@pytest.fixture(
    params=["kept_elsewhere", pytest.param("mount_point", marks=(root_only, pytest.mark.full))]
)
def apart(request: pytest.FixtureRequest) -> Estate:
    """A lane whose files have to be copied to be set aside."""
    found: Estate = request.getfixturevalue(request.param)
    return found


def looks_of(folder: Path) -> dict[str, tuple[int, int | str]]:
    """Kinds, rights, times and links, which the comparison of contents does not see."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            str(path.readlink()) if path.is_symlink() else path.lstat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if not path.is_dir() and ".launchplane" not in path.name
    } | {
        str(path.relative_to(folder)): (path.lstat().st_mode, "folder")
        for path in sorted(folder.rglob("*"))
        if path.is_dir() and not path.is_symlink() and path.name != "lost+found"
    }


def names_in(folder: Path) -> set[str]:
    """What lies in a folder, our tag and what is left of a killed writing of it apart."""
    names = {path.name for path in folder.iterdir() if ".launchplane" not in path.name}
    return names - {"lost+found"}


def listed(lane: Estate) -> list[str]:
    """What lies among the kept folders, hidden ones too."""
    return sorted(path.name for path in (lane.keep / "filestores").iterdir())


def test_the_files_are_copied_compared_and_only_then_emptied(apart: Estate) -> None:
    reading = apart.show().keep
    assert reading.state is KeepState.OTHER_VOLUME
    assert reading.copied_bytes is not None
    assert reading.copied_bytes >= FILES * 4096
    old, looks = apart.data(), looks_of(apart.filestore)
    permit = apart.permit()
    receipt = apart.done("begin", apart.sign(permit))
    assert receipt.set_aside is not None
    assert receipt.set_aside.has_filestore
    assert apart.kept_data(permit.kept_name) == old
    assert looks_of(apart.keep / "filestores" / permit.kept_name) == looks
    assert names_in(apart.filestore) == set()
    assert [each.name for each in apart.show().keep.filestores] == [permit.kept_name]
    apart.materialise()
    apart.settle(permit)
    assert apart.kept_data(permit.kept_name) == old
    assert listed(apart) == [permit.kept_name]


def test_an_undo_copies_the_other_way(apart: Estate) -> None:
    old, looks = apart.data(), looks_of(apart.filestore)
    permit = apart.permit()
    apart.done("begin", apart.sign(permit))
    apart.materialise()
    new = apart.data()
    order = apart.undo_order(permit)
    apart.done("undo", apart.sign(order))
    assert apart.data() == old
    assert looks_of(apart.filestore) == looks
    assert apart.kept_data(order.remains_name) == new
    assert listed(apart) == [order.remains_name]
    apart.stamp(apart.stamp_order(apart.show(), permit=permit, generation=order.generation))


@root_only
def test_a_volume_of_its_own_is_emptied_and_filled_again(mount_point: Estate) -> None:
    test_an_undo_copies_the_other_way(mount_point)
    assert (mount_point.filestore / "lost+found").is_dir()


def test_kept_data_comes_back_and_what_it_replaces_is_kept(apart: Estate) -> None:
    first, looks = apart.data(), looks_of(apart.filestore)
    _permit, kept = apart.rebuild("second")
    attach_without_rows(apart, 3)
    second = apart.data()
    permit = apart.permit(DataSource.KEPT, kept=kept)
    apart.done("begin", apart.sign(permit))
    assert apart.data() == first
    assert looks_of(apart.filestore) == looks
    assert apart.kept_data(permit.kept_name) == second
    apart.settle(permit)
    assert apart.data() == first
    assert listed(apart) == [permit.kept_name]


def attach_without_rows(lane: Estate, count: int) -> None:
    """Files that the lane's earlier data has as well, so that the two have some in common."""
    lane.execute("CREATE TABLE ir_attachment (name text, store_fname text)", lane.database)
    attach(lane, count)


def test_data_that_stays_needs_no_copy(apart: Estate) -> None:
    before = apart.data()
    permit = apart.permit(DataSource.EXISTING)
    apart.done("begin", apart.sign(permit))
    assert apart.data() == before
    assert listed(apart) == []


@root_only
def test_a_pipe_among_the_files_is_refused_before_anything_moves(apart: Estate) -> None:
    token = apart.sign(apart.permit())
    # Its name is no UTF-8, and is told all the same.
    pipe = apart.filestore / "ab" / os.fsdecode(b"p\xefpe")
    os.mkfifo(pipe)
    before = fingerprint.databases(apart.cluster)
    refused(apart.run("begin", token), "set_aside_impossible")
    assert fingerprint.databases(apart.cluster) == before
    pipe.unlink()
    apart.done("begin", token)


# -- no room ---------------------------------------------------------------------------


@pytest.fixture
def with_little_room(
    cluster: PrivateCluster, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Estate]:
    """A testing lane whose keep is on a small volume of its own."""
    with small_volume(tmp_path_factory.mktemp("elsewhere"), "size=8m", "nr_inodes=2000") as volume:
        made = Estate(cluster, tmp_path, LANE_DATABASE, cluster.odoo)
        made.keep = volume / "keep"
        yield furnish(made)
        clean(cluster)


@root_only
def test_too_little_room_is_refused_before_anything_moves(with_little_room: Estate) -> None:
    lane = with_little_room
    token = lane.sign(lane.permit())
    before = lane.everything()
    with full(lane.keep.parent, leaving=5 * 4096):
        refused(lane.run("begin", token), "room_not_enough", "keep_other_volume")
    assert lane.everything() == before
    assert lane.takes_connections()
    # The way on: room was made, and the same permit is good.
    old = lane.data()
    receipt = lane.done("begin", token)
    assert receipt.set_aside is not None
    assert lane.kept_data(receipt.set_aside.name) == old


@root_only
def test_too_little_room_for_an_undo_is_refused_before_anything_moves(
    with_little_room: Estate,
) -> None:
    lane = with_little_room
    old = lane.data()
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.materialise()
    (lane.filestore / "large").write_bytes(b"x" * (7 << 20))
    new, before = lane.data(), lane.everything()
    order = lane.sign(lane.undo_order(permit))
    give_room(lane.keep.parent, "size=1m")
    refused(lane.run("undo", order), "room_not_enough")
    assert lane.everything() == before
    assert lane.kept_data(permit.kept_name) == old
    give_room(lane.keep.parent, "size=20m")
    receipt = lane.done("undo", order)
    assert lane.data() == old
    assert receipt.set_aside is not None
    assert lane.kept_data(receipt.set_aside.name) == new


@root_only
def test_a_keep_that_fills_up_meanwhile_leaves_the_lane_open(with_little_room: Estate) -> None:
    lane = with_little_room
    old, before = lane.data(), lane.everything()
    permit = lane.permit()
    # No file fits any more, though there are bytes enough: so it is met only while copying.
    volume = lane.keep.parent
    used = 2000 - free_inodes(volume)
    give_room(volume, f"nr_inodes={used + 14}")
    answer = lane.run("begin", lane.sign(permit))
    assert answer.exit_code == 51, answer.words
    assert lane.everything() == before
    assert lane.takes_connections()
    give_room(volume, "nr_inodes=2000")
    lane.done("begin", lane.sign(permit))
    assert lane.kept_data(permit.kept_name) == old


@root_only
def test_a_begin_that_met_a_full_keep_can_be_undone(with_little_room: Estate) -> None:
    lane = with_little_room
    old, looks = lane.data(), looks_of(lane.filestore)
    permit = lane.permit()
    volume = lane.keep.parent
    used = 2000 - free_inodes(volume)
    give_room(volume, f"nr_inodes={used + 14}")
    assert lane.run("begin", lane.sign(permit)).exit_code == 51
    give_room(volume, "nr_inodes=2000")
    order = lane.undo_order(permit)
    lane.done("undo", lane.sign(order))
    assert lane.data() == old
    assert looks_of(lane.filestore) == looks
    assert listed(lane) == []


@root_only
def test_a_keep_that_fills_up_during_an_undo_loses_nothing(with_little_room: Estate) -> None:
    lane = with_little_room
    old = lane.data()
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.materialise()
    for number in range(30):
        (lane.filestore / f"new {number}").write_text("new")
    new = lane.data()
    order = lane.undo_order(permit)
    volume = lane.keep.parent
    give_room(volume, f"nr_inodes={2000 - free_inodes(volume) + 12}")
    answer = lane.run("undo", lane.sign(order))
    assert answer.exit_code == 51, answer.words
    assert fingerprint.files_of(lane.filestore, with_tag=False) == new.files
    kept = lane.keep / "filestores" / permit.kept_name
    assert fingerprint.files_of(kept, with_tag=False) == old.files
    give_room(volume, "nr_inodes=2000")
    lane.done("undo", lane.sign(order))
    assert lane.data() == old
    assert lane.kept_data(order.remains_name) == new


# -- killed ----------------------------------------------------------------------------


def ends(*_given: object) -> None:
    raise OSError("killed")


@pytest.mark.parametrize(("name", "command"), [("kept_elsewhere", "undo"), ("lane", "abort")])
def test_no_begin_goes_on_once_things_are_on_their_way_back(
    name: str, command: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise other data comes, and the old files are put among its files."""
    lane: Estate = request.getfixturevalue(name)
    old, permit = lane.data(), lane.permit()
    everything = begin_module._set_aside

    def then_ends(*given: Any) -> None:
        everything(*given)
        ends()

    with monkeypatch.context() as patched:
        patched.setattr(begin_module, "_set_aside", then_ends)
        assert lane.run("begin", lane.sign(permit)).exit_code == 51
    token = lane.sign(permit if command == "abort" else lane.undo_order(permit))
    with monkeypatch.context() as patched:
        patched.setattr(Mover, "serve", ends)
        assert lane.run(command, token).exit_code == 51
    before = lane.everything()
    answer = lane.run("begin", lane.sign(permit))
    refused(answer, "permit_already_begun")
    assert "undo or abort again" in answer.words
    assert lane.everything() == before
    lane.done(command, token)
    assert lane.data() == old


def test_an_undo_that_was_refused_leaves_the_way_forward(
    lane: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    permit = lane.permit()
    with monkeypatch.context() as patched:
        patched.setattr(begin_module, "_exchange_folders", ends)
        assert lane.run("begin", lane.sign(permit)).exit_code == 51
    lane.execute(f'ALTER DATABASE "{permit.kept_name}" RENAME TO elsewhere')
    refused(lane.run("undo", lane.sign(lane.undo_order(permit))), "undo_impossible")
    lane.execute(f'ALTER DATABASE elsewhere RENAME TO "{permit.kept_name}"')
    lane.done("begin", lane.sign(permit))


CHANGING = ("rename", "replace", "unlink", "rmdir", "mkdir", "symlink", "fsync")


def killed_at(
    lane: Estate, moment: int, command: str, token: str, changing: tuple[str, ...] = CHANGING
) -> bool:
    """Run a command and kill it at its so-manieth change of the disk; whether it came to that."""
    with pytest.MonkeyPatch.context() as patch:
        count = 0

        def counted(name: str) -> Any:
            real = getattr(os, name)

            def change(*given: Any, **named: Any) -> Any:
                nonlocal count
                count += 1
                if count == moment:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*given, **named)

            return change

        for name in changing:
            patch.setattr(os, name, counted(name))
        answer = lane.run(command, token)
    assert answer.exit_code in (0, -signal.SIGKILL), answer.words
    return answer.exit_code != 0


def old_files_are_somewhere(lane: Estate, permit: Permit, old: fingerprint.Data) -> None:
    """Whole in the keep or whole at their place, whatever the moment."""
    away = lane.keep / "filestores" / permit.kept_name
    folder = away if away.exists() else lane.filestore
    found = fingerprint.files_of(folder, with_tag=False)
    assert {name: found.get(name) for name in old.files} == old.files


def kill_begins(lane: Estate, every: int) -> int:
    """Kill begins at every so-manieth moment; alternately run again, and undo."""
    old, looks = lane.data(), looks_of(lane.filestore)
    moment, killed = 1, True
    while killed:
        permit = lane.permit()
        token = lane.sign(permit)
        killed = killed_at(lane, moment, "begin", token)
        old_files_are_somewhere(lane, permit, old)
        again = killed and moment // every % 2 == 0
        if again:
            answer = lane.run("begin", token)
            if answer.exit_code != 0:
                refused(answer, "permit_already_begun")
        if again or not killed:
            assert lane.kept_data(permit.kept_name) == old
            assert looks_of(lane.keep / "filestores" / permit.kept_name) == looks
            assert names_in(lane.filestore) == set()
        put_back(lane, permit, old)
        assert looks_of(lane.filestore) == looks
        moment += every
    return moment


def kill_undos(lane: Estate, every: int) -> int:
    """Kill undos at every so-manieth moment, and run them again."""
    old = lane.data()
    moment, killed = 1, True
    while killed:
        permit = lane.permit()
        lane.done("begin", lane.sign(permit))
        lane.materialise(f"new {moment}")
        attach_without_rows(lane, 2)
        new = lane.data()
        order = lane.undo_order(permit)
        killed = killed_at(lane, moment, "undo", lane.sign(order))
        old_files_are_somewhere(lane, permit, old)
        lane.done("undo", lane.sign(order))
        assert lane.data() == old
        assert lane.kept_data(order.remains_name) == new
        lane.stamp(
            lane.stamp_order(lane.show(), permit=permit, generation=order.generation, lock=False)
        )
        # Every reading lists what is kept: with hundreds of these it would take most of the time.
        lane.execute(f'ALTER DATABASE "{order.remains_name}" WITH IS_TEMPLATE false')
        lane.execute(f'DROP DATABASE "{order.remains_name}"')
        shutil.rmtree(lane.keep / "filestores" / order.remains_name)
        moment += every
    return moment


def kill_begins_of_kept_data(lane: Estate, every: int) -> int:
    """Kill begins that bring kept data back; alternately run again, and undo."""
    first = lane.data()
    _permit, kept = lane.rebuild("second")
    attach_without_rows(lane, 3)
    second = lane.data()
    moment, killed = 1, True
    while killed:
        permit = lane.permit(DataSource.KEPT, kept=kept)
        token = lane.sign(permit)
        killed = killed_at(lane, moment, "begin", token)
        old_files_are_somewhere(lane, permit, second)
        if killed and moment // every % 2 == 0:
            answer = lane.run("begin", token)
            if answer.exit_code != 0:
                refused(answer, "permit_already_begun")
            assert lane.data() == first
            assert lane.kept_data(permit.kept_name) == second
        order = put_back(lane, permit, second)
        # What came goes back into the keep, now as the remains of this permit.
        remains = {each.name for each in lane.show().database.neighbours}
        name = next(name for name in (order, kept.name) if name in remains)
        assert lane.kept_data(name) == first
        tag = next(each.tag for each in lane.show().database.neighbours if each.name == name)
        assert tag is not None
        kept = kept.model_copy(
            update={"name": name, "generation": tag.generation, "permit_id": permit.permit_id}
        )
        moment += every
    return moment


def put_back(lane: Estate, permit: Permit, old: fingerprint.Data) -> str:
    """Undo and settle; the old data stands there as it did. The name of the remains."""
    order = lane.undo_order(permit)
    lane.done("undo", lane.sign(order))
    assert lane.data() == old
    assert lane.takes_connections()
    lane.stamp(
        lane.stamp_order(lane.show(), permit=permit, generation=order.generation, lock=False)
    )
    # Neither a half-done copy nor a second folder for what was moved half-way.
    assert not [name for name in listed(lane) if name.startswith(".") or name.endswith("-2")]
    return order.remains_name


@pytest.mark.slow
def test_a_begin_that_copies_killed_at_some_moments(kept_elsewhere: Estate) -> None:
    assert kill_begins(kept_elsewhere, EVERY) > EVERY


@pytest.mark.slow
def test_an_undo_that_copies_killed_at_some_moments(kept_elsewhere: Estate) -> None:
    assert kill_undos(kept_elsewhere, EVERY) > EVERY


@pytest.mark.slow
def test_a_begin_that_copies_kept_data_killed_at_some_moments(kept_elsewhere: Estate) -> None:
    assert kill_begins_of_kept_data(kept_elsewhere, EVERY) > EVERY


def test_what_is_left_of_a_killed_writing_of_the_tag_goes(kept_elsewhere: Estate) -> None:
    lane, left = kept_elsewhere, 0
    old = lane.data()
    # The files before the tags take their names in the same way.
    for moment in range(14, 20):
        permit = lane.permit()
        killed_at(lane, moment, "begin", lane.sign(permit), ("replace",))
        away = lane.keep / "filestores" / permit.kept_name
        left += len(half_written_tags(away)) + len(half_written_tags(lane.filestore))
        put_back(lane, permit, old)
        assert half_written_tags(lane.filestore) == []
    assert left > 1


def half_written_tags(folder: Path) -> list[str]:
    """What lies there of tags whose writing was killed."""
    names = [each.name for each in folder.iterdir()] if folder.exists() else []
    return [name for name in names if is_tag(name) and name != FILESTORE_TAG_NAME]


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kill", [kill_begins, kill_undos, kill_begins_of_kept_data])
def test_killed_at_every_moment(apart: Estate, kill: Any) -> None:
    assert kill(apart, 1) > 100


def test_set_aside_once_more_leaves_files_that_were_put_back_since(kept_elsewhere: Estate) -> None:
    lane = kept_elsewhere
    order = order_for(lane)
    lane.done("set-aside", lane.sign(order))
    kept = lane.keep / "filestores" / order.kept_name
    assert not fingerprint.files_of(lane.filestore, with_tag=False)
    # The files come back first, the database will follow.
    shutil.copytree(kept, lane.filestore, symlinks=True, dirs_exist_ok=True)
    before = lane.everything()
    lane.done("set-aside", lane.sign(order))
    assert lane.everything() == before
    assert fingerprint.files_of(lane.filestore, with_tag=False)
    lane.create_database(lane.database, "restored")
    before = lane.everything()
    refused(lane.run("set-aside", lane.sign(order)), "readings_moved")
    assert lane.everything() == before


def test_a_keep_that_is_not_all_on_one_volume_is_met_before_anything_moves(
    kept_elsewhere: Estate,
) -> None:
    lane = kept_elsewhere
    token = lane.sign(lane.permit())
    # On the volume of the served files, from which nothing can be renamed into the keep's rest.
    elsewhere = lane.folder / "elsewhere"
    elsewhere.mkdir()
    before = lane.everything()
    for part in ("filestores", "sides", "released"):
        link = lane.keep / part
        if link.exists():
            link.rmdir()
        link.symlink_to(elsewhere)
        refused(lane.run("begin", token), "keep_unusable")
        assert lane.everything() == before
        assert lane.takes_connections()
        link.unlink()
    lane.done("begin", token)
