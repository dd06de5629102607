"""How long the views of many lanes take, against the bare query of the same rows and JSON.

    python -m benchmarks.lane_views [--lanes 100,1000,10000] [--markdown FILE]

Views are those of `lane-authority lanes --recorded --json`: what is on record, with every choice
decided by the rule book and every reason written out; no lane is asked. Each size runs in a process
of its own, whose peak memory is told.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, text

from launchplane_lane_contracts.contract import (
    DatabaseName,
    Digest,
    FilestorePath,
    Nonce,
    Person,
    SystemIdentifier,
)
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import PhysicalIdentity
from launchplane_lane_contracts.policy import Policy
from launchplane_lane_contracts.vocabulary import RolloutState
from launchplane_lane_driver.host_directory import HostDirectory
from launchplane_lane_driver.keys import create_signing_key
from launchplane_lane_driver.lane_office import LaneOffice
from launchplane_lane_driver.lane_view import lane_views
from launchplane_lane_driver.store import Store, lanes, policies

ROUNDS = 3
BARE = """
    SELECT p.lane, p.document, l.generation, l.nonce, l.identity, l.filestore_path
      FROM policy_revisions p JOIN lanes l ON l.lane = p.lane ORDER BY p.lane
"""


def lane_number(number: int) -> Lane:
    """One of them."""
    return Lane(product=f"odoo-tenant-{number:05}", context=f"c{number:05}", instance="prod")


def policy_of(number: int, now: datetime) -> Policy:
    """Every second lane is provisional and may be emptied, the others are production."""
    lane = lane_number(number)
    if number % 2:
        return Policy(lane=lane, rollout_state=RolloutState.PRODUCTION)
    return Policy(
        lane=lane,
        rollout_state=RolloutState.PROVISIONAL,
        authoritative_data=False,
        bootstrap_empty_allowed=True,
        provisional_until=now + timedelta(days=60),
    )


def make_host(folder: Path, number: int) -> None:
    """A host with so many lanes, each with a policy and data on record."""
    host, now = HostDirectory.initialise(folder), datetime.now(UTC)
    create_signing_key(host)
    host.configuration_file.write_text(
        "".join(
            f'[[lanes]]\nlane = "{lane_number(each)}"\ndatabase = "c{each:05}"\n'
            f'filestore_path = "/srv/odoo/filestore/c{each:05}"\nguard_command = ["guard"]\n'
            for each in range(number)
        )
    )
    store = Store.open(host.store_url, host.head_file)
    with store._changing() as change:
        for each in range(number):
            digest = Digest(f"{each:064x}")
            policies.record_policy(
                change,
                policy_of(each, now),
                actor=Person("alice"),
                reason_given="as agreed",
                change_digest=digest,
                now=now,
                approvals_used=(),
                replaces=0,
            )
            lane = lane_number(each)
            lanes.take_generation(change.session, lane)
            lanes.record_live_data(
                change.session,
                lane,
                generation=1,
                nonce=Nonce(f"{each:032x}"),
                identity=PhysicalIdentity(
                    system_identifier=SystemIdentifier("7380000000000000001"),
                    database_oid=20000 + each,
                    database_name=DatabaseName(f"c{each:05}"),
                    marker_table_oid=20001,
                ),
                filestore_path=FilestorePath(f"/srv/odoo/filestore/c{each:05}"),
            )
    store.close()


def timed(work: Callable[[], object]) -> float:
    """Seconds of processor time, the best of some rounds."""
    best = float("inf")
    for _round in range(ROUNDS):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def peak_megabytes() -> float:
    """The most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(folder: Path) -> dict[str, float]:
    """One size, in this process."""
    host = HostDirectory.open(folder)
    engine = create_engine(f"sqlite:///{host.store_file}")

    def bare() -> None:
        with engine.connect() as connection, Path("/dev/null").open("w") as out:
            for row in connection.execute(text(BARE)).mappings():
                document = {**row, "document": json.loads(row["document"])}
                out.write(json.dumps(document, sort_keys=True))

    office = LaneOffice.open(host)
    configured = host.lanes()
    before = peak_megabytes()

    def views() -> None:
        with Path("/dev/null").open("wb") as out:
            for view in lane_views(office, look=False):
                out.write(view.model_dump_json().encode())

    def without_json() -> None:
        for _view in lane_views(office, look=False):
            pass

    def configuration() -> None:
        host.lanes()

    def records() -> None:
        names = list(configured)
        for start in range(0, len(names), 200):
            office.store.overviews(names[start : start + 200])

    found = {
        "bare": timed(bare),
        "configuration": timed(configuration),
        "records": timed(records),
        "views": timed(without_json),
        "with_json": timed(views),
        "before": before,
        "peak": peak_megabytes(),
    }
    office.close()
    return found


def row_of(number: int) -> str:
    """One size, as a row of the table."""
    with tempfile.TemporaryDirectory(prefix="lane-views-") as name:
        folder = Path(name) / "host"
        make_host(folder, number)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.lane_views", "--measure", str(folder)],
            check=True,
            capture_output=True,
            text=True,
        )
    found = json.loads(done.stdout)
    decided_and_made = found["views"] - found["records"] - found["configuration"]
    return (
        f"| {number:,} | {found['bare']:.2f} s | {found['configuration']:.2f} s "
        f"| {found['records']:.2f} s | {decided_and_made:.2f} s "
        f"| {found['with_json'] - found['views']:.2f} s | {found['with_json']:.2f} s "
        f"| {found['with_json'] / found['bare']:.0f} | {found['before']:.0f} MB "
        f"| {found['peak']:.0f} MB |"
    )


def main() -> int:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lanes", default="100,1000,10000")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure)))
        return 0
    table = [
        "| lanes | bare query and JSON | configuration | records | decided and made | JSON "
        "| all of it | ratio | memory before | peak |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    table += [row_of(int(each)) for each in given.lanes.split(",")]
    print("\n".join(table))
    if given.markdown:
        given.markdown.write_text("\n".join(table) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
