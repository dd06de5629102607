"""Kept data is opened for reading, still locked, and closed again with nobody left in it."""

from datetime import timedelta

import psycopg2
import pytest

from launchplane_lane_contracts.vocabulary import DataSource
from launchplane_lane_guard import sessions
from tests.guard import fingerprint
from tests.guard.estate import Estate, refused
from tests.guard.test_release import is_gone


def test_it_is_open_for_reading_and_still_locked(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    old = lane.kept_data(kept.name)
    token = lane.sign(lane.open_order(kept))
    lane.done("open", token)
    lane.done("open", token)
    seen = fingerprint.databases(lane.cluster)[kept.name]
    assert seen.takes_connections
    assert seen.locked
    lane.execute("SELECT count(*) FROM res_partner", kept.name)
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        lane.execute("DELETE FROM res_partner", kept.name)
    with pytest.raises(psycopg2.Error, match="template"):
        lane.execute(f'DROP DATABASE "{kept.name}" WITH (FORCE)')
    held = lane.cluster.connect(kept.name)
    lane.done("open --close", token)
    lane.done("open --close", token)
    with pytest.raises(psycopg2.OperationalError):
        held.cursor().execute("SELECT 1")
    seen = fingerprint.databases(lane.cluster)[kept.name]
    assert not seen.takes_connections
    assert seen.locked
    assert lane.kept_data(kept.name) == old


def test_all_that_is_kept_at_once_or_nothing(lane: Estate) -> None:
    _permit, first = lane.rebuild("second")
    _permit, second = lane.rebuild("third")
    wrong = second.model_copy(update={"database_oid": 4_000_000})
    before = lane.everything()
    for command in ("open", "open --close"):
        refused(lane.run(command, lane.sign(lane.open_order(first, wrong))), "kept_changed")
        assert lane.everything() == before
    order = lane.sign(lane.open_order(first, second))
    lane.done("open", order)
    opened = fingerprint.databases(lane.cluster)
    assert all(opened[each.name].takes_connections for each in (first, second))
    lane.done("open --close", order)
    assert lane.everything() == before


def test_an_order_whose_time_is_over_closes_and_does_not_open(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    late = lane.sign(lane.open_order(kept, issued=timedelta(hours=-1)))
    before = lane.everything()
    refused(lane.run("open", late), "order_expired")
    assert lane.everything() == before
    lane.done("open", lane.sign(lane.open_order(kept)))
    lane.done("open --close", late)
    assert lane.everything() == before


def test_the_lanes_own_database_is_not_opened_by_it(lane: Estate) -> None:
    permit, kept = lane.rebuild("second")
    entry = lane.show().database.entry
    assert entry is not None
    live = kept.model_copy(
        update={
            "name": lane.database,
            "database_oid": entry.oid,
            "generation": permit.generation,
        }
    )
    before = lane.everything()
    refused(lane.run("open --close", lane.sign(lane.open_order(live))), "kept_changed")
    assert lane.everything() == before
    assert lane.takes_connections()


def test_opened_data_that_goes_back_can_be_written_to_again(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    lane.done("open", lane.sign(lane.open_order(kept)))
    permit = lane.permit(DataSource.KEPT, kept=kept)
    lane.done("begin", lane.sign(permit))
    lane.execute("INSERT INTO res_partner (name) VALUES ('written')", lane.database)


def test_opened_data_is_closed_by_its_release(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    lane.done("open", lane.sign(lane.open_order(kept)))
    held = lane.cluster.connect(kept.name)
    lane.done("release", lane.sign(lane.release_order(kept)))
    assert is_gone(lane, kept)
    held.close()


def test_somebody_who_stays_is_named(lane: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SECONDS_FOR_SESSIONS_TO_END", 0.3)
    _permit, kept = lane.rebuild("second")
    order = lane.sign(lane.open_order(kept))
    lane.done("open", order)
    held = lane.cluster.connect(kept.name, lane.cluster.superuser)
    answer = lane.run("open --close", order)
    refused(answer, "set_aside_impossible")
    assert "postgres" in answer.words
    assert not fingerprint.databases(lane.cluster)[kept.name].takes_connections
    held.close()
    lane.done("open --close", order)
