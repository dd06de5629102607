"""Content fingerprints: what counts, and what differs in words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from launchplane_lane_contracts.fingerprint import (
    NOTHING,
    ContentFingerprint,
    DefinitionKind,
    LargeObjectsFingerprint,
)

from .fingerprints import (
    LARGE_OBJECTS,
    B,
    a_definition,
    a_fingerprint,
    a_sequence,
    a_table,
)

FIRST = a_fingerprint()
UMLAUT = a_table(name="übrig")
GOLDEN = "e7389b0b6a08f8fd147a3f15e0e0fb71435e5b28440538a10c98635c4e85e912"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tables": (UMLAUT,)}, "table public.res_partner: it is missing"),
        (
            {"tables": (a_table(name="extra"), a_table(), UMLAUT)},
            "table public.extra: it is there as well",
        ),
        (
            {"tables": (a_table(rows=4), UMLAUT)},
            "table public.res_partner: 4 rows instead of 3",
        ),
        (
            {"tables": (a_table(row_sum=NOTHING), UMLAUT)},
            "table public.res_partner: 3 rows as before, with other content",
        ),
        ({"tables": (a_table(columns=B), UMLAUT)}, "table public.res_partner: its columns differ"),
        (
            {"tables": (a_table(columns=B, structure=B, rows=0), UMLAUT)},
            "table public.res_partner: its columns differ; its kind, parents, constraints, indexes "
            "or triggers differ; 0 rows instead of 3",
        ),
        (
            {"sequences": (a_sequence(last_value=1, is_called=False),)},
            "sequence public.res_partner_id_seq: it stands at 1 (not handed out) instead of 3",
        ),
        (
            {"sequences": (a_sequence(definition=B),)},
            "sequence public.res_partner_id_seq: its definition differs",
        ),
        (
            {"large_objects": LargeObjectsFingerprint()},
            "large objects: 0 instead of 2",
        ),
        (
            {"large_objects": LARGE_OBJECTS.model_copy(update={"size_bytes": 8})},
            "large objects: 8 bytes instead of 9",
        ),
        (
            {"large_objects": LARGE_OBJECTS.model_copy(update={"content_sum": NOTHING})},
            "large objects: 2 as before, with other oids or content",
        ),
        (
            {"definitions": (a_definition(definition=B),)},
            "view public.report: its definition differs",
        ),
        (
            {"definitions": (a_definition(kind=DefinitionKind.TYPE), a_definition())},
            "type public.report: it is there as well",
        ),
    ],
)
def test_what_differs_is_named_and_changes_the_digest(changed: dict[str, Any], words: str) -> None:
    other = a_fingerprint(**changed)
    assert [str(each) for each in FIRST.differences(other)] == [words]
    assert FIRST.digest() != other.digest()


@pytest.mark.parametrize(
    "changed",
    [
        {"database": "another"},
        {"server_version": 180000},
        {"snapshot": ""},
        {"own_tables": ()},
        {"own_sequences": ()},
    ],
)
def test_what_does_not_count_changes_neither(changed: dict[str, Any]) -> None:
    other = a_fingerprint(**changed)
    assert other != FIRST
    assert FIRST.differences(other) == ()
    assert FIRST.digest() == other.digest()


def test_names_that_look_alike_are_told_apart() -> None:
    one = a_fingerprint(tables=(a_table(schema_name="a", name="b.c"),))
    two = a_fingerprint(tables=(a_table(schema_name="a.b", name="c"),))
    assert [each.how for each in one.differences(two)] == [
        "it is missing",
        "it is there as well",
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {"tables": (UMLAUT, a_table())},
        {"sequences": (a_sequence(), a_sequence())},
        {"definitions": (a_definition(), a_definition(kind=DefinitionKind.TYPE))},
    ],
)
def test_everything_stands_there_once_and_in_order(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="once and in order"):
        a_fingerprint(**changed)


def test_rows_are_those_of_all_tables() -> None:
    assert FIRST.rows == 6
    assert a_fingerprint(tables=()).rows == 0


def test_digests_never_change() -> None:
    """Proofs are bound to them: another way to make one needs another number of its method."""
    assert FIRST.method == 1
    assert FIRST.digest() == GOLDEN


tables = some.builds(
    a_table,
    name=some.sampled_from(["a", "b", "c"]),
    columns=some.sampled_from([B, "a" * 64]),
    rows=some.integers(0, 1),
    row_sum=some.sampled_from([NOTHING, "1" * 32]),
)
fingerprints = some.builds(
    a_fingerprint,
    tables=some.lists(tables, unique_by=lambda table: table.name, max_size=3).map(
        lambda found: tuple(sorted(found, key=lambda table: table.name))
    ),
    sequences=some.lists(some.builds(a_sequence, last_value=some.integers(1, 2)), max_size=1).map(
        tuple
    ),
    server_version=some.integers(150000, 180000),
)


@given(fingerprints, fingerprints)
def test_nothing_differs_exactly_where_the_digests_are_equal(
    one: ContentFingerprint, two: ContentFingerprint
) -> None:
    assert (one.differences(two) == ()) == (one.digest() == two.digest())
    assert len(one.differences(two)) == len(two.differences(one))
