"""`set-aside`: what stands at the lane's place is kept though no rebuild follows."""

import secrets
from typing import Any

import pytest

from launchplane_lane_contracts.contract import DatabaseName, PermitId
from launchplane_lane_contracts.naming import kept_name
from launchplane_lane_contracts.orders import SetAsideOrder
from launchplane_lane_contracts.vocabulary import TagState
from launchplane_lane_guard import set_aside as set_aside_module
from tests.guard import fingerprint
from tests.guard.estate import Estate, refused
from tests.guard.test_undo import made_invalid


def order_for(lane: Estate, **changed: Any) -> SetAsideOrder:
    """Leave to keep what stands there now."""
    reading, permit_id = lane.show(), PermitId(secrets.token_hex(16))
    entry, generation = reading.database.entry, lane.record.generation or 1
    return SetAsideOrder(
        **{
            **lane._head(reading.read_at),
            "permit_id": permit_id,
            "kept_name": kept_name(DatabaseName(lane.database), generation, "lost", permit_id),
            "database_oid": entry.oid if entry is not None else None,
            "generation": generation,
            "has_filestore": reading.filestore.holds_files,
            **changed,
        }
    )


def test_database_and_files_are_kept_and_nothing_takes_their_place(production: Estate) -> None:
    lane = production
    old, order = lane.data(), order_for(lane)
    token = lane.sign(order)
    receipt = lane.done("set-aside", token)
    assert receipt.set_aside is not None
    assert (receipt.set_aside.name, receipt.set_aside.database_oid) == (order.kept_name, old.oid)
    there = fingerprint.databases(lane.cluster)
    assert lane.database not in there
    assert (there[order.kept_name].locked, there[order.kept_name].takes_connections) == (
        True,
        False,
    )
    entry = next(each for each in lane.show().database.neighbours if each.name == order.kept_name)
    assert entry.tag is not None
    assert (entry.tag.lane, entry.tag.state, entry.tag.database_oid, entry.tag.permit_id) == (
        lane.lane,
        TagState.KEPT,
        old.oid,
        order.permit_id,
    )
    assert not fingerprint.files_of(lane.filestore, with_tag=False)
    # Once more it says the same, and does nothing.
    before = lane.everything()
    assert lane.done("set-aside", token).set_aside == receipt.set_aside
    assert lane.everything() == before
    assert lane.kept_data(order.kept_name) == old


def test_files_alone_are_kept(lane: Estate) -> None:
    lane.drop_like_the_devkit()
    files = fingerprint.files_of(lane.filestore, with_tag=False)
    order = order_for(lane)
    assert (order.database_oid, order.has_filestore) == (None, True)
    lane.done("set-aside", lane.sign(order))
    kept = lane.keep / "filestores" / order.kept_name
    assert fingerprint.files_of(kept, with_tag=False) == files
    assert not fingerprint.files_of(lane.filestore, with_tag=False)


def test_one_that_was_killed_between_database_and_files_goes_on_and_takes_nothing_newer(
    lane: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_given: object) -> None:
        raise OSError("killed")

    old, order = lane.data(), order_for(lane)
    token = lane.sign(order)
    with monkeypatch.context() as patched:
        patched.setattr(set_aside_module, "_move_files", die)
        assert lane.run("set-aside", token).exit_code == 51
    assert lane.database not in fingerprint.databases(lane.cluster)
    # Somebody restores a database by hand meanwhile: neither it nor its files are what was signed.
    lane.create_database(lane.database, "restored")
    before = lane.everything()
    refused(lane.run("set-aside", token), "readings_moved")
    assert lane.everything() == before
    lane.execute(f"ALTER DATABASE {lane.database} RENAME TO restored")
    lane.done("set-aside", token)
    assert lane.kept_data(order.kept_name) == old
    # Now it is the old data itself that goes back by hand, and a folder of that name is left.
    lane.execute(f'ALTER DATABASE "{order.kept_name}" RENAME TO {lane.database}')
    before = lane.everything()
    refused(lane.run("set-aside", token), "set_aside_impossible")
    assert lane.everything() == before


def test_a_database_whose_drop_was_broken_off_is_kept_by_its_name_and_tag(lane: Estate) -> None:
    order = order_for(lane)
    made_invalid(lane, lane.database, valid=False)
    answer = lane.run("set-aside", lane.sign(order))
    assert answer.exit_code == 0, answer.words
    assert "is invalid" in answer.words
    entry = next(each for each in lane.show().database.neighbours if each.name == order.kept_name)
    assert entry.oid == order.database_oid
    assert entry.tag is not None
    assert entry.tag.state is TagState.KEPT
    made_invalid(lane, order.kept_name, valid=True)


def test_what_is_another_lanes_or_unfinished_or_not_what_was_signed_for_stays(
    lane: Estate,
) -> None:
    order = order_for(lane)
    oid = order.database_oid
    own = fingerprint.databases(lane.cluster)[lane.database].comment

    def stays(code: str, **changed: Any) -> None:
        token = lane.sign(order.model_copy(update=changed))
        before = lane.everything()
        refused(lane.run("set-aside", token), code)
        assert lane.everything() == before

    stays("readings_moved", database_oid=oid + 1 if oid else None)
    stays("readings_moved", database_oid=None)
    foreign = (own or "").replace('"instance":"testing"', '"instance":"another"')
    assert foreign != own
    lane.execute(f"COMMENT ON DATABASE {lane.database} IS '{foreign}'")
    stays("marker_foreign")
    lane.execute(f"COMMENT ON DATABASE {lane.database} IS '{own}'")
    tag = lane.filestore / ".launchplane-lane-authority.json"
    text = tag.read_text()
    tag.write_text(text.replace('"instance":"testing"', '"instance":"another"'))
    stays("filestore_foreign")
    tag.write_text(text)
    lane.done("begin", lane.sign(lane.permit()))
    stays("operation_unfinished")


def test_an_operation_ends_with_it_only_where_what_it_had_set_aside_is_gone(lane: Estate) -> None:
    permit = lane.permit()
    receipt = lane.done("begin", lane.sign(permit))
    assert receipt.set_aside is not None
    lane.materialise("half-way")
    order = lane.sign(order_for(lane, ends=(permit.permit_id,)))
    before = lane.everything()
    refused(lane.run("set-aside", order), "operation_unfinished")
    assert lane.everything() == before
    lane.cluster.execute(f'ALTER DATABASE "{receipt.set_aside.name}" WITH IS_TEMPLATE false')
    lane.cluster.execute(f'DROP DATABASE "{receipt.set_aside.name}"')
    there = lane.data()
    done = lane.done("set-aside", order)
    assert done.set_aside is not None
    assert lane.kept_data(done.set_aside.name) == there
    assert all(each.ended for each in lane.show().keep.begun)
