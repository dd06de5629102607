"""A content fingerprint for tests, with one of everything in it."""

from typing import Any

from launchplane_lane_contracts.contract import Contract, DatabaseName, Digest
from launchplane_lane_contracts.fingerprint import (
    ContentFingerprint,
    DefinitionFingerprint,
    DefinitionKind,
    LargeObjectsFingerprint,
    SequenceFingerprint,
    TableFingerprint,
)

A, B = Digest("a" * 64), Digest("b" * 64)


def a_table(**changed: Any) -> TableFingerprint:
    """One table."""
    found = {"schema_name": "public", "name": "res_partner", "columns": A, "structure": A}
    return TableFingerprint(**{**found, "rows": 3, "row_sum": "c" * 32, **changed})


def a_sequence(**changed: Any) -> SequenceFingerprint:
    """One sequence."""
    found = {"schema_name": "public", "name": "res_partner_id_seq", "definition": A}
    return SequenceFingerprint(**{**found, "last_value": 3, "is_called": True, **changed})


def a_definition(**changed: Any) -> DefinitionFingerprint:
    """One view."""
    found = {"kind": DefinitionKind.VIEW, "schema_name": "public", "name": "report"}
    return DefinitionFingerprint(**{**found, "definition": A, **changed})


LARGE_OBJECTS = LargeObjectsFingerprint(count=2, size_bytes=9, content_sum="d" * 32)


def a_fingerprint(**changed: Any) -> ContentFingerprint:
    """A whole fingerprint."""
    found = {
        "database": DatabaseName("cm"),
        "server_version": 170000,
        "snapshot": "00000003-0000001B-1",
        "tables": (a_table(), a_table(name="übrig")),
        "sequences": (a_sequence(),),
        "large_objects": LARGE_OBJECTS,
        "definitions": (a_definition(),),
        "own_tables": (a_table(name="launchplane_lane_event"),),
        "own_sequences": (a_sequence(name="launchplane_lane_event_id_seq"),),
    }
    return ContentFingerprint(**{**found, **changed})


FINGERPRINT_VALUES: tuple[Contract, ...] = (
    a_table(),
    a_sequence(),
    a_definition(),
    LARGE_OBJECTS,
    a_fingerprint(),
    *a_fingerprint().differences(a_fingerprint(tables=())),
)
"""One of each, for the tests of all models."""
