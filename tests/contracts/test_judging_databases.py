"""What stands under the lane's name, judged from hand-made readings."""

from typing import Any

import pytest

from launchplane_lane_contracts.contract import DatabaseName, SystemIdentifier
from launchplane_lane_contracts.judgement import judge_database, kept_is_unchanged
from launchplane_lane_contracts.observation import HostRecord
from launchplane_lane_contracts.reading import DatabaseEntry, DatabaseReading, KeptFilestore
from launchplane_lane_contracts.vocabulary import DatabaseState, OperationPhase, TagState

from .cases import (
    DATABASE_OID,
    GENERATION,
    IDENTITY,
    NONCE,
    OTHER_LANE,
    changed,
    kept_data,
    unfinished,
)
from .readings import (
    DATABASE_READING,
    EMPTY_DATABASE,
    ENTRY,
    FILESTORE_TAG,
    KEEP,
    KEPT_ENTRY,
    NEVER_RECORDED,
    NOTHING_THERE,
    RECORD,
    SERVER_READING,
    an_engine_tag,
)

KEEP_WITH_FILES = KEEP.model_copy(
    update={"filestores": (KeptFilestore(name=KEPT_ENTRY.name, tag=None),)}
)
ELSEWHERE = ENTRY.model_copy(update={"name": "cm_old"})
UNTAGGED_ELSEWHERE = ELSEWHERE.model_copy(update={"tag": None})
SET_ASIDE = KEPT_ENTRY.model_copy(
    update={"oid": DATABASE_OID, "tag": an_engine_tag(state=TagState.KEPT)}
)

UNTAGGED_KEPT = SET_ASIDE.model_copy(update={"tag": None})
TAGGED_AS_LIVE = SET_ASIDE.model_copy(update={"tag": an_engine_tag()})


def kept_with_oid(oid: int) -> HostRecord:
    """The host's record of a lane that has kept data with this oid."""
    return RECORD.model_copy(
        update={"kept": (kept_data().model_copy(update={"database_oid": oid}),)}
    )


KNOWN_AS_KEPT = kept_with_oid(DATABASE_OID)
OF_NOBODY = ELSEWHERE.model_copy(update={"name": "postgres", "oid": 5, "tag": None})
IN_PROGRESS = RECORD.model_copy(update={"unfinished": unfinished(OperationPhase.BEGUN)})


def beside(*entries: DatabaseEntry, under_the_name: bool = False) -> DatabaseReading:
    """Nothing (or an empty database) under the name, and these beside it."""
    base = EMPTY_DATABASE if under_the_name else NOTHING_THERE
    return base.model_copy(update={"neighbours": entries})


TAGGED_WITH_OTHER_OID = DatabaseEntry(
    name=DatabaseName("cm_dump"),
    oid=17000,
    owned=True,
    locked=False,
    takes_connections=True,
    tag=an_engine_tag(),
)
OF_OTHER_LANE = changed(ELSEWHERE, "tag", an_engine_tag(OTHER_LANE))


@pytest.mark.parametrize(
    ("reading", "record", "state"),
    [
        (DATABASE_READING, RECORD, DatabaseState.INITIALISED),
        (NOTHING_THERE, NEVER_RECORDED, DatabaseState.ABSENT),
        (EMPTY_DATABASE, NEVER_RECORDED, DatabaseState.UNINITIALISED),
        # Recorded, and gone or emptied.
        (NOTHING_THERE, RECORD, DatabaseState.MISSING),
        (EMPTY_DATABASE, RECORD, DatabaseState.MISSING),
        # Another cluster answers: the recorded oid means nothing there.
        (
            changed(
                beside(UNTAGGED_ELSEWHERE),
                "server",
                changed(SERVER_READING, "system_identifier", SystemIdentifier("1")),
            ),
            RECORD,
            DatabaseState.MISSING,
        ),
        # Renamed: found by its tag, by its oid, or both; an empty one under the name hides nothing.
        (beside(ELSEWHERE), RECORD, DatabaseState.RENAMED),
        (beside(ELSEWHERE), NEVER_RECORDED, DatabaseState.RENAMED),
        (beside(UNTAGGED_ELSEWHERE), RECORD, DatabaseState.RENAMED),
        (beside(UNTAGGED_ELSEWHERE, under_the_name=True), RECORD, DatabaseState.RENAMED),
        (beside(OF_OTHER_LANE), RECORD, DatabaseState.RENAMED),
        # What is not this lane's does not count.
        (beside(OF_OTHER_LANE), NEVER_RECORDED, DatabaseState.ABSENT),
        (beside(TAGGED_WITH_OTHER_OID), NEVER_RECORDED, DatabaseState.ABSENT),
        (beside(TAGGED_WITH_OTHER_OID), RECORD, DatabaseState.MISSING),
        (beside(KEPT_ENTRY), NEVER_RECORDED, DatabaseState.ABSENT),
        (beside(KEPT_ENTRY), RECORD, DatabaseState.MISSING),
        # The recorded data itself is kept: only where the host knows how that came about.
        (beside(SET_ASIDE), RECORD, DatabaseState.RENAMED),
        (beside(SET_ASIDE), KNOWN_AS_KEPT, DatabaseState.ABSENT),
        (beside(SET_ASIDE), kept_with_oid(DATABASE_OID - 1), DatabaseState.RENAMED),
        (beside(SET_ASIDE), kept_with_oid(DATABASE_OID + 1), DatabaseState.RENAMED),
        # Its comment was overwritten: name and oid are on record, and another tag says otherwise.
        (beside(UNTAGGED_KEPT), KNOWN_AS_KEPT, DatabaseState.ABSENT),
        (beside(UNTAGGED_KEPT), RECORD, DatabaseState.RENAMED),
        (beside(UNTAGGED_ELSEWHERE), KNOWN_AS_KEPT, DatabaseState.RENAMED),
        (beside(TAGGED_AS_LIVE), KNOWN_AS_KEPT, DatabaseState.RENAMED),
        # What is kept hides no other database that is the lane's.
        (beside(KEPT_ENTRY, ELSEWHERE), RECORD, DatabaseState.RENAMED),
        (beside(OF_NOBODY, ELSEWHERE), RECORD, DatabaseState.RENAMED),
        (beside(SET_ASIDE), IN_PROGRESS, DatabaseState.ABSENT),
        (beside(SET_ASIDE, under_the_name=True), IN_PROGRESS, DatabaseState.UNINITIALISED),
        # Not to be read.
        (DatabaseReading(name=ENTRY.name), RECORD, DatabaseState.UNREADABLE),
        (DatabaseReading(name=ENTRY.name), NEVER_RECORDED, DatabaseState.UNREADABLE),
        (changed(NOTHING_THERE, "problem", "lost"), NEVER_RECORDED, DatabaseState.UNREADABLE),
        (changed(DATABASE_READING, "problem", "lost"), RECORD, DatabaseState.UNREADABLE),
        (changed(DATABASE_READING, "holds_relations", None), RECORD, DatabaseState.UNREADABLE),
        (
            changed(DATABASE_READING, "entry.takes_connections", False),
            RECORD,
            DatabaseState.CLOSED,
        ),
    ],
)
def test_the_state(reading: DatabaseReading, record: HostRecord, state: DatabaseState) -> None:
    observed = judge_database(reading, record)
    assert observed.state is state
    assert observed.detail


def test_what_is_seen_is_passed_on() -> None:
    observed = judge_database(DATABASE_READING, RECORD)
    assert observed.identity == IDENTITY
    assert observed.oid == DATABASE_OID
    assert observed.tag == ENTRY.tag
    assert observed.may_rename
    assert judge_database(EMPTY_DATABASE, NEVER_RECORDED).identity is None
    assert not judge_database(NOTHING_THERE, NEVER_RECORDED).locked
    for locked in (True, False):
        reading = changed(DATABASE_READING, "entry.locked", locked)
        assert judge_database(reading, RECORD).locked is locked


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"server.in_recovery": True}, "replica"),
        ({"server.in_recovery": True, "server.role_is_superuser": True}, "replica"),
        ({"server.role_may_create_databases": False}, "CREATEDB"),
        ({"entry.owned": False}, "own"),
        ({"entry.owned": False, "server.role_is_superuser": True}, ""),
        ({"server.role_may_create_databases": False, "server.role_is_superuser": True}, ""),
    ],
)
def test_who_may_rename(facts: dict[str, Any], words: str) -> None:
    reading = DATABASE_READING
    for path, value in facts.items():
        reading = changed(reading, path, value)
    observed = judge_database(reading, RECORD)
    assert observed.may_rename is not bool(words)
    assert words in observed.rename_problem


@pytest.mark.parametrize(
    ("path", "value", "unchanged"),
    [
        ("locked", True, True),
        ("name", DatabaseName("another"), False),
        ("oid", 99, False),
        ("tag", None, True),
        ("tag.lane", OTHER_LANE, False),
        ("tag.generation", GENERATION, False),
        ("tag.database_oid", 99, False),
        ("tag.state", TagState.LIVE, False),
    ],
)
def test_kept_data_is_known_by_name_oid_and_tag(path: str, value: object, unchanged: bool) -> None:
    reading = beside(changed(KEPT_ENTRY, path, value))
    assert kept_is_unchanged(reading, KEEP_WITH_FILES, kept_data()) is unchanged


def test_kept_data_under_the_lanes_own_name_is_not_kept() -> None:
    reading = EMPTY_DATABASE.model_copy(update={"entry": KEPT_ENTRY, "name": KEPT_ENTRY.name})
    assert not kept_is_unchanged(reading, KEEP_WITH_FILES, kept_data())


def test_kept_data_without_the_files_that_were_set_aside_with_it_has_changed() -> None:
    reading, without = beside(KEPT_ENTRY), kept_data().model_copy(update={"has_filestore": False})
    assert not kept_is_unchanged(reading, KEEP, kept_data())
    assert kept_is_unchanged(reading, KEEP, without)


@pytest.mark.parametrize(
    ("tag", "ours"),
    [
        ({}, True),
        ({"database_oid": None}, True),
        ({"lane": OTHER_LANE}, False),
        ({"generation": GENERATION}, False),
        ({"database_oid": DATABASE_OID}, False),
    ],
)
def test_the_folder_in_the_keep_is_known_by_its_tag(tag: dict[str, object], ours: bool) -> None:
    of_kept = {"generation": kept_data().generation, "database_oid": kept_data().database_oid}
    folder = KeptFilestore(
        name=KEPT_ENTRY.name, tag=FILESTORE_TAG.model_copy(update={**of_kept, **tag})
    )
    keep = KEEP.model_copy(update={"filestores": (folder,)})
    assert kept_is_unchanged(beside(KEPT_ENTRY), keep, kept_data()) is ours
    for name in ("another", "zebra"):
        other = folder.model_copy(update={"name": name})
        keep = KEEP.model_copy(update={"filestores": (other,)})
        assert not kept_is_unchanged(beside(KEPT_ENTRY), keep, kept_data())


def test_only_what_an_unfinished_rebuild_left_may_lack_a_tag_in_the_keep() -> None:
    """Recorded data has a nonce, and its folder had a tag when it was set aside."""
    recorded = kept_data().model_copy(update={"nonce": NONCE})
    assert kept_is_unchanged(beside(KEPT_ENTRY), KEEP_WITH_FILES, kept_data())
    assert not kept_is_unchanged(beside(KEPT_ENTRY), KEEP_WITH_FILES, recorded)
