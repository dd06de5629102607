"""Backups on the record: what is captured and proven is what plans of production are judged by."""

import json
from pathlib import Path

import pytest

from launchplane_lane_contracts.contract import BackupId, DatabaseName
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, Operation
from launchplane_lane_driver.backups.capture import capture_kept, capture_live
from launchplane_lane_driver.backups.drill import HowToDrill, drill
from launchplane_lane_driver.backups.drill_report import DrillOutcome
from launchplane_lane_driver.backups.prove import prove
from tests.backups.forging import flip
from tests.backups.hosts import LOAD_COMMAND, production_lane
from tests.driver.small_host import SmallHost, refused, resettable_policy, untouched
from tests.guard import fingerprint
from tests.guard.volumes import root_only, small_volume

EXISTING = (Operation.RECREATE, DataSource.EXISTING)


def codes(made: Plan) -> set[ReasonCode]:
    """Why not."""
    return {each.code for each in made.decision.reasons}


def notes(host: SmallHost, what: str) -> list[dict[str, object]]:
    """What was noted under this name."""
    entries = host.office.store.ledger_entries()
    return [each.document["particulars"] for each in entries if each.document.get("what") == what]


def test_production_may_be_changed_once_its_backup_is_captured_and_proven(
    host: SmallHost, backups: Path
) -> None:
    lane = production_lane(host, backups)
    host.configure(load_command=json.dumps(LOAD_COMMAND))
    with untouched(lane):
        asked = {ReasonCode.BACKUP_GATE_MISSING, ReasonCode.DATA_PROOF_MISSING}
        assert asked <= codes(host.plan(lane, *EXISTING))
        made = capture_live(host.office, lane.lane, workers=1)
        assert codes(host.plan(lane, *EXISTING)) == {ReasonCode.DATA_PROOF_MISSING}
        found = prove(host.office, made.gate.backup_id, workers=1)
        assert host.plan(lane, *EXISTING).decision.allowed
    recorded = host.office.store.evidence(lane.lane)
    assert recorded.gates == (made.gate,)
    assert recorded.data_proofs == (found.data_proof,)
    assert recorded.load_proofs == (found.load_proof,)
    host.office.store.verify_ledger()


def test_a_proof_that_fails_is_on_record_and_counts_for_nothing(
    host: SmallHost, backups: Path
) -> None:
    lane = production_lane(host, backups)
    made = capture_live(host.office, lane.lane, workers=1)
    prove(host.office, made.gate.backup_id, workers=1)
    assert host.plan(lane, *EXISTING).decision.allowed
    # It decays, and that is found out: what was proven of it before counts no more.
    path = next((Path(made.folder) / "filestore").rglob("ab*f"))
    flip(path)
    with refused(ReasonCode.BACKUP_DAMAGED):
        prove(host.office, made.gate.backup_id, workers=1)
    assert codes(host.plan(lane, *EXISTING)) == {ReasonCode.DATA_PROOF_MISSING}
    (noted,) = notes(host, "backup_not_proven")
    assert (noted["backup_id"], noted["count"]) == (made.gate.backup_id, 1)
    (Path(made.folder) / "manifest.json").unlink()
    with refused(ReasonCode.BACKUP_DAMAGED):
        prove(host.office, made.gate.backup_id, workers=1)
    assert host.office.store.evidence(lane.lane).data_proofs == ()
    host.office.store.verify_ledger()


@root_only
def test_a_server_without_room_says_nothing_of_a_backup(
    host: SmallHost, backups: Path, tmp_path: Path
) -> None:
    lane = production_lane(host, backups)
    backup = capture_live(host.office, lane.lane, workers=1).gate.backup_id
    with small_volume(tmp_path / "small", "size=1m") as small:
        volume = {"LANE_AUTHORITY_DATABASE_VOLUME": str(small)}
        lane.put_guard_back(LANE_AUTHORITY_BACKUPS=str(backups), **volume)
        with refused(ReasonCode.ROOM_NOT_ENOUGH):
            prove(host.office, backup, workers=1)
    lane.put_guard_back(LANE_AUTHORITY_BACKUPS=str(backups))
    # So a drill does not make another one in its place.
    assert notes(host, "backup_not_proven") == []
    (drilled,) = drill(host.office, (lane.lane,), HowToDrill(at_once=1, workers=1)).lanes
    assert (drilled.outcome, drilled.backup_id) == (DrillOutcome.PROVEN, backup)


@pytest.mark.full
def test_a_load_that_fails_withholds_the_load_proof_alone(host: SmallHost, backups: Path) -> None:
    lane = production_lane(host, backups)
    host.configure(load_command=json.dumps(["false"]))
    made = capture_live(host.office, lane.lane, workers=1)
    found = prove(host.office, made.gate.backup_id, workers=1)
    assert (found.data_proof is None, found.load_proof) == (False, None)
    assert host.office.store.evidence(lane.lane).load_proofs == ()
    assert len(notes(host, "backup_not_proven")) == 1
    assert prove(host.office, made.gate.backup_id, workers=1, load=False).load is None


def test_kept_data_is_opened_captured_and_closed_again(host: SmallHost, backups: Path) -> None:
    lane = host.add_lane("cm")
    lane.put_guard_back(LANE_AUTHORITY_BACKUPS=str(backups))
    host.record_policy(resettable_policy(lane.lane))
    host.enrol(lane)
    host.rebuild(lane)
    (kept,) = host.office.store.host_record(lane.lane).kept
    before = lane.kept_data(kept.name)
    made = capture_kept(host.office, lane.lane, kept.name, workers=1)
    assert lane.kept_data(kept.name) == before
    state = fingerprint.databases(host.cluster)[kept.name]
    assert (state.takes_connections, state.locked) == (False, True)
    found = prove(host.office, made.gate.backup_id, workers=1)
    assert found.data_proof is not None
    assert found.data_proof.source_digest is not None
    with refused(ReasonCode.KEPT_UNKNOWN):
        capture_kept(host.office, lane.lane, DatabaseName("nothing"), workers=1)
    # When the capture fails it is closed as well.
    for path in (lane.keep / "filestores" / kept.name).rglob("abcdef"):
        path.unlink()
    with refused(ReasonCode.FILES_INCOMPLETE):
        capture_kept(host.office, lane.lane, kept.name, workers=1)
    assert not fingerprint.databases(host.cluster)[kept.name].takes_connections
    lacks = capture_kept(host.office, lane.lane, kept.name, workers=1, accept_lacking=True)
    assert notes(host, "backup_lacks_files")[0]["backup_id"] == lacks.gate.backup_id


def test_data_that_is_not_on_record_is_not_captured(host: SmallHost, backups: Path) -> None:
    lane = host.add_lane("opw")
    lane.put_guard_back(LANE_AUTHORITY_BACKUPS=str(backups))
    with refused(ReasonCode.BACKUP_GATE_OTHER_DATA):
        capture_live(host.office, lane.lane, workers=1)
    host.record_policy(resettable_policy(lane.lane))
    host.enrol(lane)
    lane.guard_becomes('echo "no guard"; exit 3')
    with pytest.raises(CouldNotTell):
        capture_live(host.office, lane.lane, workers=1)
    assert list(backups.iterdir()) == []
    with pytest.raises(Refused):
        prove(host.office, BackupId("never-captured"), workers=1)


def test_a_backup_that_nobody_knows_is_not_proven(host: SmallHost) -> None:
    unknown = host.operate("backup", "prove", "0" * 64, "--json")
    assert (unknown.code, json.loads(unknown.stdout)["reasons"][0]["code"]) == (
        50,
        "backup_unknown",
    )
    assert host.operate("backup", "prove", "x" * 999).code == 2
