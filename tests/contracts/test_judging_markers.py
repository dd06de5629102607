"""What a marker is worth, judged from hand-made readings."""

from typing import Any

import pytest

from launchplane_lane_contracts.contract import DatabaseName, Nonce, SystemIdentifier
from launchplane_lane_contracts.judgement import TokenVerdict, judge_marker
from launchplane_lane_contracts.marker import Marker
from launchplane_lane_contracts.observation import HostRecord
from launchplane_lane_contracts.reading import DatabaseReading
from launchplane_lane_contracts.vocabulary import MarkerState, RolloutState, RowState, TagState

from .cases import GENERATION, OTHER_LANE, changed
from .readings import (
    DATABASE_READING,
    EMPTY_DATABASE,
    MARKER,
    NEVER_RECORDED,
    NOTHING_THERE,
    RECORD,
    TOKEN,
    a_lowering,
    a_permit,
    a_row,
    a_stamp,
    an_engine_tag,
)

GOOD = TokenVerdict(order=a_stamp())
FOREIGN_TAG = an_engine_tag(OTHER_LANE)


def with_marker(marker: Marker) -> tuple[DatabaseReading, TokenVerdict]:
    """A database with this marker in it, whose token is good."""
    reading = DATABASE_READING.model_copy(update={"marker_row": a_row(marker)})
    return reading, TokenVerdict(order=a_stamp(marker))


def test_a_marker_that_agrees_with_everything_is_bound() -> None:
    observed = judge_marker(DATABASE_READING, GOOD, RECORD)
    assert observed.state is MarkerState.BOUND
    assert observed.generation == GENERATION


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("lane", str(OTHER_LANE)),
        ("rollout_state", RolloutState.TESTING),
        ("authoritative", True),
        ("generation", GENERATION + 1),
        ("nonce", "another-nonce"),
        ("state", RowState.PENDING),
    ],
)
def test_a_row_that_says_other_than_its_token_was_tampered_with(fact: str, value: Any) -> None:
    reading = changed(DATABASE_READING, f"marker_row.{fact}", value)
    assert judge_marker(reading, GOOD, RECORD).state is MarkerState.TAMPERED


def test_a_claim_is_no_tampering_and_is_heard() -> None:
    reading = changed(DATABASE_READING, "marker_row.claimed", True)
    observed = judge_marker(reading, GOOD, RECORD)
    assert observed.state is MarkerState.BOUND
    assert observed.claimed


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (TokenVerdict(key_is_unknown=True, detail="no key k1"), MarkerState.UNVERIFIABLE),
        (TokenVerdict(detail="bad signature"), MarkerState.TAMPERED),
        (TokenVerdict(order=a_permit()), MarkerState.TAMPERED),
    ],
)
def test_a_token_that_cannot_be_taken(verdict: TokenVerdict, state: MarkerState) -> None:
    assert judge_marker(DATABASE_READING, verdict, RECORD).state is state


def test_a_marker_that_was_lowered_is_bound_as_a_stamped_one_is() -> None:
    lowered = TokenVerdict(order=a_lowering())
    assert judge_marker(DATABASE_READING, lowered, RECORD).state is MarkerState.BOUND


def test_a_row_written_by_a_permit_is_pending_whatever_it_claims() -> None:
    permit = a_permit()
    reading = DATABASE_READING.model_copy(update={"marker_row": permit.pending_row(TOKEN)})
    observed = judge_marker(reading, TokenVerdict(order=permit), RECORD)
    assert observed.state is MarkerState.PENDING
    assert permit.permit_id in observed.detail
    settled = changed(reading, "marker_row.state", RowState.SETTLED)
    assert judge_marker(settled, TokenVerdict(order=permit), RECORD).state is MarkerState.TAMPERED


def test_a_pending_row_of_another_lane_is_foreign() -> None:
    permit = a_permit()
    reading = DATABASE_READING.model_copy(update={"marker_row": permit.pending_row(TOKEN)})
    record = HostRecord(lane=OTHER_LANE)
    assert judge_marker(reading, TokenVerdict(order=permit), record).state is MarkerState.FOREIGN


def test_the_marker_of_another_lane_is_foreign() -> None:
    reading, verdict = with_marker(changed(MARKER, "lane", OTHER_LANE))
    assert judge_marker(reading, verdict, RECORD).state is MarkerState.FOREIGN


@pytest.mark.parametrize(
    ("path", "value", "own"),
    [
        ("name", DatabaseName("another"), True),
        ("entry.tag", None, True),
        ("marker_row.authoritative", True, True),
        ("entry.oid", 99, False),
        ("marker_table_oid", 99, False),
        ("marker_table_oid", None, False),
        ("server.system_identifier", SystemIdentifier("1"), False),
    ],
)
def test_another_lanes_own_database_is_known_by_its_marker(
    path: str, value: Any, own: bool
) -> None:
    reading, verdict = with_marker(changed(MARKER, "lane", OTHER_LANE))
    assert judge_marker(reading, verdict, RECORD).is_anothers_own
    assert judge_marker(changed(reading, path, value), verdict, RECORD).is_anothers_own is own


def test_nothing_else_is_known_as_another_lanes_own() -> None:
    pending = a_permit()
    reading = DATABASE_READING.model_copy(update={"marker_row": pending.pending_row(TOKEN)})
    theirs = HostRecord(lane=OTHER_LANE)
    assert not judge_marker(reading, TokenVerdict(order=pending), theirs).is_anothers_own
    for verdict in (GOOD, TokenVerdict(key_is_unknown=True), TokenVerdict(detail="bad")):
        assert not judge_marker(DATABASE_READING, verdict, RECORD).is_anothers_own


def test_an_order_for_one_lane_with_the_marker_of_another_is_foreign() -> None:
    reading, verdict = with_marker(changed(MARKER, "lane", OTHER_LANE))
    assert verdict.order is not None
    careless = TokenVerdict(order=changed(verdict.order, "lane", RECORD.lane))
    assert judge_marker(reading, careless, RECORD).state is MarkerState.FOREIGN


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("identity.system_identifier", SystemIdentifier("1")),
        ("identity.database_oid", 99),
        ("identity.database_name", DatabaseName("cm_before")),
        ("identity.marker_table_oid", 99),
    ],
)
def test_a_marker_written_elsewhere_is_a_copy(path: str, value: Any) -> None:
    reading, verdict = with_marker(changed(MARKER, path, value))
    observed = judge_marker(reading, verdict, RECORD)
    assert observed.state is MarkerState.COPIED
    assert str(value) in observed.detail


def test_a_marker_in_a_database_without_identity_is_a_copy() -> None:
    reading = changed(DATABASE_READING, "marker_table_oid", None)
    assert judge_marker(reading, GOOD, RECORD).state is MarkerState.COPIED


@pytest.mark.parametrize(
    ("record", "state"),
    [
        (changed(RECORD, "generation", GENERATION + 1), MarkerState.ROLLED_BACK),
        (changed(RECORD, "nonce", Nonce("a-later-nonce")), MarkerState.ROLLED_BACK),
        (changed(RECORD, "nonce", None), MarkerState.ROLLED_BACK),
        (changed(RECORD, "generation", GENERATION - 1), MarkerState.AHEAD),
        (NEVER_RECORDED, MarkerState.AHEAD),
    ],
)
def test_a_marker_of_another_time(record: HostRecord, state: MarkerState) -> None:
    assert judge_marker(DATABASE_READING, GOOD, record).state is state


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("entry.tag", None),
        ("entry.tag.lane", OTHER_LANE),
        ("entry.tag.generation", GENERATION - 1),
        ("entry.tag.database_oid", 99),
        ("entry.tag.state", TagState.KEPT),
        ("entry.tag.state", TagState.PENDING),
    ],
)
def test_a_tag_that_does_not_agree(path: str, value: Any) -> None:
    reading = changed(DATABASE_READING, path, value)
    assert judge_marker(reading, GOOD, RECORD).state is MarkerState.TAG_LOST


@pytest.mark.parametrize(
    ("reading", "state"),
    [
        (NOTHING_THERE, MarkerState.NOT_APPLICABLE),
        (EMPTY_DATABASE, MarkerState.NOT_APPLICABLE),
        (changed(DATABASE_READING, "marker_row", None), MarkerState.ABSENT),
        (
            changed(changed(DATABASE_READING, "marker_row", None), "entry.tag", FOREIGN_TAG),
            MarkerState.FOREIGN,
        ),
        (changed(EMPTY_DATABASE, "entry.tag", FOREIGN_TAG), MarkerState.FOREIGN),
        # A tag that was copied along says nothing.
        (
            changed(
                changed(EMPTY_DATABASE, "entry.tag", FOREIGN_TAG), "entry.tag.database_oid", 99
            ),
            MarkerState.NOT_APPLICABLE,
        ),
        (changed(DATABASE_READING, "marker_problem", "two rows"), MarkerState.TAMPERED),
    ],
)
def test_where_there_is_no_row(reading: DatabaseReading, state: MarkerState) -> None:
    assert judge_marker(reading, None, RECORD).state is state


def test_a_row_without_a_verdict_is_no_marker() -> None:
    assert judge_marker(DATABASE_READING, None, RECORD).state is MarkerState.ABSENT


def test_the_generation_that_the_host_knows_is_told_or_that_it_knows_none() -> None:
    behind = changed(RECORD, "generation", GENERATION - 1)
    told = judge_marker(DATABASE_READING, GOOD, behind)
    assert told.state is MarkerState.AHEAD
    assert told.detail.endswith(f"record of {GENERATION - 1}")
    assert judge_marker(DATABASE_READING, GOOD, NEVER_RECORDED).detail.endswith("record of none")
