"""The shadow: what it holds, what it brings back, and what leaves it when."""

import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from launchplane_lane_contracts.marker import FILESTORE_TAG_NAME
from launchplane_lane_contracts.vocabulary import DataSource, ShadowState
from launchplane_lane_guard import shadow
from launchplane_lane_guard.shadow import Shadow, ShadowNotes
from tests.guard import child, fingerprint
from tests.guard.attachments import (
    attach,
    check,
    collect,
    forget_odd_names,
    name_of,
    refresh,
    repair,
    run,
)
from tests.guard.estate import FILES, Estate, refused
from tests.standins import devkit
from tests.standins.provider import run_child

DEVKIT = Path(devkit.__file__)


@pytest.fixture
def protected(production: Estate) -> Estate:
    """A production lane with 40 attachments."""
    forget_odd_names(production)
    attach(production, 40)
    return production


def shadow_folder(lane: Estate) -> Path:
    """The shadow of the lane's present data."""
    reading = lane.show().shadow
    assert reading is not None
    assert reading.path is not None
    return Path(reading.path)


def bare_devkit(lane: Estate, *flags: str) -> int:
    """Start the devkit's script past the guard; its exit code."""
    upstream = lane.folder / "elsewhere" / "upstream"
    upstream.mkdir(parents=True)
    (upstream / "upstream's file").write_text("of another lane")
    lane.execute("CREATE DATABASE upstream")
    environment = lane.environment(
        PATH=lane.cluster.environment()["PATH"],
        ODOO_DATA_WORKFLOW_LOCK_FILE=str(lane.folder / "workflow.lock"),
        ODOO_UPSTREAM_HOST=lane.cluster.host,
        ODOO_UPSTREAM_DB_PORT=str(lane.cluster.port),
        ODOO_UPSTREAM_DB_USER=lane.role.name,
        ODOO_UPSTREAM_DB_PASSWORD=lane.role.password,
        ODOO_UPSTREAM_DB_NAME="upstream",
        ODOO_UPSTREAM_FILESTORE_PATH=str(upstream.parent),
        ODOO_COMMAND='["true"]',
    )
    code, _log = run_child((sys.executable, str(DEVKIT), *flags), environment, time_limit=60)
    return code


def test_a_devkit_that_empties_a_locked_lanes_folder_costs_one_command(protected: Estate) -> None:
    """What the page on limits told until there was a shadow."""
    before, tag = protected.data(), (protected.filestore / FILESTORE_TAG_NAME).read_bytes()
    assert refresh(protected).linked == 40
    assert bare_devkit(protected) == devkit.Answer.RESTORE_FAILED
    assert sorted(path.name for path in protected.filestore.iterdir()) == ["upstream's file"]
    refused(run(protected, "check"), "files_incomplete")
    assert check(protected).missing.count == 40
    # What is left is not known as this lane's, so a refresh takes nothing from it.
    refused(run(protected, "refresh"), "filestore_untagged")

    done = repair(protected)
    assert (done.from_shadow, done.from_kept, done.tag_written) == (40, 0, True)
    after = protected.data()
    assert after.oid == before.oid
    assert after.rows == before.rows
    named = {name for name in before.files if name not in (*FILES, "whose")}
    assert {name: after.files[name] for name in named} == {
        name: before.files[name] for name in named
    }
    assert (protected.filestore / FILESTORE_TAG_NAME).read_bytes() == tag
    assert check(protected).complete
    assert refresh(protected).linked == 0


@pytest.mark.parametrize("order", ["older", "newer"])
def test_a_stale_job_that_bootstraps_a_locked_lane_changes_nothing(
    protected: Estate, order: str
) -> None:
    before = protected.data()
    assert bare_devkit(protected, "--bootstrap", "--order", order) == 20
    assert protected.data() == before
    assert check(protected).complete


def test_without_the_shadow_the_same_files_are_gone(protected: Estate) -> None:
    bare_devkit(protected)
    answer = run(protected, "repair")
    refused(answer, "files_incomplete")
    assert check(protected).missing.count == 40


def test_a_shadow_takes_no_space_and_show_tells_of_it(protected: Estate) -> None:
    reading = protected.show().shadow
    assert reading is not None
    assert reading.state is ShadowState.ABSENT
    refresh(protected)
    names = attach(protected, 3, "later")
    assert refresh(protected).linked == 3
    reading = protected.show().shadow
    assert reading is not None
    assert (reading.state, reading.files) == (ShadowState.PRESENT, 43)
    assert reading.refreshed_at is not None
    for name in names:
        assert (shadow_folder(protected) / name).samefile(protected.filestore / name)


def test_a_refresh_that_has_nothing_to_do_changes_nothing(protected: Estate) -> None:
    refresh(protected)
    before = fingerprint.files_of(shadow_folder(protected), with_tag=True)
    again = refresh(protected)
    assert (again.linked, again.exchanged, again.left, again.gone) == (0, 0, 0, 0)
    after = fingerprint.files_of(shadow_folder(protected), with_tag=True)
    del before[shadow.NOTES], after[shadow.NOTES]
    assert after == before


def test_many_refreshes_at_once_are_one(protected: Estate) -> None:
    running = [
        child.start(["filestore", "refresh"], b"", protected.environment()) for _ in range(6)
    ]
    answers = [each.wait() for each in running]
    assert {answer.exit_code for answer in answers} <= {0, 52}
    assert any(answer.exit_code == 0 for answer in answers)
    for name in fingerprint.files_of(protected.filestore, with_tag=False):
        if name_of((protected.filestore / name).read_bytes()) == name:
            assert (shadow_folder(protected) / name).samefile(protected.filestore / name)
    assert refresh(protected).linked == 0


def test_a_lane_that_may_be_made_anew_has_none(lane: Estate) -> None:
    attach(lane, 5)
    done = refresh(lane)
    assert not done.protected
    assert done.shadow.state is ShadowState.ABSENT
    assert not (lane.keep / "shadows").exists()


def test_where_no_signature_tells_the_data_counts_as_protected_and_nothing_leaves(
    protected: Estate,
) -> None:
    refresh(protected)
    gone = sorted(fingerprint.files_of(shadow_folder(protected), with_tag=True))[1]
    collect(protected, gone)
    refresh(protected)
    wait(protected, timedelta(days=5000))
    answer = run(protected, "refresh", LANE_AUTHORITY_PUBLIC_KEYS=None)
    assert answer.exit_code == 0
    assert answer.receipt is not None
    assert answer.receipt.result is not None
    assert answer.receipt.result["kept_for"] is None
    assert (shadow_folder(protected) / gone).exists()


def wait(lane: Estate, time: timedelta) -> None:
    """Let everything that waits in the shadow have waited this much longer."""
    for each in (lane.keep / "shadows").iterdir():
        notes = Shadow(each).notes()
        assert notes is not None
        unused = notes.unused_since
        Shadow(each).write_notes(
            ShadowNotes(
                refreshed_at=notes.refreshed_at,
                files=notes.files,
                gone_since={name: since - time for name, since in notes.gone_since.items()},
                unused_since=unused - time if unused else None,
            )
        )


def test_what_odoo_collected_leaves_after_its_time_and_not_before(protected: Estate) -> None:
    refresh(protected)
    folder = shadow_folder(protected)
    first, second, *_rest = sorted(
        path.relative_to(folder).as_posix() for path in folder.glob("??/*")
    )
    collect(protected, first, second)
    done = refresh(protected)
    assert (done.gone, done.left, done.kept_for) == (2, 0, timedelta(days=7))
    wait(protected, timedelta(days=6, hours=23))
    assert refresh(protected).left == 0
    assert (folder / first).exists()
    # One of them is attached again: it no longer waits.
    protected.execute(
        f"INSERT INTO ir_attachment (store_fname) VALUES ('{second}')", protected.database
    )
    repair(protected)
    wait(protected, timedelta(hours=2))
    done = refresh(protected)
    assert (done.gone, done.left) == (0, 1)
    assert not (folder / first).exists()
    assert (folder / second).exists()


def test_what_the_database_names_never_leaves(protected: Estate) -> None:
    refresh(protected)
    folder = shadow_folder(protected)
    names = [path.relative_to(folder).as_posix() for path in folder.glob("??/*")]
    for name in names:
        (protected.filestore / name).unlink()
    for _ in range(3):
        done = refresh(protected)
        assert (done.gone, done.left) == (0, 0)
        wait(protected, timedelta(days=5000))
    assert repair(protected).from_shadow == 40


def test_notes_that_make_no_sense_only_make_it_wait_longer(protected: Estate) -> None:
    refresh(protected)
    folder = shadow_folder(protected)
    name = next(iter(folder.glob("??/*"))).relative_to(folder).as_posix()
    collect(protected, name)
    (folder / shadow.NOTES).write_text("{")
    assert refresh(protected).gone == 1
    assert (folder / name).exists()


# -- damage ----------------------------------------------------------------------------


def test_a_damaged_file_is_found_and_exchanged_for_the_good_one(protected: Estate) -> None:
    refresh(protected)
    names = attach(protected, 1)
    damaged = protected.filestore / names[0]
    damaged.unlink()
    damaged.write_bytes(b"something else")
    assert refresh(protected).damaged.names == (names[0],)
    found = check(protected)
    assert (found.damaged.names, found.missing.count) == ((names[0],), 0)
    assert repair(protected).from_shadow == 1
    assert damaged.read_bytes() == b"file 0"


def test_files_whose_names_are_no_utf8_are_told(protected: Estate) -> None:
    odd = protected.filestore / os.fsdecode(b"caf\xe9")
    before = check(protected).extra
    odd.write_bytes(b"menu")
    found = check(protected).extra
    assert (found.count, set(found.names) - set(before.names)) == (before.count + 1, {"caf\ufffd"})


def test_a_good_file_takes_the_place_of_the_shadows_own(protected: Estate) -> None:
    refresh(protected)
    name = attach(protected, 1)[0]
    served = protected.filestore / name
    # Rewritten in its place, so that the shadow's link is damaged as well.
    served.write_bytes(b"rewritten")
    refused(run(protected, "repair"), "files_incomplete")
    served.unlink()
    served.write_bytes(b"file 0")
    assert refresh(protected).exchanged == 1
    served.unlink()
    assert repair(protected).from_shadow == 1
    assert served.read_bytes() == b"file 0"


def test_a_repair_never_touches_a_good_file(protected: Estate) -> None:
    refresh(protected)
    numbers = {path: path.stat().st_ino for path in protected.filestore.glob("??/*")}
    missing = sorted(numbers)[3]
    missing.unlink()
    repair(protected)
    for path, number in numbers.items():
        assert path.stat().st_ino == number


def test_links_in_the_folder_are_neither_followed_nor_kept(protected: Estate) -> None:
    name, other, plain = attach(protected, 3)
    secret = protected.folder / "secret"
    secret.write_bytes(b"file 0")
    (protected.filestore / name).unlink()
    (protected.filestore / name).symlink_to(secret)
    subfolder = (protected.filestore / other).parent
    subfolder.rename(protected.folder / "moved")
    subfolder.symlink_to(protected.folder / "moved")
    # What the addon does in Odoo, and then what the guard does.
    with shadow.opened(protected.filestore) as served:
        assert served is not None
        lying = [name, other, plain, "../../secret", name_of(b"gone"), "secret"]
        for linked in (1, 0):
            done = Shadow(shadow_folder(protected)).link_named(served, lying)
            assert done.linked == linked
    assert (shadow_folder(protected) / plain).samefile(protected.filestore / plain)
    refresh(protected)
    assert not (shadow_folder(protected) / name).exists()
    assert not (shadow_folder(protected) / other).exists()
    assert {name, other} <= set(check(protected).damaged.names)
    refused(run(protected, "repair"), "files_incomplete")
    assert secret.read_bytes() == b"file 0"


def test_names_that_lead_out_of_the_folder_are_no_files(protected: Estate) -> None:
    protected.execute(
        "INSERT INTO ir_attachment (store_fname) VALUES ('../../public-keys.json'), ('/etc/passwd')"
        ", ('ab//cd'), ('')",
        protected.database,
    )
    before = protected.everything()
    assert check(protected).missing.count == 4
    refused(run(protected, "repair"), "files_incomplete")
    assert protected.everything() == before


def test_a_name_that_is_no_digest_is_told_and_not_guessed(production: Estate) -> None:
    assert check(production).not_verifiable.names == ("ab/abcdef", "cd/cdef01")
    (production.filestore / "ab/abcdef").unlink()
    refused(run(production, "repair"), "files_incomplete")


# -- other places ----------------------------------------------------------------------


def test_another_lanes_folder_is_neither_linked_nor_filled(protected: Estate) -> None:
    refresh(protected)
    name = attach(protected, 1)[0]
    (protected.filestore / name).unlink()
    tag = protected.show().filestore.tag
    assert tag is not None
    other = tag.model_copy(update={"lane": tag.lane.model_copy(update={"instance": "other"})})
    (protected.filestore / FILESTORE_TAG_NAME).write_bytes(other.canonical())
    before = protected.everything()
    refused(run(protected, "refresh"), "filestore_foreign")
    refused(run(protected, "repair"), "filestore_foreign")
    assert protected.everything() == before


def test_the_folder_of_the_same_name_on_another_server(protected: Estate) -> None:
    tag = protected.show().filestore.tag
    assert tag is not None
    other = tag.model_copy(update={"system_identifier": "1"})
    (protected.filestore / FILESTORE_TAG_NAME).write_bytes(other.canonical())
    refused(run(protected, "refresh"), "filestore_stale")
    refused(run(protected, "repair"), "filestore_stale")


def test_a_copy_of_the_database_is_not_taken_for_it(protected: Estate) -> None:
    protected.execute(f"ALTER DATABASE {protected.database} WITH IS_TEMPLATE false")
    protected.execute(f"CREATE DATABASE copy TEMPLATE {protected.database}")
    protected.execute(f"ALTER DATABASE {protected.database} RENAME TO original")
    protected.execute(f"ALTER DATABASE copy RENAME TO {protected.database}")
    refused(run(protected, "refresh"), "filestore_stale")
    assert not (protected.keep / "shadows").exists()


def test_a_folder_that_is_a_link(protected: Estate) -> None:
    protected.filestore.rename(protected.folder / "elsewhere")
    protected.filestore.symlink_to(protected.folder / "elsewhere")
    refused(run(protected, "refresh"), "filestore_unreadable")
    refused(run(protected, "repair"), "filestore_unreadable")


def test_a_folder_that_is_gone_is_made_again(protected: Estate) -> None:
    refresh(protected)
    protected.filestore.rename(protected.folder / "elsewhere")
    refused(run(protected, "refresh"), "filestore_missing")
    assert repair(protected).tag_written
    assert check(protected).complete


def test_no_keep(protected: Estate) -> None:
    for action in ("refresh", "repair"):
        answer = run(protected, action, LANE_AUTHORITY_KEEP=None)
        refused(answer, "keep_not_configured")
    assert run(protected, "check", LANE_AUTHORITY_KEEP=None).exit_code == 0


def test_another_lanes_keep(protected: Estate) -> None:
    (protected.keep / "lane").write_text("somebody/else/prod")
    for action in ("refresh", "repair"):
        refused(run(protected, action), "keep_unusable")


def test_an_environment_without_a_lane(protected: Estate) -> None:
    for action in ("check", "refresh", "repair"):
        answer = run(protected, action, LAUNCHPLANE_RUNTIME_IDENTITY_JSON=None)
        assert answer.exit_code == 51


def test_a_database_that_is_not_there(bare: Estate) -> None:
    bare.drop_like_the_devkit()
    for action in ("check", "refresh", "repair"):
        assert run(bare, action).exit_code == 51


def test_a_call_without_an_action_is_told(protected: Estate) -> None:
    answer = child.start(["filestore"], b"", protected.environment()).wait()
    assert answer.exit_code == 2
    answer = child.start(["filestore", "empty"], b"", protected.environment()).wait()
    assert answer.exit_code == 2


# -- rebuilds --------------------------------------------------------------------------


def test_the_shadow_of_the_old_data_is_not_that_of_the_new(protected: Estate) -> None:
    refresh(protected)
    old, before = shadow_folder(protected), protected.data()
    permit = protected.permit(DataSource.BACKUP_RESTORE)
    protected.done("begin", protected.sign(permit))
    assert run(protected, "refresh").exit_code == 51
    protected.materialise()
    protected.settle(permit)
    protected.execute(
        "CREATE TABLE ir_attachment (name text, store_fname text)", protected.database
    )
    names = attach(protected, 2, "new")
    assert refresh(protected).linked == 2
    new = shadow_folder(protected)
    assert new != old
    assert len(list(new.glob("??/*"))) == 2
    assert len(list(old.glob("??/*"))) == 40
    # A file that the old data has and the new names is the very file, whatever shadow it lies in.
    for name in names:
        (protected.filestore / name).unlink()
    assert repair(protected).from_shadow == 2
    assert protected.kept_data(permit.kept_name) == before


def test_the_shadow_survives_a_begin_and_its_undo(protected: Estate) -> None:
    refresh(protected)
    before, folder = protected.data(), shadow_folder(protected)
    permit = protected.permit(DataSource.BACKUP_RESTORE)
    protected.done("begin", protected.sign(permit))
    protected.materialise()
    order = protected.undo_order(permit)
    protected.done("undo", protected.sign(order))
    protected.stamp(
        protected.stamp_order(protected.show(), permit=permit, generation=order.generation)
    )
    assert protected.data() == before
    assert shadow_folder(protected) == folder
    assert refresh(protected).linked == 0
    bare_devkit(protected)
    assert repair(protected).from_shadow == 40


def test_files_come_from_a_kept_folder_as_copies(protected: Estate) -> None:
    permit, kept = protected.rebuild(source=DataSource.BACKUP_RESTORE)
    protected.execute(
        "CREATE TABLE ir_attachment (name text, store_fname text)", protected.database
    )
    names = attach(protected, 40)
    for name in names:
        (protected.filestore / name).unlink()
    before = protected.kept_data(kept.name)
    done = repair(protected)
    assert (done.from_shadow, done.from_kept) == (0, 40)
    for name in names:
        kept_file = protected.keep / "filestores" / permit.kept_name / name
        assert not kept_file.samefile(protected.filestore / name)
    assert protected.kept_data(kept.name) == before


def test_a_shadow_whose_database_is_gone_leaves_after_its_time(protected: Estate) -> None:
    refresh(protected)
    old = shadow_folder(protected)
    _permit, kept = protected.rebuild(source=DataSource.BACKUP_RESTORE)
    for _ in range(2):
        refresh(protected)
        wait(protected, timedelta(days=5000))
    assert old.exists()
    # What a release does in the end.
    protected.execute(f'ALTER DATABASE "{kept.name}" WITH IS_TEMPLATE false')
    protected.execute(f'DROP DATABASE "{kept.name}"')
    refresh(protected)
    wait(protected, timedelta(days=5000))
    # Odoo may have linked into it before any refresh: what waits without notes begins now.
    (old / shadow.NOTES).unlink()
    refresh(protected)
    wait(protected, timedelta(days=6))
    refresh(protected)
    assert old.exists()
    wait(protected, timedelta(days=2))
    assert refresh(protected).left == 40
    assert not old.exists()


def test_a_shadow_of_another_cluster_is_left_alone(protected: Estate) -> None:
    refresh(protected)
    other = protected.keep / "shadows" / "1-5"
    (other / "ab").mkdir(parents=True)
    Shadow(other).write_notes(ShadowNotes(refreshed_at=datetime.now(UTC), files=0))
    refresh(protected)
    wait(protected, timedelta(days=5000))
    refresh(protected)
    assert other.exists()


# -- killed ----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("action", ["refresh", "repair"])
def test_killed_at_any_file_it_carries_on(
    protected: Estate, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if action == "repair":
        refresh(protected)
        for path in protected.filestore.glob("??/*"):
            path.unlink()
    link, calls = os.link, 0

    def link_until(*given: object, **named: object) -> None:
        nonlocal calls
        calls += 1
        if calls % 7 == 6:
            os.kill(os.getpid(), signal.SIGKILL)
        link(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "link", link_until)
    killed = 0
    while run(protected, action).exit_code == -signal.SIGKILL:
        killed += 1
        assert killed < 100
    assert killed > 3
    monkeypatch.undo()
    if action == "refresh":
        assert refresh(protected).linked == 0
        for path in protected.filestore.glob("??/*"):
            path.unlink()
        assert repair(protected).from_shadow == 40
    assert check(protected).complete
    assert not list(protected.folder.rglob("*.new"))
