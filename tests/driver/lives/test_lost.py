"""`lost`: what can't be backed up or reached is given up on; what is there is kept as it is."""

from datetime import timedelta

import pytest

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.marker import MARKER_TABLE, EngineTag
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, MarkerState, Operation, TagState
from launchplane_lane_driver.lane_view import lane_view
from launchplane_lane_driver.lives import Asked, carry_out, look
from launchplane_lane_driver.lives.adopt import Adopt
from launchplane_lane_driver.lives.lost import DeclareLost
from launchplane_lane_driver.lives.release import ReleaseKept
from tests.driver.small_host import (
    ANN,
    RITA,
    SmallHost,
    SmallLane,
    refused,
    resettable_policy,
    untouched,
)
from tests.driver.work.test_interrupted import AFTER, BEFORE, killed_at
from tests.guard import fingerprint

LOST = DeclareLost()
EMPTY = (Operation.RECREATE, DataSource.EMPTY)
PAGE = 8192


def break_a_page(lane: SmallLane, table: str) -> None:
    """Garbage over the first page of a table's file, while the server is down."""
    opened = lane.cluster.connect(lane.database, autocommit=True)
    with opened.cursor() as cursor:
        cursor.execute("SELECT pg_relation_filepath(%s)", (table,))
        ((path,),) = cursor.fetchall()
    file = lane.cluster.data_directory / str(path)
    opened.close()
    lane.cluster.stop()
    with file.open("r+b") as relation:
        relation.write(b"\xff" * PAGE)
    lane.cluster.start()


def codes(host: SmallHost, lane: SmallLane, *words: object, **more: object) -> set[ReasonCode]:
    return {each.code for each in host.plan(lane, *words, **more).decision.reasons}


@pytest.mark.parametrize("table", ["res_partner", MARKER_TABLE])
def test_data_with_a_broken_page_is_kept_and_the_lane_goes_on(
    host: SmallHost, lane: SmallLane, table: str
) -> None:
    oid = lane.data().oid
    host.record_policy(resettable_policy(lane.lane, replaced_kept_for=timedelta(0)))
    break_a_page(lane, table)
    if table == MARKER_TABLE:
        assert ReasonCode.DATABASE_UNREADABLE in codes(host, lane)
        remedies = " ".join(each.remedy for each in host.plan(lane).decision.reasons)
        assert "lane-authority lost" in remedies
    found = look(host.office, LOST, Asked(lane.lane, RITA, "the disk is broken"))
    assert found.tally.required == 1
    for signer in (None, RITA):
        if signer:
            host.sign(found.digest, signer)
        with refused(ReasonCode.APPROVALS_MISSING):
            carry_out(host.office, LOST, found.digest)
        assert fingerprint.databases(lane.cluster)[lane.database].oid == oid
    host.sign(found.digest, ANN)
    carry_out(host.office, LOST, found.digest)
    record = host.office.store.host_record(lane.lane)
    assert (record.generation, record.declared_lost, record.identity) == (2, True, None)
    (kept,) = record.kept
    there = fingerprint.databases(lane.cluster)
    assert lane.database not in there
    assert (there[kept.name].oid, there[kept.name].locked) == (oid, True)
    assert not there[kept.name].takes_connections
    assert (lane.keep / "filestores" / kept.name / "ab" / "abcdef").is_file()
    # What may have been the only true copy is kept for a day, however short the policy is.
    assert kept.authoritative is (table == MARKER_TABLE)
    assert kept.kept_until is not None
    assert kept.kept_until - kept.set_aside_at >= timedelta(days=1) * kept.authoritative
    # The lane goes on, and is whole at the end.
    host.rebuild(lane)
    assert lane_view(host.office, lane.lane).marker.value is MarkerState.BOUND
    host.office.store.verify_ledger()
    with refused(ReasonCode.PLAN_CHANGED):
        carry_out(host.office, LOST, found.digest)


def test_production_without_any_backup_takes_even_lost_data_back(
    host: SmallHost, production: SmallLane
) -> None:
    before = production.data()
    existing = (Operation.RECREATE, DataSource.EXISTING)
    assert ReasonCode.BACKUP_GATE_MISSING in codes(host, production, *existing)
    host.live(LOST, production)
    (kept,) = host.office.store.host_record(production.lane).kept
    assert kept.authoritative
    assert production.kept_data(kept.name) == before
    with refused(ReasonCode.RELEASE_NEEDS_PROOF):
        asked = Asked(production.lane, RITA, "no room", kept=DatabaseName(kept.name))
        look(host.office, ReleaseKept(), asked)
    back = (Operation.RESTORE, DataSource.KEPT)
    plan = host.plan(production, *back, kept_database=kept.name)
    assert plan.decision.allowed, plan.decision.reasons


def test_a_server_that_is_gone_and_comes_back_is_an_old_one(
    host: SmallHost, lane: SmallLane
) -> None:
    before = lane.data()
    lane.cluster.stop()
    assert ReasonCode.DATABASE_UNREADABLE in codes(host, lane)
    host.live(LOST, lane)
    record = host.office.store.host_record(lane.lane)
    assert (record.generation, record.declared_lost, record.kept) == (2, True, ())
    lane.cluster.start()
    assert lane.data() == before
    assert ReasonCode.MARKER_ROLLED_BACK in codes(host, lane)
    # Either way on ends well: it is adopted on purpose, or given up on once more and kept.
    host.live(Adopt(), lane)
    assert lane.data() == before
    assert lane_view(host.office, lane.lane).marker.value is MarkerState.BOUND
    assert host.office.store.host_record(lane.lane).generation == 3
    host.live(LOST, lane)
    (kept,) = host.office.store.host_record(lane.lane).kept
    assert lane.kept_data(kept.name) == before


@pytest.mark.parametrize("script", [BEFORE, AFTER], ids=["before", "after"])
def test_a_declaration_that_died_goes_on(host: SmallHost, lane: SmallLane, script: str) -> None:
    before = lane.data()
    found = look(host.office, LOST, Asked(lane.lane, RITA, "the disk is broken"))
    host.sign(found.digest, RITA, ANN)
    command = ("lost", str(lane.lane), "--digest", found.digest)
    killed_at(host, lane, script, "set-aside", *command)
    done = host.operate(*command)
    assert done.code == 0, done.stderr
    (kept,) = host.office.store.host_record(lane.lane).kept
    assert lane.kept_data(kept.name) == before
    host.office.store.verify_ledger()
    used = host.office.store.approvals(found.digest)
    assert {each.used_by for each in used} == {found.digest}


def test_what_is_not_declared_lost(host: SmallHost, lane: SmallLane) -> None:
    def lose(of: SmallLane) -> None:
        look(host.office, LOST, Asked(of.lane, RITA, "found so"))

    other = host.add_lane("syo")
    with untouched(lane), refused(ReasonCode.POLICY_UNKNOWN, ReasonCode.NOTHING_TO_ENROL):
        lose(other)
    tag = EngineTag(
        lane=other.lane, generation=1, database_oid=lane.data().oid, state=TagState.LIVE
    )
    own = lane.tag()
    lane.execute(f"COMMENT ON DATABASE \"{lane.database}\" IS '{tag.text()}'")
    with untouched(lane), refused(ReasonCode.MARKER_FOREIGN):
        lose(lane)
    lane.execute(f"COMMENT ON DATABASE \"{lane.database}\" IS '{own}'")
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO elsewhere')
    with untouched(lane), refused(ReasonCode.DATABASE_RENAMED):
        lose(lane)
    lane.execute(f'ALTER DATABASE elsewhere RENAME TO "{lane.database}"')
    host.begin(lane)
    with untouched(lane), refused(ReasonCode.OPERATION_UNFINISHED):
        lose(lane)


def test_files_that_are_all_that_is_left_are_listed(host: SmallHost, lane: SmallLane) -> None:
    lane.execute(f'DROP DATABASE "{lane.database}" WITH (FORCE)')
    assert lane_view(host.office, lane.lane).kept_files == ()
    host.live(LOST, lane)
    (name,) = lane_view(host.office, lane.lane).kept_files
    assert (lane.keep / "filestores" / name / "ab" / "abcdef").is_file()
    assert f"files alone: {name}" in host.operate("lane", str(lane.lane)).stdout


def test_another_database_than_was_signed_for_stays(host: SmallHost, lane: SmallLane) -> None:
    found = look(host.office, LOST, Asked(lane.lane, RITA, "the disk is broken"))
    host.sign(found.digest, RITA, ANN)
    lane.materialise("another")
    with untouched(lane), refused(ReasonCode.PLAN_CHANGED):
        carry_out(host.office, LOST, found.digest)
