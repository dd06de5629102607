"""The database as the guard sees it and as the host sees it by itself: they must agree."""

from collections.abc import Iterator

from .marker import EngineTag, MarkerRow
from .observation import DatabaseObservation
from .reading import DatabaseReading
from .vocabulary import DatabaseState


def judge_both_roads(
    judged: DatabaseObservation, guard: DatabaseReading, own: DatabaseReading | None
) -> DatabaseObservation:
    """What the guard's reading was judged to be, once the host's own has been heard.

    `own` is None where the host has no connection of its own. One that is configured and cannot
    be read says nothing for certain, so nothing is certain then.
    """
    if own is None or guard.server is None:
        return judged
    if own.server is None:
        return _became(
            judged,
            DatabaseState.UNREADABLE,
            f"by the host's own connection: {own.problem or 'the server did not answer'}",
        )
    differing = tuple(differences(guard, own))
    if differing:
        return _became(judged, DatabaseState.DISPUTED, "; ".join(differing))
    if own.problem is not None and guard.problem is None:
        return _became(
            judged, DatabaseState.UNREADABLE, f"by the host's own connection: {own.problem}"
        )
    return judged


def _became(judged: DatabaseObservation, state: DatabaseState, detail: str) -> DatabaseObservation:
    return judged.model_copy(update={"state": state, "detail": detail})


def differences(guard: DatabaseReading, own: DatabaseReading) -> Iterator[str]:
    """Every fact in which two readings differ, each with both values.

    What one of them could not look into is compared as far as both did.
    """
    assert guard.server is not None
    assert own.server is not None
    yield from _differs("cluster", guard.server.system_identifier, own.server.system_identifier)
    yield from _differs(
        "oid",
        guard.entry.oid if guard.entry else None,
        own.entry.oid if own.entry else None,
    )
    tags = guard.entry.tag if guard.entry else None, own.entry.tag if own.entry else None
    if tags[0] != tags[1]:
        yield f"tag (guard: {_tag(tags[0])}, host: {_tag(tags[1])})"
    if guard.holds_relations is None or own.holds_relations is None:
        return
    yield from _differs("marker table", guard.marker_table_oid, own.marker_table_oid)
    if guard.marker_row != own.marker_row:
        seen = _row(guard.marker_row), _row(own.marker_row)
        # Two rows may differ in nothing but what is not shown, such as their tokens.
        yield f"marker row (guard: {seen[0]}, host: {seen[1]})"


def _differs(name: str, guard: object, own: object) -> Iterator[str]:
    if guard != own:
        yield f"{name} (guard: {_shown(guard)}, host: {_shown(own)})"


def _shown(value: object) -> str:
    return "none" if value is None else str(value)


def _tag(tag: EngineTag | None) -> str:
    if tag is None:
        return "none"
    return f"{tag.lane}, generation {tag.generation}, oid {tag.database_oid}, {tag.state}"


def _row(row: MarkerRow | None) -> str:
    return "none" if row is None else f"{row.lane}, generation {row.generation}, {row.state}"
