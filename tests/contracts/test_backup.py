"""A backup's manifest: its id, the gate that it makes, and sequences that moved while dumped."""

import hashlib

import pytest
from pydantic import ValidationError

from launchplane_lane_contracts.backup import BackupManifest, spans_between

from .backups import SPAN, a_manifest
from .cases import OTHER_LANE
from .fingerprints import A, B, a_fingerprint, a_sequence, a_table

STANDS = "sequence public.res_partner_id_seq: it stands at {} instead of 3"


def test_the_id_is_the_digest_of_the_manifest_as_it_is_written() -> None:
    manifest = a_manifest()
    assert manifest.backup_id == hashlib.sha256(manifest.canonical()).hexdigest()
    assert BackupManifest.from_json(manifest.canonical()).backup_id == manifest.backup_id
    assert a_manifest(guard_version="2").backup_id != manifest.backup_id


def test_the_gate_is_of_what_the_manifest_says() -> None:
    manifest, gate = a_manifest(), a_manifest().gate()
    assert {gate.backup_id, gate.manifest_digest} == {manifest.backup_id}
    assert gate.snapshot_at == manifest.captured_at
    for name in ("lane", "generation", "system_identifier", "database_oid", "filestore_path"):
        assert getattr(gate, name) == getattr(manifest, name)


def test_a_manifest_with_another_lanes_marker_is_none() -> None:
    with pytest.raises(ValidationError, match="names the lane of the backup"):
        a_manifest(lane=OTHER_LANE)


def test_the_dump_counts_its_bytes() -> None:
    assert a_manifest().dump.size_bytes == 14


@pytest.mark.parametrize(
    ("stands", "differs"),
    [
        ({"last_value": 3}, None),
        ({"last_value": 3, "is_called": False}, None),
        ({"last_value": 7}, None),
        ({"last_value": 8}, STANDS.format(8)),
        ({"last_value": 2}, STANDS.format(2)),
        (
            {"last_value": 4, "definition": B},
            "sequence public.res_partner_id_seq: its definition differs; it stands at 4 instead "
            "of 3",
        ),
        ({"name": "other"}, "sequence public.other: it is there as well"),
    ],
)
def test_a_sequence_that_moved_may_stand_anywhere_in_its_span(
    stands: dict[str, object], differs: str | None
) -> None:
    manifest = a_manifest()
    found = a_fingerprint(sequences=(a_sequence(**stands),))
    told = [str(each) for each in manifest.differences(found)]
    if differs is None:
        assert told == []
        assert manifest.expected_from(found).digest() == found.digest()
    else:
        assert differs in told


def test_a_sequence_that_rested_stands_where_it_stood() -> None:
    manifest = a_manifest(moved_sequences=())
    found = a_fingerprint(sequences=(a_sequence(last_value=4),))
    assert [str(each) for each in manifest.differences(found)] == [STANDS.format(4)]


def test_all_else_has_to_be_the_same() -> None:
    found = a_fingerprint(tables=(a_table(rows=4), a_table(name="übrig")))
    assert [str(each) for each in a_manifest().differences(found)] == [
        "table public.res_partner: 4 rows instead of 3"
    ]


def test_the_spans_are_those_of_sequences_that_moved() -> None:
    before = tuple(a_sequence(name=name) for name in ("called", "down", "gone", "rests", "up"))
    after = (
        a_sequence(name="called", is_called=False),
        a_sequence(name="down", last_value=1),
        a_sequence(name="new"),
        a_sequence(name="rests", definition=A),
        a_sequence(name="up", last_value=9),
    )
    spans = [(each.name, each.lowest, each.highest) for each in spans_between(before, after)]
    assert spans == [("called", 3, 3), ("down", 1, 3), ("up", 3, 9)]
    assert SPAN.schema_name == "public"
