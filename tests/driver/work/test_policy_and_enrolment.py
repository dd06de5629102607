"""Recording policies, enrolling, signatures, and a store or clock that cannot be trusted."""

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from launchplane_lane_contracts.errors import CouldNotTell, ExitCode, Refused
from launchplane_lane_contracts.marker import EngineTag
from launchplane_lane_contracts.policy import LONGEST_DURATION, Policy
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import OperationPhase, TagState
from launchplane_lane_driver import operations, planning
from launchplane_lane_driver.lane_office import LaneOffice, utc_now
from launchplane_lane_driver.lives import Asked, carry_out, look
from launchplane_lane_driver.lives.enrol import Enrol
from launchplane_lane_driver.policy_changes import apply_policy, propose_policy
from launchplane_lane_driver.store import Store
from tests.driver.small_host import (
    ANN,
    BEN,
    RITA,
    SmallHost,
    SmallLane,
    production_policy,
    refused,
    resettable_policy,
    untouched,
)
from tests.guard import fingerprint

ENROL = Enrol()


def test_loosening_needs_two_besides_the_proposer(host: SmallHost, bare: SmallLane) -> None:
    proposed = propose_policy(
        host.office, resettable_policy(bare.lane), proposer=RITA, why="as agreed"
    )
    assert proposed.tally.required == 2
    for signer in (None, RITA, ANN):
        if signer:
            host.sign(proposed.digest, signer)
        with refused(ReasonCode.APPROVALS_MISSING):
            apply_policy(host.office, proposed.digest)
        assert host.office.store.policy(bare.lane) is None
    # The requester's second signature is no second person.
    host.sign(proposed.digest, RITA)
    with refused(ReasonCode.APPROVALS_MISSING):
        apply_policy(host.office, proposed.digest)
    host.sign(proposed.digest, BEN)
    assert apply_policy(host.office, proposed.digest).number == 1
    used = host.office.store.approvals(proposed.digest)
    assert {each.approval.person for each in used} == {RITA, ANN, BEN}
    assert {each.used_by for each in used} == {proposed.digest}
    with refused(ReasonCode.PLAN_CHANGED):
        apply_policy(host.office, proposed.digest)
    with pytest.raises(Refused):
        host.sign(proposed.digest, ANN)


def test_two_approvers_without_the_proposer_do_not_suffice(
    host: SmallHost, bare: SmallLane
) -> None:
    proposed = propose_policy(
        host.office, resettable_policy(bare.lane), proposer=RITA, why="as agreed"
    )
    host.sign(proposed.digest, ANN, BEN)
    with refused(ReasonCode.APPROVALS_MISSING):
        apply_policy(host.office, proposed.digest)


def test_tightening_needs_nobody_and_a_revision_in_between_is_seen(
    host: SmallHost, lane: SmallLane
) -> None:
    loosening = propose_policy(
        host.office,
        resettable_policy(lane.lane, replaced_kept_for=timedelta(hours=1)),
        proposer=RITA,
        why="little room",
    )
    assert loosening.tally.required == 2
    host.sign(loosening.digest, RITA, ANN, BEN)
    host.record_policy(
        resettable_policy(lane.lane, replaced_kept_for=timedelta(days=9)), signed=False
    )
    with refused(ReasonCode.PLAN_CHANGED):
        apply_policy(host.office, loosening.digest)
    (_first, second) = host.office.store.history(lane.lane)
    assert second.policy.replaced_kept_for == timedelta(days=9)


def test_a_keeping_beyond_the_calendar_is_refused_and_the_longest_leaves_no_lane_stuck(
    host: SmallHost, lane: SmallLane, tmp_path: Path
) -> None:
    file = tmp_path / "policy.json"
    text = resettable_policy(lane.lane, replaced_kept_for=LONGEST_DURATION).canonical()
    file.write_bytes(text.replace(b'"P100Y"', b'"99999999d"'))
    done = host.operate("policy", "propose", str(file), "--reason", "keep it for ever")
    assert (done.code, "36500d at most" in done.stderr) == (ExitCode.USAGE, True), done
    assert not host.office.store.history(lane.lane)[1:]
    host.record_policy(Policy.from_json(text), signed=False)
    before = lane.data()
    begun = host.begin(lane)
    lane.materialise("new")
    assert operations.undo(host.office, begun.operation_id).phase is OperationPhase.UNDONE
    assert lane.data() == before
    (kept,) = host.office.store.host_record(lane.lane).kept
    assert kept.kept_until is not None
    assert kept.kept_until - utc_now() > LONGEST_DURATION - timedelta(hours=1)


def test_enrolling_replaceable_data_needs_one_besides_the_requester(
    host: SmallHost, bare: SmallLane
) -> None:
    host.record_policy(resettable_policy(bare.lane))
    found = look(host.office, ENROL, Asked(bare.lane, RITA))
    assert found.tally.required == 1
    for signer in (None, RITA):
        if signer:
            host.sign(found.digest, signer)
        with untouched(bare), refused(ReasonCode.APPROVALS_MISSING):
            carry_out(host.office, ENROL, found.digest)
    host.sign(found.digest, ANN)
    before = bare.data()
    assert carry_out(host.office, ENROL, found.digest).endswith("generation 1.")
    assert bare.data() == before
    assert all(each.used_by for each in host.office.store.approvals(found.digest))
    assert not fingerprint.databases(bare.cluster)[bare.database].locked
    with untouched(bare), refused(ReasonCode.ALREADY_ENROLLED):
        carry_out(host.office, ENROL, found.digest)


def test_enrolling_authoritative_data_needs_nobody_and_locks(
    host: SmallHost, bare: SmallLane
) -> None:
    host.record_policy(production_policy(bare.lane))
    found = look(host.office, ENROL, Asked(bare.lane, RITA))
    assert found.tally.required == 0
    carry_out(host.office, ENROL, found.digest)
    assert fingerprint.databases(bare.cluster)[bare.database].locked


def test_what_cannot_be_enrolled(host: SmallHost, bare: SmallLane) -> None:
    def plan() -> None:
        look(host.office, ENROL, Asked(bare.lane, RITA))

    with untouched(bare), refused(ReasonCode.POLICY_UNKNOWN):
        plan()
    host.record_policy(production_policy(bare.lane))
    other = host.add_lane("syo")
    tag = EngineTag(
        lane=other.lane,
        generation=3,
        database_oid=bare.data().oid,
        state=TagState.LIVE,
    )
    bare.execute(f"COMMENT ON DATABASE \"{bare.database}\" IS '{tag.text()}'")
    with untouched(bare), refused(ReasonCode.ALREADY_ENROLLED):
        plan()
    bare.execute(f'COMMENT ON DATABASE "{bare.database}" IS NULL')
    bare.put_guard_back(ODOO_DB_NAME="syo", ODOO_FILESTORE_PATH=str(other.filestore))
    with (
        untouched(bare),
        refused(
            ReasonCode.ENVIRONMENT_OTHER_DATABASE,
            ReasonCode.ENVIRONMENT_OTHER_FILESTORE,
        ),
    ):
        plan()
    bare.put_guard_back()
    bare.execute(f'DROP DATABASE "{bare.database}"')
    with untouched(bare), refused(ReasonCode.NOTHING_TO_ENROL):
        plan()
    bare.execute(f'CREATE DATABASE "{bare.database}"')
    with untouched(bare), refused(ReasonCode.NOTHING_TO_ENROL):
        plan()


def test_other_data_than_was_reviewed_is_not_enrolled(host: SmallHost, bare: SmallLane) -> None:
    host.record_policy(production_policy(bare.lane))
    found = look(host.office, ENROL, Asked(bare.lane, RITA))
    bare.execute(f'DROP DATABASE "{bare.database}"')
    bare.make_data("another")
    with untouched(bare), refused(ReasonCode.PLAN_CHANGED):
        carry_out(host.office, ENROL, found.digest)


def test_an_old_copy_of_the_store_does_nothing(host: SmallHost, lane: SmallLane) -> None:
    copy = host.folder / "an-hour-ago.sqlite3"
    with (
        closing(sqlite3.connect(host.host.store_file)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    digest = host.plan(lane).plan_digest
    operation = planning.authorize(host.office, digest)
    host.office.close()
    for side in ("-wal", "-shm"):
        file = host.host.store_file
        file.with_name(file.name + side).unlink(missing_ok=True)
    shutil.copy(copy, host.host.store_file)
    host.office = LaneOffice.open(host.host)
    with untouched(lane):
        for arguments in (
            ("plan", str(lane.lane), "bootstrap/empty"),
            ("audit", "verify"),
        ):
            done = host.operate(*arguments)
            assert (done.code, ReasonCode.STORE_ROLLED_BACK in done.stderr) == (50, True)
        assert host.operate("start", operation.operation_id).code == 2
        assert host.operate("lanes").code == 0


def test_a_clock_that_went_back_decides_nothing(host: SmallHost, lane: SmallLane) -> None:
    operation = host.authorize(lane)
    ahead = Store.open(
        host.host.store_url, host.host.head_file, clock=lambda: utc_now() + timedelta(hours=2)
    )
    ahead.note("written with a clock that was ahead", lane.lane, {}, utc_now())
    ahead.close()
    with untouched(lane), refused(ReasonCode.CLOCK_UNRELIABLE):
        operations.start(host.office, operation.operation_id)
    assert not host.plan(lane).decision.allowed
    assert operations.undo(host.office, operation.operation_id).phase == "aborted"


def test_a_signing_key_that_others_may_read_signs_nothing(host: SmallHost, lane: SmallLane) -> None:
    (key,) = host.host.keys.glob("signing-*.pem")
    key.chmod(0o644)
    with pytest.raises(CouldNotTell):
        LaneOffice.open(host.host)
    assert host.operate("lane", str(lane.lane)).code == 51
