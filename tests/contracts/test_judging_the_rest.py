"""Files, runtime, keep and clocks, judged from hand-made readings."""

from datetime import timedelta
from typing import Any

import pytest

from launchplane_lane_contracts.contract import FilestorePath, SystemIdentifier
from launchplane_lane_contracts.judgement import (
    clock_problem,
    judge_filestore,
    judge_keep,
    judge_room,
    judge_room_to_copy,
    judge_runtime,
)
from launchplane_lane_contracts.reading import DatabaseReading, KeepReading, RuntimeWitness
from launchplane_lane_contracts.vocabulary import (
    DataSource,
    FilestoreState,
    KeepState,
    RoomState,
    RuntimeState,
)

from .cases import FILES, GENERATION, LANE, NOW, OTHER_LANE, changed
from .readings import (
    ANSWER,
    DATABASE_READING,
    EMPTY_DATABASE,
    FILESTORE_READING,
    FILESTORE_TAG,
    GUARD_READING,
    KEEP,
    NEVER_RECORDED,
    NOTHING_THERE,
    RECORD,
)

ELSEWHERE = FilestorePath("/srv/odoo/filestore/syo")
OTHER_TAG = changed(FILESTORE_TAG, "lane", OTHER_LANE)
NO_ANSWER = RuntimeWitness(problem="connection refused")
ATTESTED = RuntimeWitness(problem="connection refused", attested_by="anna@example.org")
NO_IDENTITY = changed(GUARD_READING, "runtime_identity", None)
OF_OTHER_LANE = changed(GUARD_READING, "runtime_identity.lane", OTHER_LANE)
NEVER_STARTED = changed(ANSWER, "reading.registry_loaded", False)


@pytest.mark.parametrize(
    ("facts", "database", "state"),
    [
        ({}, DATABASE_READING, FilestoreState.OURS),
        ({"holds_files": False}, DATABASE_READING, FilestoreState.OURS),
        ({"problem": "no right to read"}, DATABASE_READING, FilestoreState.UNREADABLE),
        ({"tag_problem": "not JSON"}, DATABASE_READING, FilestoreState.UNREADABLE),
        ({"path": ELSEWHERE}, DATABASE_READING, FilestoreState.ELSEWHERE),
        ({"exists": False, "tag": None}, DATABASE_READING, FilestoreState.ABSENT),
        ({"tag": None}, DATABASE_READING, FilestoreState.UNTAGGED),
        ({"tag": None, "holds_files": False}, DATABASE_READING, FilestoreState.EMPTY),
        ({"tag": OTHER_TAG}, DATABASE_READING, FilestoreState.FOREIGN),
        ({"tag": OTHER_TAG, "holds_files": False}, NOTHING_THERE, FilestoreState.FOREIGN),
        ({"tag.generation": GENERATION - 1}, DATABASE_READING, FilestoreState.STALE),
        ({"tag.generation": GENERATION + 1}, DATABASE_READING, FilestoreState.STALE),
        (
            {"tag.system_identifier": SystemIdentifier("1")},
            DATABASE_READING,
            FilestoreState.STALE,
        ),
        ({"tag.database_oid": 99}, DATABASE_READING, FilestoreState.STALE),
        ({"tag.database_oid": None}, DATABASE_READING, FilestoreState.STALE),
        ({}, NOTHING_THERE, FilestoreState.OURS),
        ({"tag": None}, NOTHING_THERE, FilestoreState.UNTAGGED),
        ({"holds_files": False}, NOTHING_THERE, FilestoreState.EMPTY),
        ({"holds_files": False}, EMPTY_DATABASE, FilestoreState.EMPTY),
        ({"exists": False}, NOTHING_THERE, FilestoreState.ABSENT),
    ],
)
def test_the_filestore(
    facts: dict[str, Any], database: DatabaseReading, state: FilestoreState
) -> None:
    reading = FILESTORE_READING
    for path, value in facts.items():
        reading = changed(reading, path, value)
    observed = judge_filestore(reading, database, RECORD, RuntimeWitness())
    assert observed.state is state
    assert observed.detail
    assert observed.path == reading.path


def test_a_folder_that_odoo_does_not_serve_is_elsewhere() -> None:
    observed = judge_filestore(FILESTORE_READING, DATABASE_READING, NEVER_RECORDED, ANSWER)
    assert observed.state is FilestoreState.OURS
    answer = changed(ANSWER, "reading.filestore_path", ELSEWHERE)
    observed = judge_filestore(FILESTORE_READING, DATABASE_READING, NEVER_RECORDED, answer)
    assert observed.state is FilestoreState.ELSEWHERE
    assert ELSEWHERE in observed.detail
    another_volume = changed(ANSWER, "reading.filestore_tag.generation", GENERATION + 1)
    observed = judge_filestore(FILESTORE_READING, DATABASE_READING, NEVER_RECORDED, another_volume)
    assert observed.state is FilestoreState.ELSEWHERE
    silent = changed(ANSWER, "reading.filestore_path", None)
    observed = judge_filestore(FILESTORE_READING, DATABASE_READING, NEVER_RECORDED, silent)
    assert observed.state is FilestoreState.OURS


@pytest.mark.parametrize(
    ("witness", "guard", "state"),
    [
        (ANSWER, GUARD_READING, RuntimeState.AGREES),
        (NO_ANSWER, GUARD_READING, RuntimeState.SILENT),
        (RuntimeWitness(), GUARD_READING, RuntimeState.SILENT),
        (ATTESTED, GUARD_READING, RuntimeState.ATTESTED),
        (ATTESTED, NO_IDENTITY, RuntimeState.SILENT),
        (ATTESTED, OF_OTHER_LANE, RuntimeState.OTHER_LANE),
        # Silence does not hide that the guard itself runs in another lane's container.
        (NO_ANSWER, OF_OTHER_LANE, RuntimeState.OTHER_LANE),
        (ANSWER, NO_IDENTITY, RuntimeState.SILENT),
        (ANSWER, OF_OTHER_LANE, RuntimeState.OTHER_LANE),
        (changed(ANSWER, "reading.runtime_identity", None), GUARD_READING, RuntimeState.SILENT),
        (
            changed(ANSWER, "reading.runtime_identity", None),
            OF_OTHER_LANE,
            RuntimeState.OTHER_LANE,
        ),
        (
            changed(ANSWER, "reading.runtime_identity.lane", OTHER_LANE),
            GUARD_READING,
            RuntimeState.OTHER_LANE,
        ),
        (
            changed(ANSWER, "reading.runtime_identity.deployment_record_id", "deployment-2"),
            GUARD_READING,
            RuntimeState.OTHER_DEPLOYMENT,
        ),
        (
            changed(ANSWER, "reading.runtime_identity.artifact_id", "another image"),
            GUARD_READING,
            RuntimeState.OTHER_DEPLOYMENT,
        ),
        (
            changed(ANSWER, "reading.identity.database_oid", 99),
            GUARD_READING,
            RuntimeState.OTHER_DATABASE,
        ),
        (
            changed(ANSWER, "reading.identity", None),
            GUARD_READING,
            RuntimeState.OTHER_DATABASE,
        ),
        # Another database counts even from a runtime that cannot say which lane it is.
        (
            changed(
                changed(ANSWER, "reading.runtime_identity", None),
                "reading.identity.database_oid",
                99,
            ),
            GUARD_READING,
            RuntimeState.OTHER_DATABASE,
        ),
        # Two times "no marker table" is agreement only where nothing is served.
        (
            changed(ANSWER, "reading.identity", None),
            changed(GUARD_READING, "database", NOTHING_THERE),
            RuntimeState.OTHER_DATABASE,
        ),
        (
            changed(ANSWER, "reading.identity", None),
            changed(GUARD_READING, "database", EMPTY_DATABASE),
            RuntimeState.OTHER_DATABASE,
        ),
        (
            changed(NEVER_STARTED, "reading.identity", None),
            changed(GUARD_READING, "database", NOTHING_THERE),
            RuntimeState.AGREES,
        ),
        (
            ANSWER,
            changed(GUARD_READING, "database", NOTHING_THERE),
            RuntimeState.OTHER_DATABASE,
        ),
    ],
)
def test_the_runtime(witness: RuntimeWitness, guard: Any, state: RuntimeState) -> None:
    observed = judge_runtime(witness, guard, LANE)
    assert observed.state is state
    assert observed.detail


def test_agreement_names_the_deployment_where_it_has_one() -> None:
    assert judge_runtime(ANSWER, GUARD_READING, LANE).detail == "deployment deployment-1"
    nameless = changed(ANSWER, "reading.runtime_identity.deployment_record_id", "")
    guard = changed(GUARD_READING, "runtime_identity.deployment_record_id", "")
    assert judge_runtime(nameless, guard, LANE).detail == "deployment -"
    assert "deployment -, " in judge_runtime(nameless, GUARD_READING, LANE).detail
    assert judge_runtime(ANSWER, guard, LANE).detail.endswith("runs in -")


def test_an_attestation_names_who_ordered_it() -> None:
    observed = judge_runtime(ATTESTED, GUARD_READING, LANE)
    assert "anna@example.org" in observed.detail
    assert "connection refused" in observed.detail


def test_whether_a_locked_database_stays_listed_is_passed_on() -> None:
    assert judge_runtime(ANSWER, GUARD_READING, LANE).stays_listed_when_locked
    assert not judge_runtime(NO_ANSWER, GUARD_READING, LANE).stays_listed_when_locked


@pytest.mark.parametrize("state", list(KeepState))
def test_the_keep_is_what_the_guard_says(state: KeepState) -> None:
    observed = judge_keep(changed(KEEP, "state", state), FILESTORE_READING)
    assert observed.state is state
    assert observed.detail


def test_the_keep_s_detail_is_the_problem_the_path_or_that_there_is_none() -> None:
    assert judge_keep(KEEP, FILESTORE_READING).detail == KEEP.path
    broken = changed(KEEP, "problem", "no right to write")
    assert judge_keep(broken, FILESTORE_READING).detail == "no right to write"
    assert judge_keep(changed(KEEP, "path", None), FILESTORE_READING).detail == (
        "no keep is configured"
    )


@pytest.mark.parametrize(
    ("needed", "free", "state"),
    [
        (1, 2, RoomState.ENOUGH),
        (10**12, 10**12, RoomState.ENOUGH),
        (2, 1, RoomState.NOT_ENOUGH),
        (None, 1, RoomState.UNKNOWN),
        (1, None, RoomState.UNKNOWN),
    ],
)
def test_the_room(needed: int | None, free: int | None, state: RoomState) -> None:
    observed = judge_room(needed, free)
    assert observed.state is state
    assert (observed.needed_bytes, observed.free_bytes) == (needed, free)


def test_a_folder_that_is_a_mount_point_cannot_go_into_the_keep() -> None:
    observed = judge_keep(KEEP, changed(FILESTORE_READING, "is_mount_point", True))
    assert observed.state is KeepState.OTHER_VOLUME
    assert FILES in observed.detail


OTHER_VOLUME = KEEP.model_copy(
    update={"state": KeepState.OTHER_VOLUME, "free_bytes": 10, "copied_bytes": 10}
)


@pytest.mark.parametrize(
    ("keep", "source", "state"),
    [
        (KEEP, DataSource.EMPTY, RoomState.UNKNOWN),
        (OTHER_VOLUME, DataSource.EMPTY, RoomState.ENOUGH),
        (OTHER_VOLUME, None, RoomState.ENOUGH),
        (changed(OTHER_VOLUME, "copied_bytes", 11), DataSource.EMPTY, RoomState.NOT_ENOUGH),
        (changed(OTHER_VOLUME, "copied_bytes", 11), DataSource.EXISTING, RoomState.ENOUGH),
        (changed(OTHER_VOLUME, "free_bytes", 0), DataSource.EXISTING, RoomState.ENOUGH),
        # There is no folder to copy.
        (
            OTHER_VOLUME.model_copy(update={"free_bytes": 0, "copied_bytes": None}),
            DataSource.EMPTY,
            RoomState.ENOUGH,
        ),
        (changed(OTHER_VOLUME, "copied_bytes", None), DataSource.EMPTY, RoomState.ENOUGH),
        (changed(OTHER_VOLUME, "free_bytes", None), DataSource.EMPTY, RoomState.UNKNOWN),
    ],
)
def test_room_counts_where_files_have_to_be_copied(
    keep: KeepReading, source: DataSource | None, state: RoomState
) -> None:
    assert judge_room_to_copy(keep, source).state is state


@pytest.mark.parametrize(("seconds", "fine"), [(0, True), (60, True), (-60, True), (61, False)])
def test_the_clocks(seconds: int, fine: bool) -> None:
    assert (clock_problem(NOW, NOW + timedelta(seconds=seconds)) == "") is fine
    assert clock_problem(NOW, None) == ""
