"""The ledger: what was done to it past the program is found, and an old store is not trusted."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_driver.ledger_head import GENESIS, LedgerHead, LedgerHeadFile
from launchplane_lane_driver.store import Store
from tests.driver.places import Place
from tests.driver.sample import CM, NOW, SYO, record_open_policy


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with five entries."""
    record_open_policy(store)
    record_open_policy(store, SYO)
    store.note("refused", CM, {"why": "Grüße"}, NOW)
    store.new_generation(CM)
    store.new_generation(SYO)
    return store


def _is_refused(action: Callable[[], object], *said: str) -> None:
    with pytest.raises(Refused) as caught:
        action()
    assert caught.value.reasons[0].code is ReasonCode.STORE_ROLLED_BACK
    for each in said:
        assert each in caught.value.message


def test_entries_are_chained_and_the_head_is_beside_them(filled: Store, place: Place) -> None:
    entries = filled.ledger_entries()
    assert [each.sequence for each in entries] == [1, 2, 3, 4, 5]
    assert [each.previous for each in entries[1:]] == [each.entry_digest for each in entries[:-1]]
    assert [each.lane for each in filled.ledger_entries(SYO)] == [SYO, SYO]
    assert filled.ledger_entries(after=4) == entries[4:]
    head = LedgerHead.from_json(place.head_file.read_bytes())
    assert head == LedgerHead(sequence=5, entry_digest=entries[-1].entry_digest)
    filled.verify_ledger()
    assert filled.trusted(NOW) == (True, "")
    again = place.open()
    again.verify_ledger()
    again.close()


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        (["UPDATE ledger SET kind = 'noted' WHERE sequence = 2"], "entry 2 was changed"),
        (["UPDATE ledger SET lane = NULL WHERE sequence = 3"], "entry 3 was changed"),
        (
            ["UPDATE ledger SET document = replace(document, 'why', 'who') WHERE sequence = 3"],
            "entry 3 was changed",
        ),
        (
            ["UPDATE ledger SET document = document || ' ' WHERE sequence = 3"],
            "entry 3 was changed",
        ),
        (["UPDATE ledger SET document = 'x' WHERE sequence = 3"], "entry 3 was changed"),
        (["UPDATE ledger SET at = '2020-01-01 00:00:00' WHERE sequence = 4"], "entry 4"),
        (["DELETE FROM ledger WHERE sequence = 3"], "entry 3 is missing"),
        (["DELETE FROM ledger WHERE sequence = 1"], "entry 1 is missing"),
        (["DELETE FROM ledger WHERE sequence = 5"], "ends with entry 4"),
        (["DELETE FROM ledger"], "ends with entry 0"),
        (
            [
                "UPDATE ledger SET sequence = 99 WHERE sequence = 3",
                "UPDATE ledger SET sequence = 3 WHERE sequence = 4",
                "UPDATE ledger SET sequence = 4 WHERE sequence = 99",
            ],
            "entry 3 does not follow",
        ),
        ([f"DELETE FROM policy_revisions WHERE lane = '{SYO}'"], "is not what the ledger says"),
        (
            ["UPDATE policy_revisions SET document = replace(document, 'true', 'false')"],
            "is not what the ledger says",
        ),
    ],
)
def test_whatever_is_done_to_it_is_found(
    filled: Store, place: Place, edits: list[str], said: str
) -> None:
    filled.close()
    place.without_triggers(*edits)
    _is_refused(filled.verify_ledger, said)


def test_an_end_that_is_cut_off_is_not_trusted(filled: Store, place: Place) -> None:
    place.without_triggers("DELETE FROM ledger WHERE sequence > 3")
    trusted, why = filled.trusted(NOW + timedelta(minutes=90))
    assert not trusted
    assert "entry 5 had been written" in why
    assert " minutes ago" in why
    # Until that is put right nothing is added, or the gap would grow over.
    _is_refused(lambda: filled.new_generation(CM), "entry 5")
    assert len(filled.ledger_entries()) == 3


def test_a_store_put_back_from_a_copy_is_not_trusted(tmp_path: Path) -> None:
    place = Place(f"sqlite:///{tmp_path / 'store.sqlite3'}", tmp_path / "head.json")
    store = place.open()
    record_open_policy(store)
    place.save(tmp_path / "copy")
    store.new_generation(CM)
    store.close()
    place.put_back(tmp_path / "copy")
    old = place.open()
    assert not old.trusted(NOW)[0]
    _is_refused(lambda: old.new_generation(CM))
    _is_refused(old.verify_ledger)
    assert len(old.ledger_entries()) == 1
    old.close()


def test_a_store_that_went_another_way_since_is_not_trusted(tmp_path: Path) -> None:
    place = Place(f"sqlite:///{tmp_path / 'store.sqlite3'}", tmp_path / "head.json")
    store = place.open()
    record_open_policy(store)
    place.save(tmp_path / "copy")
    store.new_generation(CM)
    store.close()
    place.put_back(tmp_path / "copy")
    # Somebody runs the copy beside another head file, until it is as long as the real one.
    elsewhere = Place(place.url, tmp_path / "other-head.json")
    elsewhere.head_file.write_bytes(GENESIS.canonical())
    away = elsewhere.open()
    away.new_generation(SYO)
    away.new_generation(SYO)
    away.close()
    back = place.open()
    trusted, why = back.trusted(NOW)
    assert not trusted
    assert "is not the one" in why
    back.close()


def test_a_crash_between_commit_and_head_is_no_rollback(filled: Store, place: Place) -> None:
    behind = filled.ledger_entries()[2]
    head = LedgerHead(sequence=behind.sequence, entry_digest=behind.entry_digest)
    place.head_file.write_bytes(head.canonical())
    assert filled.trusted(NOW) == (True, "")
    assert LedgerHead.from_json(place.head_file.read_bytes()).sequence == 5
    place.head_file.write_bytes(head.canonical())
    assert filled.new_generation(CM) == 2
    assert LedgerHead.from_json(place.head_file.read_bytes()).sequence == 6


def test_entries_beyond_the_head_must_be_whole(filled: Store, place: Place) -> None:
    behind = filled.ledger_entries()[2]
    head = LedgerHead(sequence=behind.sequence, entry_digest=behind.entry_digest)
    place.head_file.write_bytes(head.canonical())
    place.without_triggers("UPDATE ledger SET lane = 'a/b/c' WHERE sequence = 5")
    assert not filled.trusted(NOW)[0]
    assert LedgerHead.from_json(place.head_file.read_bytes()) == head


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"sequence": -1, "entry_digest": ""}'])
def test_a_head_file_that_is_gone_or_spoilt(
    filled: Store, place: Place, content: bytes | None
) -> None:
    if content is None:
        place.head_file.unlink()
        assert not filled.trusted(NOW)[0]
        _is_refused(lambda: filled.new_generation(CM), "gone")
        # Nor does opening it anew make one that hides the loss.
        again = place.open()
        assert not again.trusted(NOW)[0]
        again.close()
    else:
        place.head_file.write_bytes(content)
        with pytest.raises(CouldNotTell):
            filled.trusted(NOW)
        with pytest.raises(CouldNotTell):
            filled.new_generation(CM)
    assert len(filled.ledger_entries()) == 5


def test_the_head_file_never_moves_back(filled: Store, place: Place) -> None:
    newest = place.head_file.read_bytes()
    third = filled.ledger_entries()[2]
    older = LedgerHead(sequence=third.sequence, entry_digest=third.entry_digest)
    # As when a slow process writes its head after a quick one has written a later one.
    LedgerHeadFile(place.head_file).move_forward(older)
    assert place.head_file.read_bytes() == newest


def test_a_clock_that_went_back(place: Place) -> None:
    store = Store.open(place.url, place.head_file, clock=lambda: NOW)
    assert store.clock_problem(NOW - timedelta(days=9)) == ""
    store.new_generation(CM)
    assert store.clock_problem(NOW - timedelta(seconds=60)) == ""
    assert "entry 1" in store.clock_problem(NOW - timedelta(seconds=61))
    assert store.clock_problem(NOW + timedelta(days=365)) == ""
    store.close()
