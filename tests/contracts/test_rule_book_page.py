"""The tables that people read in docs/rule-book.md are whole: known words, no row for nothing."""

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from launchplane_lane_contracts.reasons import ReasonCode

from .provocations import PROVOCATIONS
from .second_opinion import opinion, tables
from .second_opinion.agreement import check_agreement
from .second_opinion.opinion import OBLIGATIONS, TABLES, conclude
from .second_opinion.situation import BASES, VARIANTS, WORD, Situation, words_of
from .second_opinion.spaces import SEED, neighbours, whole_products
from .second_opinion.tables import NO_REASON, REASONS, Table, read_facts

SAMPLES = 40
ANSWERS = frozenset({"approvers required", "requester signs", *OBLIGATIONS})


def test_the_page_lists_the_facts_that_are_tried_with_all_their_words() -> None:
    assert read_facts() == {fact: frozenset(words.values()) for fact, words in WORD.items()}
    assert list(read_facts()) == list(VARIANTS)


def test_every_cell_holds_words_of_its_fact() -> None:
    known = dict(read_facts())
    for table in TABLES:
        for row in table.rows:
            for fact, condition in zip(table.facts, row.conditions, strict=True):
                assert condition.words <= known[fact], (table.result, fact, condition)
        if table.result != REASONS:
            known[table.result] = frozenset(row.result for row in table.rows)


def test_what_follows_is_asked_for_by_a_later_table_or_is_an_answer() -> None:
    for number, table in enumerate(TABLES):
        later = {fact for each in TABLES[number + 1 :] for fact in each.facts}
        assert table.result in later | ANSWERS | {REASONS}


def test_every_fact_decides_something_but_two() -> None:
    asked = {fact for table in TABLES for fact in table.facts}
    # The largest age stands in the age of the gate.
    assert set(VARIANTS) - asked == {"rollout state", "largest age"}


def test_the_tables_give_the_codes_that_the_rule_book_gives() -> None:
    given = {
        ReasonCode(code)
        for table in TABLES
        if table.result == REASONS
        for row in table.rows
        if row.result != NO_REASON
        for code in row.result.split(", ")
    }
    assert given == {code for each in PROVOCATIONS for code in each.codes}


def situations_by_row() -> dict[tuple[int, int], list[Situation]]:
    """For each row of each table some situations in which it counts, from all the products."""
    chooser = random.Random(SEED)  # noqa: S311 - repeatable on purpose
    found: dict[tuple[int, int], list[Situation]] = {}
    for number, situation in enumerate(_every_product()):
        known, _codes = conclude(words_of(situation))
        if situation["policy"] == "none" or (number % 7 and number > 2000):
            continue
        for place, table in enumerate(TABLES):
            row = table.row_for(tuple([known[fact] for fact in table.facts]))
            samples = found.setdefault((place, row), [])
            if len(samples) < SAMPLES:
                samples.append(situation)
            elif chooser.random() < 0.02:
                samples[chooser.randrange(SAMPLES)] = situation
    return found


def _every_product() -> Iterator[Situation]:
    for base in BASES.values():
        yield from neighbours(base, changes=1)
    yield from whole_products()


@pytest.mark.slow
def test_no_row_stands_there_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row counts somewhere, and were another result in it, the rule book would disagree."""
    found = situations_by_row()
    for place, table in enumerate(TABLES):
        for number, row in enumerate(table.rows):
            if table.facts == ("policy",) and row.result != NO_REASON:
                continue
            samples = found.get((place, number), [])
            assert samples, f"no situation reaches {row} of the table of {table.result}"
            other = next(each.result for each in table.rows if each.result != row.result)
            rows = (*table.rows[:number], replace(row, result=other), *table.rows[number + 1 :])
            changed = (*TABLES[:place], replace(table, rows=rows, answers={}), *TABLES[place + 1 :])
            with monkeypatch.context() as planted:
                planted.setattr(opinion, "TABLES", changed)
                with pytest.raises(AssertionError, match="tables:"):
                    check_agreement(samples)
                    pytest.fail(f"{row} of the table of {table.result} could say {other} as well")


def test_a_table_that_says_nothing_of_a_word_is_noticed() -> None:
    table = TABLES[0]
    with pytest.raises(LookupError, match="no row"):
        Table(table.facts, table.result, table.rows[:1]).answer({"request": "restore/kept"})


def test_tables_and_words_share_no_code_with_the_rule_book() -> None:
    for module in ("tables", "situation", "opinion", "spaces"):
        text = (tables.PAGE.parents[1] / f"tests/contracts/second_opinion/{module}.py").read_text()
        assert "rulebook" not in text
        assert "contracts.rules" not in text
