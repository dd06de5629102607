"""How long a plan takes, against the floors of what it has to do.

    python -m benchmarks.plan [--rounds 20] [--markdown FILE]

A plan asks two live witnesses, the database by two roads, decides, and puts proposal and decision
on record. Its floors are one HTTP round trip to the same runtime, one PostgreSQL round trip on an
open connection, and one synced insert into a file of SQLite. All are taken in turn in one run, on a
lane without Odoo; the middle times count.
"""

import argparse
import http.client
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg

from launchplane_lane_contracts.vocabulary import DataSource, Operation
from launchplane_lane_driver import planning
from launchplane_lane_driver.database_witness import ask_database, connection_text
from launchplane_lane_driver.guard_client import show
from launchplane_lane_driver.runtime_client import ask_runtime
from tests.driver.fork_server import ForkServer
from tests.driver.small_host import ANN, BEN, RITA, SmallHost, SmallLane, write_program
from tests.real.postgres import PrivateCluster
from tests.system.people import make_people

PASSWORD_VARIABLE = "LANE_AUTHORITY_BENCHMARK_PASSWORD"  # noqa: S105 - its name


def median_of(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Do each in turn, so often; the middle time of each in seconds."""
    taken: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds + 1):
        for name, each in work.items():
            began = time.perf_counter()
            each()
            # What is made or read the first time only is in nobody's figure.
            if number:
                taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(each) for name, each in taken.items()}


def http_round_trip(port: int) -> None:
    """A question that the runtime answers without looking at anything but the question."""
    opened = http.client.HTTPConnection("127.0.0.1", port)
    opened.request("GET", "/")
    opened.getresponse().read()
    opened.close()


def synced_insert(opened: sqlite3.Connection) -> None:
    """One row that is on the disk afterwards."""
    opened.execute("BEGIN IMMEDIATE")
    opened.execute("INSERT INTO entries (document) VALUES (?)", ("x" * 1000,))
    opened.execute("COMMIT")


def real_guard(lane: SmallLane) -> None:
    """The guard is started as its users start it, interpreter and all."""
    program = Path(sys.executable).with_name("lane-authority-guard")
    settings = "".join(f"export {name}='{each}'\n" for name, each in lane.environment().items())
    write_program(lane.guard, f'#!/bin/sh\n{settings}exec {program} "$@"\n')


def measure(host: SmallHost, lane: SmallLane, rounds: int, folder: Path) -> dict[str, float]:
    """Everything, in seconds."""
    office, configuration = host.office, host.office.configuration(lane.lane)
    record = office.store.host_record(lane.lane)
    environment = {PASSWORD_VARIABLE: lane.cluster.odoo.password}
    bare = sqlite3.connect(folder / "bare.sqlite3", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    bare.execute("CREATE TABLE entries (id INTEGER PRIMARY KEY, document TEXT)")
    server = psycopg.connect(
        connection_text(configuration, environment), dbname=lane.database, autocommit=True
    )
    numbers = iter(range(10_000))

    def plan() -> None:
        host.plan(lane, Operation.BOOTSTRAP, DataSource.EMPTY, reason=f"try {next(numbers)}")

    def on_record() -> None:
        office.store.propose("benchmark", host.request(lane, reason=f"{next(numbers)}"), RITA, now)
        planning.note_decision(office, made, "benchmark")

    made = host.plan(lane)
    now = made.planned_at
    work: dict[str, Callable[[], object]] = {
        "http": partial(http_round_trip, lane.runtime.port),
        "postgresql": partial(server.execute, "SELECT 1"),
        "insert": partial(synced_insert, bare),
        "guard": partial(show, configuration),
        "own": partial(ask_database, configuration, environment),
        "runtime": partial(
            ask_runtime, configuration, office.key, expected_generation=record.generation
        ),
        "record": on_record,
        "plan with the guard forked": plan,
    }
    lane.put_guard_back()
    found = median_of(work, rounds)
    real_guard(lane)
    again = median_of({"guard started": work["guard"], "plan": plan}, rounds)
    bare.close()
    server.close()
    return {**found, **again}


def table_of(found: dict[str, float]) -> list[str]:
    """The figures as rows."""
    floors = found["http"] + found["postgresql"] + found["insert"]
    names = {
        "http": "floor: one HTTP round trip",
        "postgresql": "floor: one PostgreSQL round trip on an open connection",
        "insert": "floor: one synced insert into SQLite",
        "plan": "**a plan, with the guard started as a program**",
        "plan with the guard forked": "a plan, the guard forked by a process that has imported it",
        "guard started": "in it, at the same time: the guard's `show`, started as a program",
        "guard": "the same, forked",
        "own": "the host's own reading: three connections and their queries",
        "runtime": "the runtime's answer: token, HTTP, and what it reads for it",
        "record": "proposal and decision on record, with the head beside the key",
    }
    rows = ["| what | time | times the sum of the floors |", "|---|---|---|"]
    rows += [
        f"| {words} | {found[name] * 1000:.2f} ms | {found[name] / floors:.1f} |"
        for name, words in names.items()
    ]
    return [*rows, f"| the sum of the floors | {floors * 1000:.2f} ms | 1.0 |"]


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--markdown", type=Path)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="lane-plan-") as name,
        PrivateCluster(durable=True) as cluster,
        ForkServer() as forks,
    ):
        folder = Path(name)
        people = make_people(folder / "keys", folder / "approvers", (RITA, ANN, BEN))
        host = SmallHost(cluster, forks, folder, people, (folder / "approvers").read_text())
        lane = host.enrolled(host.add_lane())
        address = f"postgresql://{cluster.odoo.name}@{cluster.host}:{cluster.port}"
        host.configure(
            connection=f'"{address}"', password_command=f'["echo", "{cluster.odoo.password}"]'
        )
        found = measure(host, lane, given.rounds, folder)
        host.close()
    table = table_of(found)
    print("\n".join(table))
    if given.markdown:
        given.markdown.write_text("\n".join(table) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
