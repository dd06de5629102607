"""What is allowed stands in allow_rows.md, row by row, and nothing else is allowed."""

import pytest

from .second_opinion.agreement import rule_book_on, told
from .second_opinion.allow_rows import FILE, allowed_by, rows_of_the_file, text
from .second_opinion.situation import BASES
from .second_opinion.spaces import covering, neighbours, random_situations, whole_products

pytestmark = pytest.mark.slow


def test_the_file_is_what_the_rule_book_allows() -> None:
    """Written anew by `python -m tests.contracts.second_opinion.allow_rows`."""
    assert FILE.read_text("utf-8") == text()


def test_a_request_is_allowed_exactly_when_a_row_of_every_table_fits() -> None:
    rows = rows_of_the_file()
    assert len(rows) == 10
    count = allowed = 0
    for situations in (
        *(neighbours(base, changes=1) for base in BASES.values()),
        covering(2),
        random_situations(20_000, seed=2),
    ):
        for situation in situations:
            count += 1
            expected = rule_book_on(situation).allowed
            allowed += expected
            assert allowed_by(rows, situation) is expected, told(situation)
    assert count > 20_000
    assert allowed > 5_000


@pytest.mark.full
def test_the_rows_fit_every_product_and_every_triple() -> None:
    rows = rows_of_the_file()
    for situations in (whole_products(), covering(3), random_situations(500_000, seed=3)):
        for situation in situations:
            assert allowed_by(rows, situation) is rule_book_on(situation).allowed, told(situation)


def test_the_rows_are_few() -> None:
    assert sum(len(table.rows) for table in rows_of_the_file()) < 60
