"""Orders that come late, twice or beside others: what was claimed or locked since stays so."""

from datetime import timedelta
from typing import Any

import pytest

from launchplane_lane_contracts.orders import Permit, StampOrder
from launchplane_lane_contracts.vocabulary import DataSource
from launchplane_lane_guard import stamp as stamp_module
from launchplane_lane_guard.keep import Keep
from tests.guard import fingerprint
from tests.guard.estate import Estate, refused
from tests.guard.test_marker_orders import enrolled_as_authoritative, lowering_refuses, row_of

CLAIM = "claim --reason=invoices --by=anna"


def finished(lane: Estate, source: DataSource = DataSource.EMPTY) -> Permit:
    permit = lane.permit(source)
    lane.done("begin", lane.sign(permit))
    lane.materialise()
    lane.done("finish", lane.sign(permit))
    return permit


def settling(lane: Estate, permit: Permit) -> StampOrder:
    return lane.stamp_order(
        lane.show(),
        permit=permit,
        generation=permit.generation,
        obligations=permit.obligations,
        lock=permit.obligations.lock,
    )


def gone_live(lane: Estate) -> StampOrder:
    """A stamp over the settled marker: the same generation, authoritative and locked."""
    reading = lane.show()
    order = lane.stamp_order(reading, generation=lane.record.generation, lock=True)
    return order.model_copy(
        update={
            "marker": order.marker.model_copy(update={"authoritative": True}),
            "replaces": reading.database.marker_digest,
        }
    )


# -- claims ------------------------------------------------------------------------


def test_a_claim_on_data_that_just_came_outlives_finish_and_stamp(lane: Estate) -> None:
    """Otherwise the next rebuild would let it be dropped without a proof."""
    permit = finished(lane)
    lane.done(CLAIM)
    lane.done("finish", lane.sign(permit))
    assert row_of(lane).claimed
    order = settling(lane, permit)
    for _ in range(2):
        lane.stamp(order)
        reading = lane.show().database
        assert reading.marker_row is not None
        assert (reading.marker_row.claimed, reading.marker_problem) == (True, None)
    with pytest.raises(AssertionError, match="source_not_allowed"):
        lane.permit()


def test_a_claim_that_came_with_other_data_goes_and_one_on_kept_data_stays(
    lane: Estate,
) -> None:
    lane.done(CLAIM)
    permit = lane.permit(DataSource.BACKUP_RESTORE)
    kept = lane.done("begin", lane.sign(permit)).set_aside
    assert kept is not None
    lane.execute(f'CREATE DATABASE "{lane.database}" TEMPLATE "{kept.name}"')
    lane.make_files(lane.filestore)
    assert row_of(lane).claimed
    lane.settle(permit)
    reading = lane.show().database
    assert reading.marker_row is not None
    assert (reading.marker_row.claimed, reading.marker_problem) == (False, None)
    # What was claimed goes back by an undo or a restore of kept data, claim and all.
    lane.done(CLAIM)
    _permit, again = lane.rebuild("third", DataSource.BACKUP_RESTORE)
    back = lane.permit(DataSource.KEPT, kept=again)
    lane.done("begin", lane.sign(back))
    lane.settle(back)
    assert row_of(lane).claimed


def test_a_claim_is_not_lowered_by_a_host_whose_clock_is_ahead(lane: Estate) -> None:
    enrolled_as_authoritative(lane)
    order = lane.lower_order()
    ahead = order.model_copy(update={"issued_at": order.issued_at + timedelta(seconds=50)})
    lane.done(CLAIM)
    for each in (ahead, ahead.model_copy(update={"lowers_digest": None})):
        lowering_refuses(lane, lane.sign(each), "readings_moved")


# -- stamps ------------------------------------------------------------------------


def test_an_older_stamp_takes_neither_authority_nor_lock_away(
    lane: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    permit = finished(lane)
    first = settling(lane, permit)
    lane.stamp(first)
    second = gone_live(lane)
    lane.stamp(second)
    before = lane.everything()
    refused(lane.run("stamp", lane.sign(first)), "readings_moved")
    assert lane.everything() == before
    lane.done("stamp", lane.sign(second))
    assert row_of(lane).authoritative
    assert fingerprint.databases(lane.cluster)[lane.database].locked

    # One that hung after it had looked, and goes on when a later one has been written.
    hung, later = gone_live(lane), gone_live(lane)
    hung = hung.model_copy(update={"lock": False})
    write = stamp_module._write

    def after_another(settings: Any, keys: Any, order: Any, token: str, database: Any) -> None:
        write(settings, keys, later, lane.sign(later), database)
        write(settings, keys, order, token, database)

    monkeypatch.setattr(stamp_module, "_write", after_another)
    refused(lane.run("stamp", lane.sign(hung)), "readings_moved")
    assert row_of(lane).nonce == later.marker.nonce
    assert fingerprint.databases(lane.cluster)[lane.database].locked


def test_a_stamp_that_comes_again_leaves_what_was_claimed_and_locked_since(lane: Estate) -> None:
    permit = finished(lane)
    order = settling(lane, permit)
    assert not order.lock
    lane.stamp(order)
    lane.done(CLAIM)
    lane.execute(f"ALTER DATABASE {lane.database} WITH IS_TEMPLATE true")
    before = lane.everything()
    lane.done("stamp", lane.sign(order))
    assert row_of(lane).claimed
    after = lane.everything()
    assert after.databases == before.databases
    assert after.files == before.files


def test_a_stamp_never_marks_what_took_the_name_meanwhile(
    lane: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    permit = finished(lane)
    order = settling(lane, permit)
    with Keep(lane.keep).locked():
        before = lane.everything()
        assert lane.run("stamp", lane.sign(order)).exit_code == 52
        assert lane.everything() == before
    write = stamp_module._write

    def after_the_old_data_went_back(*given: Any) -> None:
        lane.execute(f"ALTER DATABASE {lane.database} RENAME TO elsewhere")
        lane.execute(f'ALTER DATABASE "{permit.kept_name}" RENAME TO {lane.database}')
        lane.execute(f"ALTER DATABASE {lane.database} WITH ALLOW_CONNECTIONS true")
        write(*given)

    tag = fingerprint.databases(lane.cluster)[permit.kept_name].comment
    monkeypatch.setattr(stamp_module, "_write", after_the_old_data_went_back)
    refused(lane.run("stamp", lane.sign(order)), "readings_moved")
    assert row_of(lane).generation < permit.generation
    assert fingerprint.databases(lane.cluster)[lane.database].comment == tag


def test_a_server_that_is_down_is_not_a_refusal(lane: Estate) -> None:
    prepare, stamp = lane.sign(lane.prepare_order(1)), lane.sign(gone_live(lane))
    for command, token in (("prepare", prepare), ("stamp", stamp), ("reopen", "")):
        refused(lane.run(command, token, ODOO_DB_PORT="1"), exit_codes=(51,))
