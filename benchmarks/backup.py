"""How long a backup and its proof take, against bare `pg_dump`, a copy of the files, `pg_restore`.

    python -m benchmarks.backup [--rows 100000,1000000] [--bare] [--markdown FILE]

Rows are those of each of the two large tables of `benchmarks.fingerprint`, with the keys and the
indexes that Odoo puts on such columns (`--bare` leaves them out, which makes a restore cheaper
than any of Odoo's is); for every 200 of them there is one attachment of 50 kB. The guard's
`capture` and `prove` are started as their users start them, with two workers. Against the one
stand `pg_dump -Fd -j2` and then `cp -r` of the files, against the other `createdb` and
`pg_restore -j2` of the same dump. Each runs three times in turn, and the middle time counts. All
write to memory, so that no disk stands between. No registry is loaded: that takes what Odoo takes.
"""

import functools
import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fingerprint import fill
from benchmarks.sizes import database_bytes, lane_of, measure_sizes, timed
from tests.backups.places import folder_in_memory
from tests.guard.attachments import forget_odd_names
from tests.guard.child import PROGRAM
from tests.guard.estate import Estate
from tests.real.postgres import PrivateCluster

WORKERS = 2
ROUNDS = 3
ROWS_OF_A_FILE = 200
BYTES_OF_A_FILE = 50_000
BARE = "--bare"
KEYS = {
    "account_move_line": "id",
    "mail_message": "id",
    "account_tax_line_rel": "account_move_line_id, account_tax_id",
}
INDEXES = {
    "account_move_line": (
        "move_id",
        "company_id",
        "move_name",
        "date_maturity",
        "payment_id) WHERE (payment_id IS NOT NULL",
        "statement_id) WHERE (statement_id IS NOT NULL",
        "partner_id, ref",
        "date DESC, move_name DESC, id",
        "account_id, partner_id) WHERE (reconciled IS NOT TRUE",
        "account_id, date",
    ),
    "mail_message": ("subtype_id", "author_id", "message_id", "model, res_id", "model, res_id, id"),
    "account_tax_line_rel": ("account_tax_id, account_move_line_id",),
}
"""Those of Odoo 19, as far as the columns are there."""


@dataclass(frozen=True)
class Figures:
    """One size, in seconds; memory in bytes."""

    rows: int
    database_bytes: int
    capture: float
    dump_and_copy: float
    prove: float
    restore: float
    capture_memory: int
    prove_memory: int


def attach(lane: Estate, count: int) -> None:
    """Files that can't be compressed, and the rows that name them."""
    numbers = random.Random(count)  # noqa: S311
    names = []
    for _number in range(count):
        content = numbers.randbytes(BYTES_OF_A_FILE)
        digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        path = lane.filestore / digest[:2] / digest
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        names.append(f"('{digest[:2]}/{digest}')")
    values = ", ".join(names)
    statement = f"INSERT INTO ir_attachment (store_fname) VALUES {values}"  # noqa: S608 - digests
    lane.execute(statement, lane.database)


def index(lane: Estate) -> None:
    """Give the tables their keys and indexes."""
    for table, key in KEYS.items():
        lane.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({key})", lane.database)
        for columns in INDEXES[table]:
            lane.execute(f"CREATE INDEX ON {table} ({columns})", lane.database)


def guard(lane: Estate, *arguments: str) -> tuple[dict[str, object], int]:
    """Run the guard; its answer and its peak memory in bytes."""
    running = subprocess.Popen(
        [*PROGRAM, *arguments, "--workers", str(WORKERS)],
        env={**lane.environment(), "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert running.stdout is not None
    told = running.stdout.read()
    _process, status, usage = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode != 0:
        raise RuntimeError(f"the guard ended with code {running.returncode}: {told.decode()}")
    result: dict[str, object] = json.loads(told)["result"]
    return result, usage.ru_maxrss * 1024


def program(lane: Estate, database: str, *command: str) -> None:
    """Run one of PostgreSQL's programs as the lane's role."""
    subprocess.run(
        [str(lane.cluster.binaries / command[0]), *command[1:]],
        check=True,
        env=lane.cluster.environment(lane.cluster.odoo, database),
    )


def dump_and_copy(lane: Estate, folder: Path) -> None:
    """The bare way to have a copy."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    program(lane, lane.database, "pg_dump", "-Fd", "-j", str(WORKERS), "-f", str(folder / "dump"))
    subprocess.run(["cp", "-r", lane.filestore, folder / "filestore"], check=True)


def restore(lane: Estate, folder: Path) -> None:
    """The bare way to have it back."""
    program(lane, "postgres", "createdb", "-T", "template0", "bare")
    program(lane, "bare", "pg_restore", "--no-owner", "-j", str(WORKERS), "-d", "bare", str(folder))


def measure(cluster: PrivateCluster, folder: Path, rows: int, *, bare: bool = False) -> Figures:
    """All figures of one size."""
    lane = lane_of(cluster, folder, rows)
    forget_odd_names(lane)
    fill(lane, rows)
    if not bare:
        index(lane)
    attach(lane, rows // ROWS_OF_A_FILE)
    lane.enrol()
    size = database_bytes(lane)
    memory: dict[str, list[int]] = {"capture": [], "prove": []}
    with folder_in_memory() as backups, folder_in_memory() as other:
        where = ("--backups", str(backups))
        captured: list[str] = []

        def capture() -> None:
            for each in captured:
                shutil.rmtree(backups / each)
            captured.clear()
            answer, used = guard(lane, "capture", *where)
            gate = answer["gate"]
            assert isinstance(gate, dict)
            captured.append(gate["backup_id"])
            memory["capture"].append(used)

        def prove() -> None:
            memory["prove"].append(guard(lane, "prove", *where, captured[0])[1])

        ways: dict[str, Callable[[], object]] = {
            "capture": capture,
            "dump_and_copy": lambda: dump_and_copy(lane, other / "copy"),
            "prove": prove,
            "restore": lambda: restore(lane, other / "copy" / "dump"),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        dump_and_copy(lane, other / "copy")
        for _round in range(ROUNDS):
            for name, way in ways.items():
                times[name].append(timed(way))
            lane.cluster.execute("DROP DATABASE bare")
    middle = {name: statistics.median(each) for name, each in times.items()}
    return Figures(
        rows,
        size,
        **middle,
        capture_memory=max(memory["capture"]),
        prove_memory=max(memory["prove"]),
    )


def table(figures: list[Figures]) -> str:
    """The figures as a table."""
    lines = [
        "| rows of a table | database | capture | dump and copy | ratio | prove | pg_restore "
        "| ratio | guard's memory |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for each in figures:
        memory = max(each.capture_memory, each.prove_memory)
        lines.append(
            f"| {each.rows:,} | {each.database_bytes / 1e6:.0f} MB | {each.capture:.1f} s "
            f"| {each.dump_and_copy:.1f} s | {each.capture / each.dump_and_copy:.1f} "
            f"| {each.prove:.1f} s | {each.restore:.1f} s | {each.prove / each.restore:.1f} "
            f"| {memory / 1e6:.0f} MB |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Measure each size and print the table."""
    given = sys.argv[1:] if arguments is None else arguments
    bare = BARE in given
    return measure_sizes(
        functools.partial(measure, bare=bare),
        table,
        program="benchmarks.backup",
        description=__doc__,
        option="rows",
        unit="rows",
        default="100000,1000000",
        arguments=[each for each in given if each != BARE],
    )


if __name__ == "__main__":
    sys.exit(main())
