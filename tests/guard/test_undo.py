"""Undo: the old data comes back, whatever had been done; what stood there is kept."""

import shutil
from collections.abc import Callable

import pytest

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.marker import EngineTag
from launchplane_lane_contracts.naming import REMAINS, kept_name
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.vocabulary import DataSource
from launchplane_lane_guard.keep import ENDED, NEVER_BEGUN, BeginIntent, Keep
from tests.guard import fingerprint
from tests.guard.estate import Estate, refused


def remains_of(lane: Estate, permit: Permit) -> DatabaseName:
    return kept_name(DatabaseName(lane.database), permit.generation, REMAINS, permit.permit_id)


def begun(_lane: Estate, _permit: Permit) -> None:
    """Nothing came yet."""


def dropped_and_half_made(lane: Estate, _permit: Permit) -> None:
    lane.execute(f"CREATE DATABASE {lane.database}")


def materialised(lane: Estate, _permit: Permit) -> None:
    lane.materialise()


def finished(lane: Estate, permit: Permit) -> None:
    lane.materialise()
    lane.done("finish", lane.sign(permit))


@pytest.mark.parametrize("phase", [begun, dropped_and_half_made, materialised, finished])
def test_undo_puts_the_old_data_back_and_keeps_the_new(
    production: Estate, phase: Callable[[Estate, Permit], None]
) -> None:
    lane = production
    old = lane.data()
    permit = lane.permit(DataSource.BACKUP_RESTORE)
    lane.done("begin", lane.sign(permit))
    phase(lane, permit)
    new = lane.data() if phase is not begun else None
    order = lane.undo_order(permit)
    receipt = lane.done("undo", lane.sign(order))
    assert lane.data() == old
    assert lane.takes_connections()
    if new is not None:
        assert lane.kept_data(order.remains_name) == new
        assert receipt.set_aside is not None
        assert receipt.set_aside.database_oid == new.oid
    # The answer to the same question again is the same; it is not forgotten what was kept.
    assert lane.done("undo", lane.sign(order)).set_aside == receipt.set_aside
    # And the lane can be settled: bound, locked, and ready for the next permit.
    lane.stamp(lane.stamp_order(lane.show(), permit=permit, lock=True))
    assert fingerprint.databases(lane.cluster)[lane.database].locked
    lane.permit(DataSource.BACKUP_RESTORE)
    assert lane.data() == old


def test_undo_before_the_begin_makes_the_permit_worthless(lane: Estate) -> None:
    permit = lane.permit()
    before = lane.everything()
    lane.done("undo", lane.sign(lane.undo_order(permit)))
    refused(lane.run("begin", lane.sign(permit)), "permit_already_begun")
    assert lane.everything() == before
    assert lane.takes_connections()


def test_an_undo_that_was_killed_while_noting_still_stops_the_begin(lane: Estate) -> None:
    permit = lane.permit()
    order = lane.undo_order(permit)
    # What a kill between its two notes leaves.
    keep = Keep(lane.keep)
    keep.prepare(lane.lane)
    keep.note_begin(
        BeginIntent(
            permit_id=permit.permit_id,
            token=NEVER_BEGUN,
            database_oid=None,
            kept_name=order.remains_name,
            had_filestore=False,
            begun_at=permit.issued_at,
        )
    )
    before = lane.everything()
    refused(lane.run("begin", lane.sign(permit)), "permit_already_begun")
    assert lane.everything() == before
    lane.done("undo", lane.sign(order))
    assert keep.has(permit.permit_id, ENDED)


def test_undo_after_the_settling_is_refused(lane: Estate) -> None:
    permit, _kept = lane.rebuild()
    before = lane.everything()
    refused(lane.run("undo", lane.sign(lane.undo_order(permit))), "undo_impossible")
    assert lane.everything() == before


def test_finish_after_an_undo_is_refused(lane: Estate) -> None:
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.materialise()
    lane.done("finish", lane.sign(permit))
    lane.done("undo", lane.sign(lane.undo_order(permit)))
    before = lane.everything()
    refused(lane.run("finish", lane.sign(permit)), "permit_not_begun")
    assert lane.everything() == before


def test_existing_data_has_no_undo_once_it_was_begun(lane: Estate) -> None:
    permit = lane.permit(DataSource.EXISTING)
    lane.done("begin", lane.sign(permit))
    before = lane.everything()
    refused(lane.run("undo", lane.sign(lane.undo_order(permit))), "undo_impossible")
    assert lane.everything() == before
    lane.settle(permit)


def test_a_half_begun_change_of_existing_data_can_be_given_up(production: Estate) -> None:
    lane = production
    permit = lane.permit(DataSource.EXISTING)
    before = lane.everything()
    lane.done("begin", lane.sign(permit))
    # What a kill before the last note leaves; by now the permit's time may be over.
    (lane.keep / "begun" / permit.permit_id / "set-aside").unlink()
    lane.done("undo", lane.sign(lane.undo_order(permit)))
    assert lane.everything() == before
    refused(lane.run("begin", lane.sign(permit)), "permit_already_begun")


def test_undo_without_the_keep_of_the_begin_is_refused(lane: Estate) -> None:
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    before = lane.everything()
    another = lane.folder / "another-keep"
    another.mkdir()
    order = lane.undo_order(permit)
    answer = lane.run("undo", lane.sign(order), LANE_AUTHORITY_KEEP=str(another))
    refused(answer, "undo_impossible")
    shutil.rmtree(another)
    assert lane.everything() == before
    lane.done("undo", lane.sign(order))
    assert lane.takes_connections()


def test_undo_when_the_kept_database_was_renamed_says_so(lane: Estate) -> None:
    old = lane.data()
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.materialise()
    lane.execute(f'ALTER DATABASE "{permit.kept_name}" RENAME TO elsewhere')
    before = lane.everything()
    order = lane.undo_order(permit)
    refused(lane.run("undo", lane.sign(order)), "undo_impossible")
    assert lane.everything() == before
    # The way on that it names leads to the end.
    lane.execute(f'ALTER DATABASE elsewhere RENAME TO "{permit.kept_name}"')
    lane.done("undo", lane.sign(order))
    assert lane.data() == old


def test_undo_of_a_restore_from_kept_data(lane: Estate) -> None:
    first = lane.data()
    _permit, kept = lane.rebuild("second")
    second = lane.data()
    permit = lane.permit(DataSource.KEPT, kept=kept)
    lane.done("begin", lane.sign(permit))
    order = lane.undo_order(permit)
    lane.done("undo", lane.sign(order))
    assert lane.data() == second
    assert lane.kept_data(order.remains_name) == first


def test_undo_of_a_restore_whose_begin_was_killed_before_its_files_came(lane: Estate) -> None:
    first = lane.data()
    _permit, kept = lane.rebuild("second")
    second = lane.data()
    permit = lane.permit(DataSource.KEPT, kept=kept)
    lane.done("begin", lane.sign(permit))
    # What a kill after the swap leaves.
    folders = lane.keep / "filestores"
    lane.filestore.rename(folders / kept.name)
    (folders / permit.kept_name).rename(lane.filestore)
    (lane.keep / "begun" / permit.permit_id / "set-aside").unlink()
    order = lane.undo_order(permit)
    lane.done("undo", lane.sign(order))
    assert lane.data() == second
    assert lane.kept_data(order.remains_name) == first


def test_an_undo_that_was_killed_between_two_renames_goes_on(lane: Estate) -> None:
    old = lane.data()
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.materialise()
    order = lane.undo_order(permit)
    lane.done("undo", lane.sign(order))
    # What a kill leaves, and a folder that a running Odoo made at once.
    (lane.keep / "begun" / permit.permit_id / "ended").unlink()
    (lane.keep / "begun" / permit.permit_id / "undone").unlink()
    lane.filestore.rename(lane.keep / "filestores" / permit.kept_name)
    lane.filestore.mkdir()
    (lane.filestore / "written-meanwhile").write_text("by Odoo")
    lane.done("undo", lane.sign(order))
    assert lane.data() == old
    kept = fingerprint.files_of(lane.keep / "filestores", with_tag=False)
    assert f"{order.remains_name}-2/written-meanwhile" in kept


def test_a_begin_from_kept_data_that_was_killed_fetches_the_files(lane: Estate) -> None:
    first = lane.data()
    _permit, kept = lane.rebuild("second")
    permit = lane.permit(DataSource.KEPT, kept=kept)
    lane.done("begin", lane.sign(permit))
    (lane.keep / "begun" / permit.permit_id / "set-aside").unlink()
    lane.filestore.rename(lane.keep / "filestores" / kept.name)
    lane.filestore.mkdir()
    lane.done("begin", lane.sign(permit))
    assert lane.data() == first


def test_a_database_whose_drop_was_broken_off_is_in_nobodys_way(lane: Estate) -> None:
    old = lane.data()
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.materialise()
    order = lane.undo_order(permit)
    # What came back would be nothing: then nothing is exchanged.
    made_invalid(lane, permit.kept_name, valid=False)
    before = fingerprint.databases(lane.cluster)
    refused(lane.run("undo", lane.sign(order)), "set_aside_impossible")
    assert fingerprint.databases(lane.cluster) == before
    made_invalid(lane, permit.kept_name, valid=True)
    made_invalid(lane, lane.database, valid=False)
    refused(lane.run("reopen"), "database_closed")
    answer = lane.run("undo", lane.sign(order))
    assert answer.exit_code == 0, answer.words
    assert "is invalid" in answer.words
    assert lane.data() == old
    assert lane.takes_connections()
    lane.stamp(lane.stamp_order(lane.show(), permit=permit, generation=order.generation))
    # It is kept data like any other, and goes by a release.
    assert answer.receipt is not None
    remains = answer.receipt.set_aside
    assert remains is not None
    assert remains.database_oid is not None
    kept = KeptData(
        lane=lane.lane,
        name=remains.name,
        database_oid=remains.database_oid,
        generation=permit.generation,
        permit_id=permit.permit_id,
        set_aside_at=permit.issued_at,
        authoritative=False,
        has_filestore=remains.has_filestore,
    )
    lane.done("release", lane.sign(lane.release_order(kept)))
    assert fingerprint.databases(lane.cluster).keys() == {lane.database}
    assert lane.data() == old


def made_invalid(lane: Estate, name: str, *, valid: bool) -> None:
    """What PostgreSQL notes at the beginning of a DROP, and leaves when it is broken off."""
    limit = -1 if valid else -2
    lane.cluster.execute(f"UPDATE pg_database SET datconnlimit = {limit} WHERE datname = '{name}'")


def tag_of(lane: Estate, name: str) -> EngineTag | None:
    return EngineTag.from_comment(fingerprint.databases(lane.cluster)[name].comment)


def test_kept_data_whose_comment_was_overwritten_goes_back(production: Estate) -> None:
    lane = production
    old, tag = lane.data(), tag_of(lane, lane.database)
    first = lane.permit(DataSource.BACKUP_RESTORE)
    token = lane.sign(first)
    lane.done("begin", token)
    kept = tag_of(lane, first.kept_name)
    assert kept is not None
    lane.execute(f"COMMENT ON DATABASE \"{first.kept_name}\" IS 'our nightly copy'")
    assert lane.start_with(["restore-source", "--permit", "-"], token).wait().exit_code == 0
    # Another tag is another thing: somebody says that it is other data.
    another = kept.model_copy(update={"lane": lane.lane.model_copy(update={"instance": "other"})})
    lane.execute(f"COMMENT ON DATABASE \"{first.kept_name}\" IS '{another.text()}'")
    before = lane.everything()
    refused(lane.start_with(["restore-source", "--permit", "-"], token).wait(), "kept_changed")
    refused(lane.run("abort", token), "undo_impossible")
    assert lane.everything() == before
    lane.execute(f"COMMENT ON DATABASE \"{first.kept_name}\" IS 'our nightly copy'")
    lane.done("abort", token)
    assert lane.data() == old
    row = fingerprint.databases(lane.cluster)[lane.database]
    assert (row.locked, tag_of(lane, lane.database)) == (True, tag)
    second = lane.permit(DataSource.BACKUP_RESTORE)
    lane.done("begin", lane.sign(second))
    lane.materialise()
    lane.execute(f'COMMENT ON DATABASE "{second.kept_name}" IS NULL')
    order = lane.undo_order(second)
    lane.done("undo", lane.sign(order))
    assert lane.data() == old
    undone = tag_of(lane, lane.database)
    assert undone is not None
    assert (undone.generation, undone.permit_id) == (order.generation, second.permit_id)


def test_kept_data_whose_comment_was_overwritten_has_its_tag_again_at_the_end(lane: Estate) -> None:
    old = lane.data()
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    tag = tag_of(lane, permit.kept_name)
    lane.materialise()
    lane.execute(f'COMMENT ON DATABASE "{permit.kept_name}" IS NULL')
    lane.settle(permit)
    assert tag_of(lane, permit.kept_name) == tag
    assert lane.kept_data(permit.kept_name) == old
