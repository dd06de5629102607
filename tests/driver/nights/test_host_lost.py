"""The host lost its store or its key, and works again before the night is over."""

from pathlib import Path

from tests.driver.lives.test_keys_of_lanes import reopen, states
from tests.driver.lives.test_reconcile import put_back, save
from tests.driver.nights.devkit_beside import DevkitBeside
from tests.driver.nights.night import Night, in_order
from tests.driver.small_host import SmallHost, SmallLane, untouched
from tests.driver.work.test_run_in_the_lane import run_in_the_lane

POLICY = """\
lane = "{lane}"
rollout_state = "testing"
authoritative_data = false
bootstrap_empty_allowed = true
requires_backup_before_destroy = false
requires_restore_proof = false
"""


def rebuilt(night: Night, devkit: DevkitBeside) -> None:
    """The last commands of these nights: a whole rebuild."""
    night.type_all("plan", "authorize DIGEST", "start OPERATION")
    assert devkit.run("--bootstrap") == 0
    night.type("finish OPERATION")


def test_the_store_is_an_hour_old(
    host: SmallHost, lane: SmallLane, devkit: DevkitBeside, tmp_path: Path
) -> None:
    save(host, tmp_path / "an hour ago")
    host.rebuild(lane)
    before = lane.data()
    put_back(host, tmp_path / "an hour ago")
    with Night(host, "The store is an old copy") as night:
        with untouched(lane):
            assert "store_rolled_back" in night.type("plan", 50)
            night.type_all("reconcile", "reconcile --now")
            assert "The ledger is whole" in night.type("audit verify")
        reopen(host)
        rebuilt(night, devkit)
    assert (devkit.whose(), in_order(host, lane)) == ("cm-layer", True)
    kept = host.office.store.host_record(lane.lane).kept
    assert before in [lane.kept_data(each.name) for each in kept]
    assert host.office.store.host_record(lane.lane).generation == 3


def test_the_stores_disk_is_lost(host: SmallHost, lane: SmallLane, devkit: DevkitBeside) -> None:
    before = lane.data()
    (host.folder / "cm.toml").write_text(POLICY.format(lane=lane.lane))
    put_back(host, None)
    with Night(host, "The store's disk is lost") as night:
        with untouched(lane):
            assert "store_rolled_back" in night.type("plan", 50)
            night.type_all("reconcile --now", "audit verify", "policy propose")
            night.type_all(*["approve DIGEST"] * 3)
        # What is in force stands in the lane's marker at once.
        night.type("policy apply")
        rebuilt(night, devkit)
    assert (devkit.whose(), in_order(host, lane)) == ("cm-layer", True)
    (kept,) = host.office.store.host_record(lane.lane).kept
    assert lane.kept_data(kept.name) == before


def test_the_signing_key_is_lost(
    host: SmallHost, lane: SmallLane, production: SmallLane, devkit: DevkitBeside, tmp_path: Path
) -> None:
    before, others = lane.data(), production.data()
    lost, permit = host.office.key.key_id, tmp_path / "permit"
    # Somebody holds a permit that nobody has begun.
    claimed = host.authorize(lane)
    assert host.operate("start", claimed.operation_id, "--permit", str(permit)).code == 0
    assert host.operate("undo", claimed.operation_id).code == 0
    (host.host.keys / f"signing-{lost}.pem").unlink()
    with Night(host, "The signing key is lost", OLD_KEY=lost) as night:
        assert "lane-authority keys create" in night.type("lane", 51)
        night.type_all("keys create", "keys rotate")
        for each in (lane, production):
            night.type_all(f"restamp {each.lane}", f"restamp {each.lane} --digest DIGEST")
        assert str(lane.lane) not in night.type("keys revoke OLD_KEY")
        night.type("keys revoke OLD_KEY --now")
        reopen(host)
        with untouched(lane):
            assert run_in_the_lane(lane, permit) == 50
        rebuilt(night, devkit)
    assert states(host)[lost] == "revoked"
    assert (devkit.whose(), in_order(host, lane)) == ("cm-layer", True)
    assert (production.data(), in_order(host, production)) == (others, True)
    (kept,) = host.office.store.host_record(lane.lane).kept
    assert lane.kept_data(kept.name) == before
