"""Pruning takes what nothing leans on, and never the last proven backup."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from launchplane_lane_contracts.contract import RULEBOOK_VERSION, BackupId
from launchplane_lane_contracts.orders import PruneOrder
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_driver import guard_client
from launchplane_lane_driver.backups import prune as pruning
from launchplane_lane_driver.backups.capture import capture_live
from launchplane_lane_driver.backups.prove import prove
from launchplane_lane_driver.backups.prune import look, prune
from launchplane_lane_driver.lane_office import new_nonce, utc_now
from launchplane_lane_driver.store import evidence
from launchplane_lane_guard.backups_folder import read_backup
from tests.backups.forging import signed_again
from tests.backups.hosts import production_lane
from tests.driver.small_host import SmallHost, SmallLane, refused

AT_ONCE = timedelta(0)


def there(backups: Path) -> set[str]:
    """The backups in the folder."""
    return {each.name for each in backups.iterdir() if not each.name.startswith(".")}


def aged(host: SmallHost, backups: Path, name: str) -> str:
    """The same backup as if it had been captured long ago, and recorded then."""
    backup = read_backup(backups / name)
    old = backup.manifest.captured_at - timedelta(days=90)
    made = signed_again(backup, captured_at=old)
    host.office.store.record_evidence(made.manifest.gate(), now=utc_now())
    return made.folder.name


def test_what_stays_and_what_goes(
    host: SmallHost, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = production_lane(host, backups)

    def captured() -> str:
        return str(capture_live(host.office, lane.lane, workers=1).gate.backup_id)

    unproven, proven_once, proven_last = (aged(host, backups, captured()) for _ in range(3))
    # The younger one first: whichever was proven longer ago, much may have been proven since.
    for name in (proven_last, proven_once):
        prove(host.office, BackupId(name), workers=1)
    monkeypatch.setattr(evidence, "NEWEST", 1)
    newest = captured()
    assert there(backups) == {unproven, proven_once, proven_last, newest}
    why = {each.backup.gate.backup_id: each.why for each in look(host.office, lane.lane, AT_ONCE)}
    assert [name for name, reason in why.items() if not reason] != []
    assert why[BackupId(newest)] == "it is the newest of the data that is there now"
    last = max((proven_once, proven_last), key=lambda name: moment(host, lane, name))
    assert why[BackupId(last)] == "it is the last proven one of this lane"
    (gone,) = {proven_once, proven_last} - {last}
    assert prune(host.office, lane.lane, timedelta(days=365)) != ()
    assert there(backups) == {unproven, proven_once, proven_last, newest}
    # By a clock that is ahead for a moment everything is old.
    clock = iter([utc_now() + timedelta(days=400)])
    with monkeypatch.context() as ahead, refused(ReasonCode.CLOCK_UNRELIABLE):
        ahead.setattr(pruning, "utc_now", lambda: next(clock, utc_now()))
        prune(host.office, lane.lane, timedelta(days=365))
    assert there(backups) == {unproven, proven_once, proven_last, newest}
    listed = json.loads(
        host.operate("backup", "prune", str(lane.lane), "--keep-for", "0", "--json").stdout
    )
    assert {each["backup_id"] for each in listed if not each["kept_because"]} == {unproven, gone}
    assert there(backups) == {last, newest}
    assert not [*backups.glob(".partial-*")]
    # Run again, nothing more goes.
    again = host.operate("backup", "prune", str(lane.lane), "--keep-for", "0")
    assert again.code == 0
    assert "removed" not in again.stdout
    assert there(backups) == {last, newest}
    # A proven backup that is not in the folder any more is no last one.
    assert set(why) - {each.backup.gate.backup_id for each in look(host.office, lane.lane, AT_ONCE)}


def moment(host: SmallHost, lane: SmallLane, name: str) -> float:
    """When a backup's moment was."""
    recorded = host.office.store.evidence(lane.lane, everything=True)
    gates = {each.backup_id: each for each in recorded.gates}
    return gates[BackupId(name)].snapshot_at.timestamp()


def test_another_lanes_backup_is_never_removed(host: SmallHost, backups: Path) -> None:
    mine = production_lane(host, backups)
    other = production_lane(host, backups, "opw")
    name = str(capture_live(host.office, other.lane, workers=1).gate.backup_id)
    assert look(host.office, mine.lane, AT_ONCE) == ()
    configuration, now = host.office.configuration(mine.lane), utc_now()
    order = PruneOrder(
        lane=mine.lane,
        nonce=new_nonce(),
        database=configuration.database,
        filestore_path=configuration.filestore_path,
        issued_at=now,
        begin_before=now + timedelta(minutes=5),
        rulebook_version=RULEBOOK_VERSION,
        backups=(BackupId(name),),
    )
    with refused(ReasonCode.BACKUP_OTHER_LANE):
        guard_client.carry_out(configuration, "prune", host.office.sign(order), order.nonce)
    assert there(backups) == {name}


def test_the_guard_lists_what_is_damaged(host: SmallHost, backups: Path) -> None:
    lane = production_lane(host, backups)
    made = capture_live(host.office, lane.lane, workers=1)
    (backups / made.gate.backup_id / "manifest.json").write_bytes(b"{}")
    receipt = guard_client.ask(host.office.configuration(lane.lane), ["backups"], timeout=30)
    assert receipt.result is not None
    assert receipt.result["backups"] == []
    assert made.gate.backup_id in str(receipt.result["damaged"])
