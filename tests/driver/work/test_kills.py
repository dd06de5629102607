"""Kills at random moments, on both kinds of store: what was begun goes on, no row is ever lost.

A moment is drawn from the time that the command took when it last ran to its end here, so kills
fall anywhere in a run, on a quick machine and on a busy one. One that came too late does not count.
"""

import random
import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.driver.fork_server import ForkServer
from tests.driver.places import new_database_for_a_store
from tests.driver.small_host import SmallHost
from tests.driver.work.conftest import Around, clean, everything_around
from tests.driver.work.failing_machine import FailingMachine
from tests.real.postgres import PrivateCluster

SEED = 20260
COMMANDS = {"plan", "authorize", "start", "finish", "undo", "retry", "settle", "abort"}
KILLS_OF_A_HOST = 100
"""In the full run; its ledger stays short enough to be verified again and again."""


def kill_often(
    around: Around,
    folder: Path,
    kills: int,
    seed: str,
    store_url: str | None,
    *,
    every_way_leads_on: bool,
) -> FailingMachine:
    """Kill so many commands of one new host, and see each time that all is well."""
    host = SmallHost(
        around.cluster, around.forks, folder, around.people, around.approvers, store_url=store_url
    )
    lane, production = host.enrolled(host.add_lane()), host.add_production()
    chance = random.Random(seed)  # noqa: S311 - for a run that can be repeated
    machine = FailingMachine(host, lane, production, chance, every_way_leads_on)
    try:
        machine.run_until(kills)
    finally:
        host.close()
        clean(around.cluster)
    return machine


@pytest.mark.slow
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_fifteen_kills(
    around: Around, store_cluster: PrivateCluster, tmp_path: Path, store: str
) -> None:
    url = new_database_for_a_store(store_cluster) if store == "postgresql" else None
    # That each way on is taken is what the full run looks for.
    machine = kill_often(around, tmp_path, 15, f"{SEED} {store}", url, every_way_leads_on=False)
    assert machine.endings
    assert len(machine.killed) >= len(COMMANDS) // 2


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_a_thousand_kills(
    around: Around, store_cluster: PrivateCluster, tmp_path: Path, store: str
) -> None:
    """Two machines at a time, each with a server for its lanes."""

    def one_machine(numbers: range) -> Counter[str]:
        killed: Counter[str] = Counter()
        with PrivateCluster() as cluster, ForkServer() as forks:
            own = everything_around(cluster, forks, tmp_path / f"around-{numbers.start}")
            for number in numbers:
                url = new_database_for_a_store(store_cluster) if store == "postgresql" else None
                folder = tmp_path / str(number)
                folder.mkdir()
                seed = secrets.token_hex(4)
                print(f"{store} {number}: seed {seed}")
                machine = kill_often(
                    own, folder, KILLS_OF_A_HOST, seed, url, every_way_leads_on=True
                )
                killed += machine.killed
        return killed

    with ThreadPoolExecutor(max_workers=2) as pool:
        killed = sum(pool.map(one_machine, (range(5), range(5, 10))), Counter[str]())
    print(dict(killed))
    assert killed.total() >= 1000
    assert set(killed) == COMMANDS
    assert min(killed.values()) > 10
