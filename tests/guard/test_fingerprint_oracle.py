"""Row sums against a second implementation: the encoding as docs/fingerprint.md tells it."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from launchplane_lane_guard.fingerprint import read_in
from tests.guard.dumping import MADE_LIKE_ODOO
from tests.real.postgres import PrivateCluster

DATABASE = "oracle"
COLUMNS = ("zeta", "Alpha", "beta", "gamma", "_under", "tags")
"""As they stand in the table, which is not the order of their names."""
TYPES = ("integer", "text", "bytea", "boolean", "numeric", "text[]")
SPACES = " \t\n\r\v\f"


def value(found: Any) -> str | None:
    """One value as PostgreSQL writes it."""
    if found is None or isinstance(found, str):
        return found
    if isinstance(found, bool):
        return "t" if found else "f"
    if isinstance(found, bytes):
        return "\\x" + found.hex()
    if isinstance(found, list):
        return "{" + ",".join(element(each) for each in found) + "}"
    return format(found, "f") if isinstance(found, Decimal) else str(found)


def element(found: str | None) -> str:
    """One element of an array."""
    if found is None:
        return "NULL"
    if found == "" or found.upper() == "NULL" or set(found) & set('{}",\\' + SPACES):
        return '"' + found.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return found


def field(found: Any) -> str:
    """One value in a row."""
    text = value(found)
    if text is None:
        return ""
    if text == "" or set(text) & set('(),"\\' + SPACES):
        return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'
    return text


def row_sum(rows: Sequence[Sequence[Any]]) -> str:
    """The sum over all rows, columns in the order of their names."""
    order = sorted(range(len(COLUMNS)), key=lambda place: COLUMNS[place])
    total = 0
    for row in rows:
        text = "(" + ",".join(field(row[place]) for place in order) + ")"
        total += int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    return f"{total % 2**128:032x}"


@pytest.fixture(scope="module")
def session(cluster: PrivateCluster) -> Iterator[Connection]:
    """A session in a database with one table."""
    cluster.execute(f"CREATE DATABASE {DATABASE} OWNER odoo {MADE_LIKE_ODOO}")
    with closing(cluster.connect(DATABASE, autocommit=True)) as opened:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in zip(COLUMNS, TYPES, strict=True))
        with opened.cursor() as cursor:
            cursor.execute(f"CREATE TABLE facts ({columns})")
        yield opened
    cluster.execute(f"DROP DATABASE {DATABASE}")


characters = some.one_of(
    some.sampled_from('"\\,(){} \t\n\r\v\fNULLnull%\u0085\u00a0é😀'),
    some.characters(exclude_categories=["Cs"], exclude_characters="\0"),
)
texts = some.text(characters, max_size=8)
rows = some.tuples(
    some.none() | some.integers(-(2**31), 2**31 - 1),
    some.none() | texts,
    some.none() | some.binary(max_size=8),
    some.none() | some.booleans(),
    some.none()
    | some.builds(
        lambda digits, scale: Decimal(digits).scaleb(-scale),
        some.integers(0, 10**12),
        some.integers(0, 6),
    ),
    some.none() | some.lists(some.none() | texts, max_size=3),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(some.lists(rows, max_size=6).flatmap(lambda found: some.permutations([*found, *found[:1]])))
def test_the_sum_is_what_the_oracle_says(session: Connection, rows: list[tuple[Any, ...]]) -> None:
    with session.cursor() as cursor:
        cursor.execute("TRUNCATE facts")
        if rows:
            execute_values(
                cursor,
                "INSERT INTO facts VALUES %s",
                rows,
                "(" + ", ".join(f"CAST(%s AS {kind})" for kind in TYPES) + ")",
            )
    (table,) = read_in([session]).tables
    assert (table.rows, table.row_sum) == (len(rows), row_sum(rows))


def test_the_oracle_tells_rows_apart() -> None:
    nothing = (None,) * len(COLUMNS)
    sums = {row_sum([nothing]), row_sum([]), row_sum([nothing, nothing])}
    sums |= {
        row_sum([(None, text, None, None, None, None)]) for text in ("", "NULL", " ", ",", '""')
    }
    sums |= {row_sum([(None, None, None, None, Decimal(number), None)]) for number in ("1", "1.0")}
    assert len(sums) == 10
