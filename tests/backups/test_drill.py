"""A drill brings every lane that requires it to a proven backup, and says what failed."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from launchplane_lane_contracts.contract import BackupId
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_driver.backups.drill import HowToDrill, drill, lanes_to_drill
from launchplane_lane_driver.backups.drill_report import DrilledLane, DrillOutcome, DrillReport
from launchplane_lane_driver.lane_office import utc_now
from tests.backups.forging import flip
from tests.backups.hosts import production_lane
from tests.driver.fork_server import Run
from tests.driver.small_host import SmallHost, SmallLane, production_policy, resettable_policy
from tests.driver.work.conftest import Around
from tests.guard.conftest import clean
from tests.real.postgres import QUICKLY

ONE = HowToDrill(at_once=1, workers=1)
SECONDS_TO_BEGIN = 30


def outcomes(report: DrillReport) -> dict[str, DrillOutcome]:
    """How it ended at each lane."""
    return {str(each.lane): each.outcome for each in report.lanes}


def gates(host: SmallHost, lane: SmallLane) -> list[BackupId]:
    """The backups on record, the newest first."""
    return [each.backup_id for each in host.office.store.evidence(lane.lane).gates]


def test_what_is_due_is_captured_and_proven_and_the_rest_left(
    host: SmallHost, backups: Path
) -> None:
    first, second = production_lane(host, backups), production_lane(host, backups, "verireel")
    resettable = host.add_lane("cm")
    host.record_policy(resettable_policy(resettable.lane))
    host.enrol(resettable)
    unrecorded = Lane(product="odoo-tenant-nord", context="nord", instance="prod")
    host.record_policy(production_policy(unrecorded))
    told: list[tuple[str, str]] = []
    how = HowToDrill(workers=1, tell=lambda lane, words: told.append((lane.context, words)))
    assert resettable.lane not in lanes_to_drill(host.office)
    report = drill(host.office, lanes_to_drill(host.office), how)
    assert outcomes(report) == {
        str(first.lane): DrillOutcome.PROVEN,
        str(second.lane): DrillOutcome.PROVEN,
        str(unrecorded): DrillOutcome.NOTHING_THERE,
    }
    assert report.exit_code == 0
    syo = next(each for each in report.lanes if each.lane == first.lane)
    (proof,) = host.office.store.evidence(first.lane).data_proofs
    assert (syo.backup_id, syo.proven_at, syo.recovery) == (
        proof.backup_id,
        proof.proven_at,
        proof.took,
    )
    assert [words for context, words in told if context == "syo"] == [
        "capturing",
        "proving",
        "proven",
    ]
    # A second one the same night finds nothing to do.
    assert set(outcomes(drill(host.office, (first.lane, second.lane), how)).values()) == {
        DrillOutcome.NOT_DUE
    }
    assert len(gates(host, first)) == 1
    again = HowToDrill(workers=1, due_after=timedelta(0))
    # Named twice, it is drilled once.
    assert [each.outcome for each in drill(host.office, (first.lane, first.lane), again).lanes] == [
        DrillOutcome.PROVEN
    ]
    assert len(gates(host, first)) == 2


def test_what_fails_is_named_and_stops_no_other(host: SmallHost, backups: Path) -> None:
    broken, silent, good = (production_lane(host, backups, name) for name in ("a1", "b2", "c3"))
    silent.guard_becomes('echo "no guard"; exit 3')
    # What is captured comes to harm before it is proven.
    real = f'"$GUARD" "$@"; code=$?; [ "$1" = capture ] && rm -rf {backups}/*/filestore/ab'
    broken.guard_becomes(f"{real}; exit $code")
    done = host.operate("drill", "--at-once", "1", "--workers", "1")
    assert done.code == 50, done.stderr
    assert f"{good.lane}: proven" in done.stdout
    assert f"{silent.lane}: could not tell" in done.stdout
    assert f"{broken.lane}: failed" in done.stdout
    assert "file ab/abcdef: it is missing" in done.stdout
    assert f"{broken.lane}: proving" in done.stderr
    (bad,) = gates(host, broken)
    broken.put_guard_back(LANE_AUTHORITY_BACKUPS=str(backups))
    # What failed is not tried a second time: a new one is made.
    report = drill(host.office, (broken.lane, silent.lane), ONE)
    assert outcomes(report)[str(broken.lane)] is DrillOutcome.PROVEN
    assert report.exit_code == 51
    assert report.lanes[0].lane == silent.lane
    assert len(gates(host, broken)) == 2
    assert bad in gates(host, broken)
    assert host.operate("drill", "--due-after", "nan").code == 2
    answered = host.operate("drill", str(good.lane), "--json")
    assert answered.code == 0
    assert json.loads(answered.stdout)["lanes"][0]["outcome"] == "not due"


@pytest.mark.full
def test_a_capture_that_was_never_proven_is_proven_first(host: SmallHost, backups: Path) -> None:
    lane = production_lane(host, backups)
    made = host.operate("backup", "capture", str(lane.lane))
    assert made.code == 0, made.stderr
    report = drill(host.office, (lane.lane,), ONE)
    assert [each.backup_id for each in report.lanes] == gates(host, lane)
    flip(backups / gates(host, lane)[0] / "database" / "toc.dat")
    assert drill(host.office, (lane.lane,), ONE).lanes[0].outcome is DrillOutcome.NOT_DUE


STORE = "drills_store"


@pytest.fixture
def shared(around: Around, tmp_path: Path) -> Iterator[SmallHost]:
    """A host whose store is a PostgreSQL that other machines share."""
    role = around.cluster.odoo
    around.cluster.execute(f"CREATE DATABASE {STORE} OWNER {role.name} {QUICKLY}")
    place = f"{around.cluster.host}:{around.cluster.port}/{STORE}"
    made = SmallHost(
        around.cluster,
        around.forks,
        tmp_path,
        around.people,
        around.approvers,
        store_url=f"postgresql://{role.name}:{role.password}@{place}",
    )
    yield made
    made.close()
    clean(around.cluster)


def reported(run: Run) -> dict[str, DrillOutcome]:
    """What the report of a drill says of each lane."""
    done = run.wait()
    assert done.code == 0, done.stderr
    return outcomes(DrillReport.from_json(done.stdout))


def test_drills_of_several_machines_take_each_lane_once_and_a_dead_ones_over(
    shared: SmallHost, backups: Path
) -> None:
    lanes = [production_lane(shared, backups, name) for name in ("a1", "b2", "c3")]
    dead, others = str(lanes[0].lane), {str(each.lane) for each in lanes[1:]}
    reached, go_on = backups / "reached", backups / "go-on"
    lanes[0].guard_becomes(
        f'[ "$1" = capture ] && touch {reached} && while [ ! -e {go_on} ]; do sleep 0.05; done; '
        'exec "$GUARD" "$@"'
    )
    killed = shared.command("drill", dead)
    try:
        limit = time.monotonic() + SECONDS_TO_BEGIN
        while not reached.exists():
            assert time.monotonic() < limit
            time.sleep(0.02)
        running = [shared.command("drill", "--json", "--workers", "1") for _number in range(2)]
        found = [reported(each) for each in running]
    finally:
        killed.kill()
        go_on.touch()
        killed.wait(and_orphans=True)
    for report in found:
        assert report[dead] is DrillOutcome.ELSEWHERE
    for lane in others:
        assert [report[lane] for report in found].count(DrillOutcome.PROVEN) == 1, found
    # Its claim lasts on, and nobody renews it.
    assert reported(shared.command("drill", "--json"))[dead] is DrillOutcome.ELSEWHERE
    shared.cluster.execute(
        "UPDATE drill_claims SET claimed_until = claimed_until - interval '10 minutes'", STORE
    )
    running = [shared.command("drill", "--json", "--workers", "1") for _number in range(2)]
    found = [reported(each) for each in running]
    assert [report[dead] for report in found].count(DrillOutcome.PROVEN) == 1, found
    for report in found:
        assert {report[lane] for lane in others} <= {
            DrillOutcome.NOT_DUE,
            DrillOutcome.ELSEWHERE,
        }
    for lane in lanes:
        recorded = shared.office.store.evidence(lane.lane)
        assert (len(recorded.gates), len(recorded.data_proofs)) == (1, 1)
    assert shared.cluster.execute("SELECT 1 FROM drill_claims", STORE) == []
    assert not [*backups.glob(".partial-*")]
    shared.office.store.verify_ledger()


def test_a_claim_is_the_holders_until_it_is_over(host: SmallHost) -> None:
    lane, store, now = Lane(product="p", context="c", instance="i"), host.office.store, utc_now()
    assert store.claim_drill(lane, "first", now=now, until=now + timedelta(hours=1))
    assert store.claim_drill(lane, "first", now=now, until=now + timedelta(hours=1))
    assert not store.claim_drill(lane, "next", now=now, until=now + timedelta(hours=1))
    store.end_drill(lane, "next")
    assert not store.claim_drill(lane, "next", now=now, until=now + timedelta(hours=1))
    assert store.claim_drill(lane, "first", now=now, until=now)
    assert store.claim_drill(lane, "next", now=now, until=now + timedelta(hours=1))
    store.end_drill(lane, "next")
    assert store.claim_drill(lane, "third", now=now, until=now + timedelta(hours=1))


@pytest.mark.full
def test_a_claim_is_renewed_while_its_drill_lives(host: SmallHost, backups: Path) -> None:
    """Its claim lasts a fraction of what the proof takes, and nobody gets the lane meanwhile."""
    lane = production_lane(host, backups)
    first, go_on = backups / "first", backups / "go-on"
    lane.guard_becomes(
        f'[ "$1" = capture ] && {{ touch {first}; while [ ! -e {go_on} ]; do sleep 0.05; done; }}; '
        'exec "$GUARD" "$@"'
    )
    how = HowToDrill(at_once=1, workers=1, claimed_for=timedelta(seconds=4))
    found: list[DrilledLane] = []
    running = threading.Thread(
        target=lambda: found.extend(drill(host.office, (lane.lane,), how).lanes)
    )
    running.start()
    try:
        limit = time.monotonic() + 30
        while not first.exists():
            assert time.monotonic() < limit
            time.sleep(0.02)
        began, lost = utc_now(), 0
        # A claim that nobody renewed would be over long before.
        while utc_now() - began < how.claimed_for * 2:
            now = utc_now()
            lost += host.office.store.claim_drill(lane.lane, "thief", now=now, until=now)
            time.sleep(0.1)
    finally:
        go_on.touch()
        running.join()
    assert lost == 0
    assert found[0].outcome is DrillOutcome.PROVEN, found
