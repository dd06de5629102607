"""The guard's reading and the host's own: every fact in which they may differ, by itself."""

from typing import Any

import pytest

from launchplane_lane_contracts.judgement import judge_database
from launchplane_lane_contracts.marker import EngineTag
from launchplane_lane_contracts.reading import DatabaseEntry, DatabaseReading
from launchplane_lane_contracts.two_roads import differences, judge_both_roads
from launchplane_lane_contracts.vocabulary import DatabaseState

from .cases import changed
from .readings import DATABASE_READING, RECORD

GUARD = DATABASE_READING
SEEN = judge_database(GUARD, RECORD)
SILENT = DatabaseReading(name=GUARD.name, problem="connection refused")


def with_entry(**values: object) -> DatabaseReading:
    """The same with another entry."""
    assert GUARD.entry is not None
    return GUARD.model_copy(update={"entry": GUARD.entry.model_copy(update=values)})


def with_tag(**values: object) -> DatabaseReading:
    """The same with another tag."""
    assert isinstance(GUARD.entry, DatabaseEntry)
    assert isinstance(GUARD.entry.tag, EngineTag)
    return with_entry(tag=GUARD.entry.tag.model_copy(update=values))


OTHERS: dict[str, tuple[DatabaseReading, str]] = {
    "cluster": (changed(GUARD, "server.system_identifier", "7380000000000000999"), "cluster"),
    "oid": (with_entry(oid=99), "oid"),
    "no database": (GUARD.model_copy(update={"entry": None}), "oid"),
    "no tag": (with_entry(tag=None), "tag"),
    "tag's generation": (with_tag(generation=77), "tag"),
    "marker table": (GUARD.model_copy(update={"marker_table_oid": None}), "marker table"),
    "no row": (GUARD.model_copy(update={"marker_row": None}), "marker row"),
    "token": (changed(GUARD, "marker_row.token", "another token"), "marker row"),
    "claim": (changed(GUARD, "marker_row.claimed", True), "marker row"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_each_difference_is_a_dispute_that_says_what_differs(name: str) -> None:
    other, fact = OTHERS[name]
    found = [each.split(" (")[0] for each in differences(GUARD, other)]
    assert fact in found
    for guard, own in ((GUARD, other), (other, GUARD)):
        judged = judge_both_roads(judge_database(guard, RECORD), guard, own)
        assert judged.state is DatabaseState.DISPUTED
        assert f"{fact} (guard: " in judged.detail


def test_two_that_agree_change_nothing() -> None:
    assert judge_both_roads(SEEN, GUARD, GUARD) == SEEN
    # Who looks, and how large it is at that moment, is nobody's dispute.
    by_another: Any = changed(GUARD, "server.role", "the_hosts_reader")
    by_another = by_another.model_copy(update={"size_bytes": 1})
    assert judge_both_roads(SEEN, GUARD, by_another) == SEEN


def test_a_host_without_a_connection_hears_the_guard_alone() -> None:
    assert judge_both_roads(SEEN, GUARD, None) == SEEN


def test_a_guard_that_is_silent_is_not_replaced() -> None:
    silent = judge_database(SILENT, RECORD)
    assert silent.state is DatabaseState.UNREADABLE
    assert judge_both_roads(silent, SILENT, GUARD) == silent


def test_a_connection_that_is_silent_is_no_yes() -> None:
    for own, words in (
        (SILENT, "connection refused"),
        (DatabaseReading(name=GUARD.name), "the server did not answer"),
        (
            GUARD.model_copy(update={"problem": "permission denied", "holds_relations": None}),
            "permission denied",
        ),
    ):
        judged = judge_both_roads(SEEN, GUARD, own)
        assert judged.state is DatabaseState.UNREADABLE
        assert judged.detail == f"by the host's own connection: {words}"


def test_what_neither_looked_into_is_no_dispute() -> None:
    closed = GUARD.model_copy(
        update={"holds_relations": None, "marker_row": None, "marker_table_oid": None}
    )
    judged = judge_database(closed, RECORD)
    assert judge_both_roads(judged, closed, closed) == judged
    assert list(differences(GUARD, closed)) == []
    both_failed = closed.model_copy(update={"problem": "permission denied"})
    assert judge_both_roads(judged, both_failed, both_failed) == judged
