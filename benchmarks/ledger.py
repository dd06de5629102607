"""How many entries the ledger takes and verifies in a second, against bare synced inserts.

    python -m benchmarks.ledger [--entries 500] [--markdown FILE]

Both kinds of store. Beside each stands the same row, inserted and committed by the database's own
driver with the same durability, and read again by it. Taken in turn in one run.
"""

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from launchplane_lane_contracts.lane import Lane
from launchplane_lane_driver.store import Store
from tests.driver.places import new_database_for_a_store
from tests.real.postgres import PrivateCluster

LANE = Lane(product="odoo-tenant-cm", context="cm", instance="prod")
DOCUMENT = {"reasons": ["source_not_allowed", "backup_gate_missing"], "step": "plan", "n": 0}
TABLE = """CREATE TABLE entries (sequence INTEGER PRIMARY KEY, at TEXT, kind TEXT, lane TEXT,
           document TEXT, previous TEXT, digest TEXT)"""
TURNS = 5


@dataclass
class Bare:
    """The database's own driver."""

    execute: Callable[..., Any]
    mark: str
    """How a parameter is written."""
    written: int = 0

    def insert(self) -> None:
        """One row, on the disk afterwards."""
        marks = ", ".join([self.mark] * 7)
        self.written += 1
        row = (self.written, str(datetime.now(UTC)), "noted", str(LANE), f"{DOCUMENT}")
        self.execute("BEGIN")
        statement = f"INSERT INTO entries VALUES ({marks})"  # noqa: S608 - marks alone
        self.execute(statement, (*row, "0" * 64, "0" * 64))
        self.execute("COMMIT")

    def read(self) -> None:
        """All of them, in their order."""
        for _row in self.execute("SELECT * FROM entries ORDER BY sequence").fetchall():
            pass


@contextmanager
def on_sqlite(folder: Path) -> Iterator[tuple[Bare, str]]:
    """A file for the bare rows, and one for the store."""
    bare = sqlite3.connect(folder / "bare.sqlite3", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    yield Bare(bare.execute, "?"), f"sqlite:///{folder / 'store.sqlite3'}"
    bare.close()


@contextmanager
def on_postgresql(_folder: Path) -> Iterator[tuple[Bare, str]]:
    """Two databases on one server that is durable."""
    with PrivateCluster(durable=True) as cluster:
        url = make_url(new_database_for_a_store(cluster)).render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as bare:
            yield Bare(bare.execute, "%s"), new_database_for_a_store(cluster)


def rate(work: Callable[[], object], times: int, things: int = 1) -> float:
    """How many things in a second."""
    began = time.perf_counter()
    for _number in range(times):
        work()
    return times * things / (time.perf_counter() - began)


def row_of(name: str, folder: Path, bare: Bare, url: str, entries: int) -> str:
    """One kind of store."""
    bare.execute(TABLE)
    (folder / "keys").mkdir()
    store = Store.open(url, folder / "keys" / "head.json")

    def append() -> None:
        store.note("benchmark", LANE, DOCUMENT, datetime.now(UTC))

    append()
    best: dict[str, float] = {}
    for _turn in range(TURNS):
        found = {
            "bare": rate(bare.insert, entries // TURNS),
            "append": rate(append, entries // TURNS),
        }
        best = {each: max(best.get(each, 0), found[each]) for each in found}
    count = len(store.ledger_entries())
    read = rate(bare.read, 3, bare.written)
    verify = rate(store.verify_ledger, 3, count)
    store.close()
    return (
        f"| {name} | {best['bare']:,.0f} | {best['append']:,.0f} "
        f"| {best['bare'] / best['append']:.1f} | {read:,.0f} | {verify:,.0f} "
        f"| {best['bare'] / verify:.3f} | {read / verify:.1f} |"
    )


def main() -> int:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=500)
    parser.add_argument("--markdown", type=Path)
    given = parser.parse_args()
    table = [
        "| store | bare synced inserts/s | appends/s | ratio | bare rows read/s "
        "| entries verified/s | ratio to bare inserts | ratio to reading |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, place in (("SQLite", on_sqlite), ("PostgreSQL", on_postgresql)):
        with tempfile.TemporaryDirectory(prefix="lane-ledger-") as made:
            folder = Path(made)
            with place(folder) as (bare, url):
                table.append(row_of(name, folder, bare, url, given.entries))
    print("\n".join(table))
    if given.markdown:
        given.markdown.write_text("\n".join(table) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
