"""A begin that was killed, and what somebody put there before it is run again."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.vocabulary import DataSource
from launchplane_lane_guard import begin as begin_module
from launchplane_lane_guard.keep import Keep
from tests.guard import fingerprint
from tests.guard.estate import Estate, refused


def die(*_given: object) -> None:
    raise OSError("killed")


def noted(lane: Estate, permit: Permit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a begin that ends right after it has noted the permit."""
    with monkeypatch.context() as patched:
        patched.setattr(begin_module, "_set_aside", die)
        assert lane.run("begin", lane.sign(permit)).exit_code == 51
    assert Keep(lane.keep).intent(permit.permit_id) is not None


def test_a_database_that_was_made_where_there_was_none(
    bare: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody restored production there by hand, between a crash and the second try."""
    bare.drop_like_the_devkit()
    bare.filestore.rename(bare.folder / "away")
    permit = bare.permit()
    noted(bare, permit, monkeypatch)
    bare.create_database(bare.database, "precious")
    before = bare.everything()
    refused(bare.run("begin", bare.sign(permit)), "readings_moved")
    assert bare.everything() == before


def test_files_that_came_where_there_were_none(
    bare: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare.drop_like_the_devkit()
    away: Path = bare.folder / "away"
    bare.filestore.rename(away)
    permit = bare.permit()
    noted(bare, permit, monkeypatch)
    away.rename(bare.filestore)
    before = bare.everything()
    refused(bare.run("begin", bare.sign(permit)), "readings_moved")
    assert bare.everything() == before


def stopped_before_the_folders(
    lane: Estate, permit: Permit, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(begin_module, "_exchange_folders", die)
        assert lane.run("begin", lane.sign(permit)).exit_code == 51
    assert permit.kept_name in fingerprint.databases(lane.cluster)


def test_a_database_under_the_vacated_name(lane: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one is kept already; what was made since is nobody's to drop."""
    old, permit = lane.data(), lane.permit()
    stopped_before_the_folders(lane, permit, monkeypatch)
    lane.create_database(lane.database, "precious")
    precious = fingerprint.databases(lane.cluster)[lane.database].oid
    before = lane.everything()
    refused(lane.run("begin", lane.sign(permit)), "readings_moved")
    assert lane.everything() == before
    order = lane.undo_order(permit)
    lane.done("undo", lane.sign(order))
    assert lane.data() == old
    assert fingerprint.databases(lane.cluster)[order.remains_name].oid == precious


def test_files_in_the_vacated_folder(lane: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    """An Odoo that was not stopped wrote on: its files go into the keep, and not with the next."""
    old, permit = lane.data(), lane.permit()

    def then_die(*given: Any) -> None:
        exchange(*given)
        die()

    exchange = begin_module._exchange_folders
    with monkeypatch.context() as patched:
        patched.setattr(begin_module, "_exchange_folders", then_die)
        assert lane.run("begin", lane.sign(permit)).exit_code == 51
    shutil.rmtree(lane.filestore)
    lane.make_files(lane.filestore, "written on")
    written = fingerprint.files_of(lane.filestore, with_tag=False)
    lane.done("begin", lane.sign(permit))
    assert not fingerprint.files_of(lane.filestore, with_tag=False)
    second = lane.keep / "filestores" / f"{permit.kept_name}-2"
    assert fingerprint.files_of(second, with_tag=False) == written
    assert lane.kept_data(permit.kept_name) == old


def test_data_that_stays_is_not_unlocked_once_it_is_other_data(
    production: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    permit = production.permit(DataSource.EXISTING)
    noted(production, permit, monkeypatch)
    production.execute(f"ALTER DATABASE {production.database} RENAME TO elsewhere")
    production.create_database(production.database, "precious")
    production.execute(f"ALTER DATABASE {production.database} WITH IS_TEMPLATE true")
    before = production.everything()
    refused(production.run("begin", production.sign(permit)), "readings_moved")
    assert production.everything() == before
