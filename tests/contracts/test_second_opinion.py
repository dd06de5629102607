"""The rule book and the tables of docs/rule-book.md agree on reasons, signatures and duties."""

import random
from itertools import combinations, product

import pytest

from .second_opinion.agreement import check_agreement, rule_book_on
from .second_opinion.situation import BASES, VARIANTS
from .second_opinion.spaces import (
    FIELD,
    PRODUCTS,
    covering,
    families,
    neighbours,
    product_around,
    random_situations,
)

pytestmark = pytest.mark.slow

STRENGTH = 3


@pytest.mark.parametrize("name", PRODUCTS)
def test_both_agree_on_every_combination_of_the_facts_that_one_question_turns_on(name: str) -> None:
    base, facts = PRODUCTS[name]
    assert check_agreement(product_around(BASES[base], *facts)) > 100


def test_both_agree_on_every_triple_of_all_facts() -> None:
    assert check_agreement(covering(STRENGTH)) > 7000


@pytest.mark.parametrize("name", BASES)
def test_both_agree_where_one_fact_is_otherwise(name: str) -> None:
    assert rule_book_on(BASES[name]).allowed
    assert check_agreement(neighbours(BASES[name], changes=1)) > 140


@pytest.mark.parametrize("name", ["production", "remains"])
def test_both_agree_where_two_facts_are_otherwise(name: str) -> None:
    assert check_agreement(neighbours(BASES[name], changes=2)) > 10_000


def test_both_agree_on_a_hundred_thousand_random_situations() -> None:
    assert check_agreement(random_situations(100_000)) == 100_000


@pytest.mark.full
def test_both_agree_on_a_million_random_situations() -> None:
    assert check_agreement(random_situations(1_000_000, seed=4)) == 1_000_000


@pytest.mark.full
def test_both_agree_on_every_quadruple_of_all_facts() -> None:
    assert check_agreement(covering(4)) > 100_000


@pytest.mark.full
@pytest.mark.parametrize("name", sorted(BASES.keys() - {"production", "remains"}))
def test_both_agree_where_two_facts_are_otherwise_around_the_rest(name: str) -> None:
    assert check_agreement(neighbours(BASES[name], changes=2)) > 10_000


def test_any_three_facts_have_colours_of_their_own_in_one_of_the_families() -> None:
    """The covering of all triples rests on it."""
    found = families(len(VARIANTS), STRENGTH)
    for group in combinations(range(len(VARIANTS)), STRENGTH):
        assert any(len({way[column] for column in group}) == STRENGTH for way in found)
    assert max(len(variants) for variants in VARIANTS.values()) <= FIELD


def test_triples_that_are_looked_for_are_found() -> None:
    """The covering itself, looked at for some of all triples of facts."""
    situations = list(covering(STRENGTH))
    chooser = random.Random(1)  # noqa: S311 - repeatable on purpose
    for _ in range(40):
        facts = chooser.sample(list(VARIANTS), STRENGTH)
        found = {tuple([each[fact] for fact in facts]) for each in situations}
        assert found == set(product(*(VARIANTS[fact] for fact in facts)))
