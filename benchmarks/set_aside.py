"""How long setting data aside and putting it back takes, against dumping and restoring it.

    python -m benchmarks.set_aside [--sizes 10,500] [--markdown FILE]

Sizes are megabytes of database. Everything runs on one private PostgreSQL server of its own, with
durable settings. `begin` and `undo` are the real guard, started as its users start it, on an
enrolled lane without Odoo; beside them `pg_dump -Fc`, drop and `pg_restore` of the same data.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sizes import database_bytes, lane_of, measure_sizes, timed
from launchplane_lane_contracts.contract import Nonce
from launchplane_lane_contracts.naming import REMAINS, kept_name
from launchplane_lane_contracts.orders import Permit, UndoOrder
from tests.guard import child
from tests.guard.estate import Estate
from tests.real.postgres import PrivateCluster

ROWS_OF_ONE_MEGABYTE = 1024
FILES_OF_ONE_MEGABYTE = 4
BYTES_OF_A_FILE = 64 * 1024


@dataclass(frozen=True)
class Figures:
    """One size, in seconds."""

    megabytes: int
    database_bytes: int
    begin: float
    undo: float
    dump: float
    drop: float
    restore: float

    @property
    def ratio(self) -> float:
        """How many times longer dump, drop and restore take than begin and undo."""
        return (self.dump + self.drop + self.restore) / (self.begin + self.undo)


def fill(lane: Estate, megabytes: int) -> None:
    """Rows that do not pack well, an index over them, and files."""
    rows = megabytes * ROWS_OF_ONE_MEGABYTE
    statement = (
        "CREATE TABLE account_move (id serial PRIMARY KEY, name text, body text);"
        "INSERT INTO account_move (name, body) "
        "SELECT 'INV/' || n, string_agg(md5(n::text || m), '')"
        "  FROM generate_series(1, {rows}) n, generate_series(1, 28) m GROUP BY n;"
        "CREATE INDEX ON account_move (name)"
    ).replace("{rows}", str(rows))
    lane.execute(statement, lane.database)
    lane.cluster.execute("CHECKPOINT")
    for number in range(megabytes * FILES_OF_ONE_MEGABYTE):
        path = lane.filestore / f"{number % 256:02x}" / f"{number:040x}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(os.urandom(BYTES_OF_A_FILE))


def guard(lane: Estate, command: str, token: str) -> None:
    """Run the guard as its users do. Raises RuntimeError when it does not do it."""
    answer = child.run_program([command, "--order", "-"], token.encode(), lane.environment())
    if answer.exit_code != 0:
        raise RuntimeError(f"{command}: {answer.words}")


def undo_order(lane: Estate, permit: Permit) -> UndoOrder:
    """The order that puts back what a permit's begin set aside."""
    return UndoOrder(
        lane=permit.lane,
        nonce=Nonce(f"undo-{permit.nonce}"),
        database=permit.database,
        filestore_path=permit.filestore_path,
        issued_at=permit.issued_at,
        begin_before=permit.begin_before,
        rulebook_version=permit.rulebook_version,
        permit_id=permit.permit_id,
        remains_name=kept_name(permit.database, permit.generation, REMAINS, permit.permit_id),
        generation=lane.new_generation(),
    )


def measure(cluster: PrivateCluster, folder: Path, megabytes: int) -> Figures:
    """All figures of one size."""
    lane = lane_of(cluster, folder, megabytes)
    fill(lane, megabytes)
    lane.enrol()
    size = database_bytes(lane)
    permit = lane.permit()
    begin = timed(lambda: guard(lane, "begin", lane.sign(permit)))
    order = undo_order(lane, permit)
    undo = timed(lambda: guard(lane, "undo", lane.sign(order)))
    dump = folder / "dump"

    def client(*arguments: str) -> None:
        subprocess.run(arguments, check=True, env=cluster.environment(cluster.odoo, lane.database))

    def restore() -> None:
        client("createdb", "--maintenance-db=postgres", "-T", "template0", lane.database)
        client("pg_restore", "-d", lane.database, str(dump))

    return Figures(
        megabytes,
        size,
        begin,
        undo,
        dump=timed(lambda: client("pg_dump", "-Fc", "-f", str(dump), lane.database)),
        drop=timed(lambda: client("dropdb", "--maintenance-db=postgres", lane.database)),
        restore=timed(restore),
    )


def table(figures: list[Figures]) -> str:
    """The figures as a table."""
    lines = [
        "| asked for | database | begin | undo | pg_dump | dropdb | pg_restore | ratio |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in figures:
        seconds = (each.begin, each.undo, each.dump, each.drop, each.restore)
        lines.append(
            f"| {each.megabytes} MB | {each.database_bytes / 1e6:.0f} MB | "
            + " | ".join(f"{value:.2f} s" for value in seconds)
            + f" | {each.ratio:.0f} |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Measure each size and print the table."""
    return measure_sizes(
        measure,
        table,
        program="benchmarks.set_aside",
        description=__doc__,
        option="sizes",
        unit="megabytes",
        default="10,500",
        arguments=arguments,
    )


if __name__ == "__main__":
    sys.exit(main())
