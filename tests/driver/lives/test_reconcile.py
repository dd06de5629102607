"""`reconcile`: the store is an hour old, or gone, and the lanes know more than it does."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_driver import operations
from launchplane_lane_driver.lane_office import LaneOffice, utc_now
from launchplane_lane_driver.ledger_head import LedgerHeadFile
from launchplane_lane_driver.lives.adopt import Adopt
from tests.driver.lives.test_adopt import bound
from tests.driver.small_host import (
    RITA,
    SmallHost,
    SmallLane,
    lane_begin,
    production_policy,
    resettable_policy,
    untouched,
)


def save(host: SmallHost, copy: Path) -> None:
    with (
        closing(sqlite3.connect(host.host.store_file)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)


def put_back(host: SmallHost, copy: Path | None) -> None:
    """Another store, or none, is in the place of the present one."""
    host.office.close()
    for end in ("", "-wal", "-shm"):
        file = host.host.store_file
        file.with_name(file.name + end).unlink(missing_ok=True)
    if copy is not None:
        host.host.store_file.write_bytes(copy.read_bytes())
    host.office = LaneOffice.open(host.host)


def reconcile(host: SmallHost, *how: str) -> list[str]:
    done = host.operate("reconcile", *how, "--json")
    assert done.code == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["done"] is ("--now" in how)
    taken: list[str] = said["taken"]
    return taken


def codes(host: SmallHost, lane: SmallLane) -> set[ReasonCode]:
    return {each.code for each in host.plan(lane).decision.reasons}


def test_an_hour_old_copy_is_brought_in_line_and_takes_only_what_tightens(
    host: SmallHost, lane: SmallLane, tmp_path: Path
) -> None:
    copy = tmp_path / "store"
    save(host, copy)
    old = lane.data()
    rebuilt = host.rebuild(lane)
    host.record_policy(production_policy(lane.lane))
    free = host.plan(lane).plan_digest
    host.sign(free, RITA)
    put_back(host, copy)
    refused = host.operate("plan", str(lane.lane), "bootstrap/empty")
    assert (refused.code, "lane-authority reconcile" in refused.stderr) == (50, True)
    with untouched(lane):
        shown = reconcile(host)
        assert host.operate("plan", str(lane.lane), "bootstrap/empty").code == 50
        assert reconcile(host, "--now") == shown
    host.office.store.verify_ledger()
    assert bound(host, lane)
    record = host.office.store.host_record(lane.lane)
    assert record.generation == 2
    (kept,) = record.kept
    assert (kept.name, kept.authoritative, kept.has_filestore) == (rebuilt.kept_name, True, True)
    assert lane.kept_data(kept.name) == old
    # The lost revision is not the old one again: the most protective is in force.
    revision = host.office.store.policy(lane.lane)
    assert revision is not None
    assert (revision.number, revision.policy) == (3, production_policy(lane.lane))
    assert ReasonCode.SOURCE_NOT_ALLOWED in codes(host, lane)
    assert all(each.used_by is not None for each in host.office.store.approvals())
    # The way on: two approvers loosen it again, as ever.
    assert host.record_policy(resettable_policy(lane.lane)).number == 4
    again = host.rebuild(lane, "newer")
    assert again.generation == 3
    assert bound(host, lane)


def test_the_stores_disk_is_lost(host: SmallHost, lane: SmallLane) -> None:
    data = lane.data()
    head = LedgerHeadFile(host.host.head_file).read()
    put_back(host, None)
    assert host.operate("plan", str(lane.lane), "bootstrap/empty").code == 50
    with untouched(lane):
        taken = reconcile(host, "--now")
    assert len(taken) == 2
    entries = host.office.store.ledger_entries()
    assert head is not None
    (begins,) = (each for each in entries if each.kind == "reconciled")
    assert begins.document["lost_head"] == head.to_plain()
    assert begins.sequence == head.sequence + 1
    host.office.store.verify_ledger()
    assert codes(host, lane) >= {ReasonCode.POLICY_UNKNOWN}
    assert lane.data() == data
    # The people of the file are the beginning again; a revision's number is not given out twice.
    assert host.record_policy(resettable_policy(lane.lane)).number == 2
    assert host.plan(lane).decision.allowed
    assert host.rebuild(lane).generation == 2


def test_a_number_that_was_handed_out_is_not_handed_out_again(
    host: SmallHost, lane: SmallLane
) -> None:
    for _each in range(3):
        host.office.store.new_generation(lane.lane)
    put_back(host, None)
    reconcile(host, "--now")
    # Data of generation 4 may be anywhere; what is here is taken when an approver signs.
    host.record_policy(resettable_policy(lane.lane))
    assert ReasonCode.MARKER_ROLLED_BACK in codes(host, lane)
    host.live(Adopt(), lane)
    assert bound(host, lane)
    assert host.office.store.host_record(lane.lane).generation == 5


def test_a_lane_that_could_not_be_read_is_taken_later(host: SmallHost, lane: SmallLane) -> None:
    put_back(host, None)
    lane.guard_becomes("exit 1")
    assert any("could not be read" in each for each in reconcile(host, "--now"))
    lane.put_guard_back()
    host.record_policy(resettable_policy(lane.lane))
    assert not host.plan(lane).decision.allowed
    reconcile(host, "--now")
    assert bound(host, lane)
    assert host.plan(lane).decision.allowed


def test_a_copy_from_the_middle_of_an_operation_that_was_settled_since(
    host: SmallHost, lane: SmallLane, tmp_path: Path
) -> None:
    old, copy = lane.data(), tmp_path / "store"
    operation, token = operations.hand_out(host.office, host.authorize(lane).operation_id)
    save(host, copy)
    lane_begin(host, lane, token)
    lane.materialise()
    settled = operations.finish(host.office, operation.operation_id, succeeded=True)
    assert settled.kept_name is not None
    new = lane.everything()
    put_back(host, copy)
    reconcile(host, "--now")
    done = host.operate("finish", operation.operation_id)
    assert done.code == 0, done.stderr
    assert host.phase(operation) == "settled"
    assert lane.everything() == new
    assert lane.kept_data(settled.kept_name) == old
    (kept,) = host.office.store.host_record(lane.lane).kept
    assert (kept.name, kept.database_oid) == (settled.kept_name, old.oid)
    assert bound(host, lane)
    # The lane is free.
    assert host.rebuild(lane, "newer").generation == 3


def edit_the_row(lane: SmallLane) -> None:
    lane.execute("UPDATE launchplane_lane_marker SET authoritative = true", lane.database)


def lose_the_tag(lane: SmallLane) -> None:
    lane.execute(f'COMMENT ON DATABASE "{lane.database}" IS NULL')


def copy_it(lane: SmallLane) -> None:
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO original')
    lane.execute(f'CREATE DATABASE "{lane.database}" TEMPLATE original')


@pytest.mark.parametrize("damage", [edit_the_row, lose_the_tag, copy_it])
def test_a_claim_that_does_not_agree_with_itself_is_not_taken(
    host: SmallHost, lane: SmallLane, damage: Callable[[SmallLane], None]
) -> None:
    damage(lane)
    put_back(host, None)
    reconcile(host, "--now")
    host.record_policy(resettable_policy(lane.lane))
    assert host.office.store.host_record(lane.lane).identity is None
    assert not host.plan(lane).decision.allowed


def test_a_reconciliation_that_died_before_the_head_was_written_goes_on(
    host: SmallHost, lane: SmallLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_back(host, None)

    def dies(*_arguments: object) -> None:
        raise SystemExit("killed")

    with monkeypatch.context() as patched:
        patched.setattr(LedgerHeadFile, "move_forward", dies)
        with pytest.raises(SystemExit):
            host.office.store.reconcile((), by=RITA, now=utc_now(), look_only=False)
    assert host.office.store.trusted(utc_now())[0] is False
    reconcile(host, "--now")
    host.office.store.verify_ledger()
    assert host.office.store.trusted(utc_now()) == (True, "")
    host.record_policy(resettable_policy(lane.lane))
    assert bound(host, lane)


def test_the_file_of_the_head_is_lost(host: SmallHost, lane: SmallLane) -> None:
    host.host.head_file.unlink()
    assert host.operate("plan", str(lane.lane), "bootstrap/empty").code == 50
    reconcile(host, "--now")
    host.office.store.verify_ledger()
    assert bound(host, lane)


def test_a_store_whose_own_ledger_was_edited_is_not_reconciled(
    host: SmallHost, lane: SmallLane, tmp_path: Path
) -> None:
    copy = tmp_path / "store"
    save(host, copy)
    host.rebuild(lane)
    with closing(sqlite3.connect(copy)) as edited:
        edited.execute("DROP TRIGGER ledger_no_update")
        edited.execute("UPDATE ledger SET at = at, kind = 'noted' WHERE sequence = 2")
        edited.commit()
    put_back(host, copy)
    done = host.operate("reconcile", "--now")
    assert (done.code, "entry 2 was changed" in done.stderr) == (50, True)
    with pytest.raises(Refused):
        host.office.store.verify_ledger()
