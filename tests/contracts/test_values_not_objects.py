"""Only values decide. Two equal names, numbers or lanes are equal, whichever objects they are.

On the way from a file, a database or the wire every value is a new object; a comparison that asks
whether two are one and the same would pass every test in which a constant is used twice.
"""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from launchplane_lane_contracts.judgement import (
    TokenVerdict,
    judge_database,
    judge_filestore,
    judge_marker,
    judge_runtime,
    kept_is_unchanged,
)
from launchplane_lane_contracts.reading import KeptFilestore, RuntimeWitness
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    DataSource,
    FilestoreState,
    MarkerState,
    Operation,
    RuntimeState,
    TagState,
)

from .cases import (
    DATABASE_OID,
    KEPT_OID,
    LANE,
    OTHER_LANE,
    PERMIT,
    Case,
    allowed_case,
    allowed_cases,
    kept_data,
)
from .provocations import PROVOCATIONS
from .readings import (
    ANSWER,
    DATABASE_READING,
    ENTRY,
    FILESTORE_READING,
    FILESTORE_TAG,
    GUARD_READING,
    KEEP,
    KEPT_ENTRY,
    NEVER_RECORDED,
    NOTHING_THERE,
    RECORD,
    a_stamp,
    an_engine_tag,
)
from .test_retry import REMAINS_OID, retried, with_remains

LARGE = 100_000
"""Added to generations: Python has one object for each small number."""


def anew(value: Any, field: str = "") -> Any:
    """The same value, made of nothing but new objects; generations larger, all by as much."""
    if isinstance(value, BaseModel):
        made = {name: anew(getattr(value, name), name) for name in type(value).model_fields}
        return type(value).model_construct(**made)
    if isinstance(value, tuple):
        return tuple(anew(each) for each in value)
    if type(value) is str:
        return value[:1] + value[1:]
    if type(value) is int:
        return value + LARGE if field == "generation" else int(str(value))
    return value


def anew_case(case: Case) -> Case:
    """A case of new objects."""
    return replace(
        case,
        policy=anew(case.policy),
        request=anew(case.request),
        observation=anew(case.observation),
    )


REMAINS = with_remains(allowed_case(Operation.RECREATE, DataSource.EMPTY))
CHANGE = retried(allowed_case(Operation.RECREATE, DataSource.EXISTING))
CASES = [
    REMAINS.change("observation.database.tag", an_engine_tag(oid=REMAINS_OID)),
    REMAINS.change(
        "observation.database.tag", an_engine_tag(oid=REMAINS_OID, state=TagState.PENDING)
    ),
    REMAINS.change("observation.database.oid", KEPT_OID),
    CHANGE.change_all(
        {"observation.marker.state": MarkerState.PENDING, "observation.marker.permit_id": PERMIT}
    ),
    *allowed_cases(),
    *(retried(case) for case in allowed_cases()),
    *(with_remains(case) for case in allowed_cases()),
    *(each.provoked() for each in PROVOCATIONS),
]


@pytest.mark.parametrize("case", CASES)
def test_a_decision(case: Case) -> None:
    before, after = case.decide(), anew_case(case).decide()
    assert [each.code for each in after.reasons] == [each.code for each in before.reasons]
    assert after.obligations == before.obligations
    assert after.approvers_required == before.approvers_required


def test_new_objects_are_new() -> None:
    first, second = anew(DATABASE_READING), anew(DATABASE_READING)
    assert first == second
    assert first.name is not second.name
    assert first.entry.oid is not second.entry.oid
    assert first.entry.tag.generation is not second.entry.tag.generation


def test_what_stands_there() -> None:
    elsewhere = ENTRY.model_copy(update={"name": "cm_old"})
    set_aside = KEPT_ENTRY.model_copy(
        update={"oid": DATABASE_OID, "tag": an_engine_tag(state=TagState.KEPT)}
    )
    untagged = elsewhere.model_copy(update={"tag": None})
    known = RECORD.model_copy(
        update={"kept": (kept_data().model_copy(update={"database_oid": DATABASE_OID}),)}
    )
    for neighbour, record, state in (
        (elsewhere, RECORD, DatabaseState.RENAMED),
        (elsewhere, NEVER_RECORDED, DatabaseState.RENAMED),
        (untagged, RECORD, DatabaseState.RENAMED),
        (set_aside, known, DatabaseState.ABSENT),
    ):
        reading = NOTHING_THERE.model_copy(update={"neighbours": (neighbour,)})
        assert judge_database(reading, record).state is state
        assert judge_database(anew(reading), anew(record)).state is state


def test_marker_and_files() -> None:
    reading, record = anew(DATABASE_READING), anew(RECORD)
    verdict = anew(TokenVerdict(order=a_stamp()))
    assert judge_marker(reading, verdict, record).state is MarkerState.BOUND
    files = judge_filestore(anew(FILESTORE_READING), reading, record, anew(ANSWER))
    assert files.state is FilestoreState.OURS


def test_a_tag_without_a_marker() -> None:
    unmarked = DATABASE_READING.model_copy(update={"marker_row": None})
    assert judge_marker(anew(unmarked), None, anew(RECORD)).state is MarkerState.ABSENT
    foreign = unmarked.model_copy(
        update={"entry": ENTRY.model_copy(update={"tag": an_engine_tag(OTHER_LANE)})}
    )
    assert judge_marker(anew(foreign), None, anew(RECORD)).state is MarkerState.FOREIGN


def test_the_runtime() -> None:
    guard, lane = anew(GUARD_READING), anew(LANE)
    assert judge_runtime(anew(ANSWER), guard, lane).state is RuntimeState.AGREES
    assert judge_runtime(RuntimeWitness(), guard, lane).state is RuntimeState.SILENT


def test_what_is_kept() -> None:
    kept = kept_data()
    folder = KeptFilestore(
        name=kept.name,
        tag=FILESTORE_TAG.model_copy(
            update={"generation": kept.generation, "database_oid": kept.database_oid}
        ),
    )
    keep = KEEP.model_copy(update={"filestores": (folder,)})
    assert kept_is_unchanged(anew(DATABASE_READING), anew(keep), anew(kept))
