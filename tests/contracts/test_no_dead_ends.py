"""From every refusal the ways on that its reasons name lead to an allow, or to a lawful no."""

import re
from collections.abc import Iterable

import pytest

from launchplane_lane_contracts.reasons import ReasonCode as Code

from .provocations import PROVOCATIONS, Provocation
from .second_opinion.agreement import rule_book_on, told
from .second_opinion.situation import (
    BASES,
    CHANGE_UNDER_WAY,
    NOTHING_THERE,
    PRODUCTION,
    REMAINS,
    Situation,
)
from .second_opinion.spaces import covering, neighbours, random_situations, whole_products
from .second_opinion.ways_on import WAYS, Outcome, search
from .test_every_reason import PAGE, paragraphs


def check_every_end(situations: Iterable[Situation]) -> int:
    """Search from each, and ask the rule book itself about each end; how many were refused."""
    refusals = 0
    for situation in situations:
        end = search(situation)
        assert end is not None, f"no way on from {told(situation)}"
        refusals += bool(end.steps)
        decision = rule_book_on(end.situation)
        assert decision.allowed is end.allowed, told(end.situation)
        if not end.allowed:
            assert Code.SOURCE_NOT_ALLOWED.value in decision.codes
            assert end.situation["data"] == "authoritative"
            assert end.situation["request"].endswith(("empty", "upstream_restore"))
    return refusals


@pytest.mark.parametrize("name", BASES)
def test_one_thing_wrong_has_a_way_on(name: str) -> None:
    assert check_every_end(neighbours(BASES[name], changes=1)) > 40


@pytest.mark.slow
def test_many_things_wrong_have_a_way_on() -> None:
    assert check_every_end(covering(2)) > 300
    assert check_every_end(random_situations(10_000, seed=5)) > 3000


@pytest.mark.full
@pytest.mark.slow
def test_every_refusal_of_every_product_and_triple_has_a_way_on() -> None:
    assert check_every_end(whole_products()) > 30_000
    assert check_every_end(covering(3)) > 7000
    assert check_every_end(random_situations(300_000, seed=6)) > 100_000


def test_every_reason_of_the_rule_book_has_ways_on() -> None:
    assert set(WAYS) == {code for each in PROVOCATIONS for code in each.codes}
    assert all(WAYS.values())


@pytest.mark.parametrize("code", WAYS, ids=str)
def test_the_page_of_reasons_tells_every_way_on(code: Code) -> None:
    meaning, _check, way_on = paragraphs()[code].split("# ")[0].strip().split("\n\n")[:3]
    assert meaning
    text = re.sub(r"\s+", " ", way_on).lower()
    for way in WAYS[code]:
        assert way.words.lower() in text, f"{way.name}: {way.words!r} is not told"


def test_the_page_says_what_waits_until_nothing_is_under_way() -> None:
    text = re.sub(r"\s+", " ", PAGE.read_text("utf-8"))
    assert "declaring lost wait until nothing is under way on the lane" in text


@pytest.mark.parametrize("provocation", PROVOCATIONS, ids=str)
def test_the_reason_itself_tells_a_way_on_too(provocation: Provocation) -> None:
    """The remedy in a decision holds the main word of one of its ways, as the page does."""
    decision = provocation.provoked().decide()
    for reason in decision.reasons:
        remedy = stems(reason.remedy)
        assert any(stems(way.words) & remedy for way in WAYS[reason.code]), reason.remedy


def stems(text: str) -> set[str]:
    """The beginnings of a text's longer words."""
    return {word[:5] for word in re.findall(r"[a-z_]{4,}", text.lower())}


def night(start: Situation, *impossible: str) -> Outcome:
    """The shortest way through a night in which some ways are not there; the lane is allowed."""
    end = search(start, impossible=frozenset(impossible), shortest=True)
    assert end is not None
    assert end.allowed
    assert rule_book_on(end.situation).allowed
    return end


LAST_NIGHT = {**PRODUCTION, "runtime": "silent", "requester": "not signed", "approvers": "none"}
"""Production is down at two in the morning; the backup of last night is proven and on record."""


def test_production_whose_odoo_does_not_start_comes_back_from_last_night_s_backup() -> None:
    end = night(LAST_NIGHT, "start Odoo")
    assert sorted(end.steps) == ["an approver signs", "attest", "the requester signs"]


def test_an_older_backup_comes_back_once_the_present_data_is_captured_and_proven() -> None:
    end = night({**LAST_NIGHT, "age of the gate": "stale"}, "start Odoo", "declare lost")
    assert {"capture a backup", "prove the backup", "attest"} <= set(end.steps)


@pytest.mark.parametrize("gate", ["none", "of recorded data"])
def test_production_whose_pages_are_corrupt_is_declared_lost_and_restored(gate: str) -> None:
    corrupt = {**LAST_NIGHT, "gate": gate, "age of the gate": "stale", "data proof": "none"}
    end = night(corrupt, "start Odoo", "capture a backup", "prove the backup")
    # What is there was set aside with the declaration, so nobody signs the rebuild once more.
    assert sorted(end.steps) == ["attest", "declare lost"]
    assert end.situation["load proof"] == "good"


def test_production_that_cannot_even_be_read_or_is_gone_is_declared_lost_and_restored() -> None:
    for state in ("unreadable", "missing"):
        gone = {**LAST_NIGHT, "database": state, "marker": "not applicable", "gate": "none"}
        end = night(gone, "start Odoo", "make it readable", "bring the data back")
        assert sorted(end.steps) == ["attest", "declare lost"]


@pytest.mark.parametrize("way", ["retry", "undo", "finish"])
def test_a_rebuild_that_died_half_way_goes_on_by_each_of_its_ways(way: str) -> None:
    died = {**REMAINS, "retries": "nothing"}
    others = {"retry", "undo", "finish", "settle as it stands"} - {way}
    others |= {"put this lane's own database back", "adopt"}
    assert way in night(died, *others).steps


def test_a_rebuild_that_died_before_any_database_was_there_is_done_once_more() -> None:
    for state in ("absent", "uninitialised"):
        died = {
            **REMAINS,
            "retries": "nothing",
            "database": state,
            "marker": "not applicable",
            "oid": "read" if state == "uninitialised" else "not read",
        }
        assert night(
            died, "undo", "finish", "settle as it stands", "move the files away"
        ).steps == ("retry",)


def test_a_change_that_failed_with_the_data_in_place_can_be_settled_as_it_stands() -> None:
    stuck = {**CHANGE_UNDER_WAY, "retries": "nothing"}
    assert night(stuck, "retry", "undo", "finish").steps[0] == "settle as it stands"


def test_the_store_put_back_from_yesterday_is_reconciled_with_the_lanes() -> None:
    yesterday = {
        **PRODUCTION,
        "store": "rolled back",
        "marker": "ahead",
        "gate": "of other data: generation",
    }
    assert night(yesterday, "declare lost").steps[0] == "put the newest store back"
    lost = night(yesterday, "put the newest store back", "declare lost")
    assert lost.steps[0] == "reconcile"
    assert "capture a backup" in lost.steps


def test_a_company_of_one_restores_its_own_production_tonight() -> None:
    alone = {**LAST_NIGHT, "approvers asked here": "0"}
    end = night(alone, "start Odoo", "an approver signs")
    assert sorted(end.steps) == ["attest", "the requester signs"]


def test_two_people_are_asked_for_where_nobody_lowered_the_number() -> None:
    assert search(LAST_NIGHT, impossible=frozenset({"an approver signs", "declare lost"})) is None


def test_a_world_without_any_way_is_seen() -> None:
    every = frozenset(way.name for ways in WAYS.values() for way in ways)
    assert search({**NOTHING_THERE, "store": "rolled back"}, impossible=every) is None


def test_production_from_empty_is_refused_by_the_owner_s_own_rule() -> None:
    end = search({**LAST_NIGHT, "request": "recreate/empty"})
    assert end is not None
    assert not end.allowed
