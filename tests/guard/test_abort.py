"""A begin is taken back as long as nothing came: database, files, marker as they were."""

from collections.abc import Callable
from pathlib import Path

import pytest

from launchplane_lane_contracts.vocabulary import DataSource
from tests.guard import fingerprint
from tests.guard.estate import Estate, refused


@pytest.mark.parametrize("name", ["lane", "production"])
def test_everything_is_as_it_was(name: str, request: pytest.FixtureRequest) -> None:
    lane: Estate = request.getfixturevalue(name)
    before = lane.everything()
    permit = lane.permit(DataSource.BACKUP_RESTORE)
    lane.done("begin", lane.sign(permit))
    assert lane.everything() != before
    receipt = lane.done("abort", lane.sign(permit))
    # The folder that a begin leaves in the place of the other holds only its tag: no remains.
    assert receipt.set_aside is None
    assert not list((lane.keep / "filestores").iterdir())
    after = lane.everything()
    assert after.databases == before.databases
    assert after.rows == before.rows
    assert {name: hashed for name, hashed in after.files.items() if name in before.files} == (
        before.files
    )
    assert lane.takes_connections()
    # It is bound as it was, so the next permit can be had at once; and this one is spent.
    lane.done("abort", lane.sign(permit))
    refused(lane.run("begin", lane.sign(permit)), "permit_already_begun")
    _permit, kept = lane.rebuild("second", DataSource.BACKUP_RESTORE)
    assert kept.database_oid == before.databases[lane.database].oid


def test_the_permits_time_does_not_count(lane: Estate) -> None:
    old, permit = lane.data(), lane.permit()
    lane.done("begin", lane.sign(permit))
    late = permit.model_copy(
        update={"begin_before": permit.issued_at, "issued_at": permit.issued_at}
    )
    lane.done("abort", lane.sign(late))
    assert lane.data() == old


def test_files_that_came_already_are_kept(lane: Estate) -> None:
    old, permit = lane.data(), lane.permit()
    lane.done("begin", lane.sign(permit))
    (lane.filestore / "came").write_text("by rsync")
    receipt = lane.done("abort", lane.sign(permit))
    assert lane.data() == old
    assert receipt.set_aside is not None
    assert (lane.keep / "filestores" / receipt.set_aside.name / "came").read_text() == "by rsync"


@pytest.mark.parametrize("command", ["abort", "undo"])
def test_nothing_goes_back_under_a_script_that_still_runs(
    lane: Estate, tmp_path: Path, command: str
) -> None:
    """It would go on to its drop, and find there what has just been put back."""
    old, permit = lane.data(), lane.permit()
    lane.done("begin", lane.sign(permit))
    token = lane.sign(permit if command == "abort" else lane.undo_order(permit))
    lock = tmp_path / "lock"
    lock.touch()
    begun = lane.everything()
    answer = lane.run(command, token, ODOO_DATA_WORKFLOW_LOCK_FILE=str(lock))
    assert answer.exit_code == 52
    assert str(lock) in answer.words
    assert lane.everything() == begun
    lock.unlink()
    lane.done(command, token)
    assert lane.data() == old


def came_empty(lane: Estate) -> None:
    lane.execute(f"CREATE DATABASE {lane.database}")


def came_whole(lane: Estate) -> None:
    lane.materialise()


@pytest.mark.parametrize("come", [came_empty, came_whole])
def test_once_something_came_it_refuses(lane: Estate, come: Callable[[Estate], None]) -> None:
    old, permit = lane.data(), lane.permit()
    lane.done("begin", lane.sign(permit))
    come(lane)
    before = lane.everything()
    refused(lane.run("abort", lane.sign(permit)), "undo_impossible")
    assert lane.everything() == before
    lane.done("undo", lane.sign(lane.undo_order(permit)))
    assert lane.data() == old


def test_a_permit_that_was_not_begun(lane: Estate) -> None:
    permit = lane.permit()
    before = lane.everything()
    refused(lane.run("abort", lane.sign(permit)), "permit_not_begun")
    assert lane.everything() == before
    lane.done("begin", lane.sign(permit))


def test_a_rebuild_that_was_undone_or_settled(lane: Estate) -> None:
    permit, _kept = lane.rebuild()
    before = lane.everything()
    refused(lane.run("abort", lane.sign(permit)), "undo_impossible")
    assert lane.everything() == before
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.done("undo", lane.sign(lane.undo_order(permit)))
    before = lane.everything()
    refused(lane.run("abort", lane.sign(permit)), "undo_impossible")
    assert lane.everything() == before


def test_undo_after_it_finds_nothing_to_put_back(lane: Estate) -> None:
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.done("abort", lane.sign(permit))
    before = lane.everything()
    assert lane.done("undo", lane.sign(lane.undo_order(permit))).set_aside is None
    assert lane.everything() == before


def test_a_change_of_data_that_stays(production: Estate) -> None:
    lane = production
    permit = lane.permit(DataSource.EXISTING)
    before = lane.everything()
    lane.done("begin", lane.sign(permit))
    refused(lane.run("abort", lane.sign(permit)), "undo_impossible")
    (lane.keep / "begun" / permit.permit_id / "set-aside").unlink()
    lane.done("abort", lane.sign(permit))
    assert lane.everything() == before


def test_a_lane_that_had_nothing(bare: Estate) -> None:
    lane = bare
    lane.drop_like_the_devkit()
    for path in sorted(lane.filestore.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    lane.filestore.rmdir()
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.done("abort", lane.sign(permit))
    assert lane.database not in fingerprint.databases(lane.cluster)
    assert not lane.filestore.exists()
    lane.permit()


def test_killed_between_database_and_files_it_carries_on(lane: Estate) -> None:
    old, permit = lane.data(), lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.done("abort", lane.sign(permit))
    for note in ("aborted", "ended"):
        (lane.keep / "begun" / permit.permit_id / note).unlink()
    lane.filestore.rename(lane.keep / "filestores" / permit.kept_name)
    lane.done("abort", lane.sign(permit))
    assert lane.data() == old
    lane.permit()
