"""How long the content fingerprint takes, against `COPY … TO STDOUT` of the same tables to nowhere.

    python -m benchmarks.fingerprint [--rows 100000,1000000] [--markdown FILE]

Rows are those of each of the two large tables of an invented Odoo: journal items and messages;
beside them a table of two numbers with half as many, as Odoo has for each relation of many to
many. The fingerprint is the guard's command, started as its users start it, with two workers;
against it two `psql` at the same time take table after table. Both run three times in turn, and
the middle time counts. The durable private server is warm: everything was read once before.
"""

import os
import queue
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sizes import database_bytes, lane_of, measure_sizes, timed
from tests.guard.child import PROGRAM
from tests.guard.estate import Estate
from tests.real.postgres import PrivateCluster

WORKERS = 2
ROUNDS = 3

TABLES = {
    "account_move_line": """
        SELECT n AS id, 'INV/2024/' || n AS move_name, n % 5000 AS partner_id, n % 7 AS company_id,
               n % 90 AS account_id, n / 4 AS move_id, 'posted'::varchar AS parent_state,
               (n * 1.37)::numeric(16, 2) AS debit, 0.00::numeric(16, 2) AS credit,
               (n * 1.37)::numeric(16, 2) AS balance, NULL::numeric AS amount_residual,
               date '2024-01-01' + n % 700 AS date, date '2024-01-01' + n % 700 AS date_maturity,
               'Line of an invoice with some words, number ' || n AS name, NULL::varchar AS ref,
               n % 2 = 0 AS reconciled, NULL::integer AS statement_id, NULL::integer AS payment_id,
               jsonb_build_object(n % 30, 100.0) AS analytic_distribution,
               1 AS create_uid, 1 AS write_uid,
               timestamp '2024-01-01' + n * interval '1 second' AS create_date,
               timestamp '2024-01-01' + n * interval '1 second' AS write_date
          FROM generate_series(1, {rows}) n
    """,
    "mail_message": """
        SELECT n AS id, n % 5000 AS res_id, 'account.move'::varchar AS model,
               'notification'::varchar AS message_type, n % 9 AS subtype_id,
               CASE WHEN n % 3 = 0 THEN 'Invoice ' || n END AS subject,
               '<p>' || (SELECT string_agg(md5(n::text || m), ' ')
                           FROM generate_series(1, 1 + n % 16) m) || '</p>' AS body,
               n % 5000 AS author_id, '"Somebody" <somebody@example.com>'::varchar AS email_from,
               '<' || md5(n::text) || '@example.com>' AS message_id, false AS is_internal,
               timestamp '2024-01-01' + n * interval '1 second' AS date,
               1 AS create_uid, 1 AS write_uid,
               timestamp '2024-01-01' + n * interval '1 second' AS create_date,
               timestamp '2024-01-01' + n * interval '1 second' AS write_date
          FROM generate_series(1, {rows}) n
    """,
    "account_tax_line_rel": """
        SELECT n AS account_move_line_id, n % 20 AS account_tax_id
          FROM generate_series(1, {rows} / 2) n
    """,
}


@dataclass(frozen=True)
class Figures:
    """One size, in seconds; memory in bytes."""

    rows: int
    database_bytes: int
    fingerprint: float
    copy: float
    memory: int

    @property
    def ratio(self) -> float:
        """How many times longer the fingerprint takes."""
        return self.fingerprint / self.copy


def fill(lane: Estate, rows: int) -> None:
    """Make the tables."""
    for name, query in TABLES.items():
        lane.execute(f"CREATE TABLE {name} AS {query.format(rows=rows)}", lane.database)
        lane.execute(f"VACUUM ANALYZE {name}", lane.database)
    lane.cluster.execute("CHECKPOINT")


def fingerprint(lane: Estate) -> int:
    """Run the guard as its users do. Gives its peak memory in bytes."""
    arguments = [*PROGRAM, "fingerprint", "--workers", str(WORKERS)]
    running = subprocess.Popen(
        arguments, env=lane.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _process, status, usage = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode != 0:
        raise RuntimeError(f"the guard ended with code {running.returncode}")
    return usage.ru_maxrss * 1024


def copy(lane: Estate) -> None:
    """What `COPY … TO STDOUT > /dev/null` takes, by two `psql` at the same time."""
    tables: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in TABLES:
        tables.put(name)
    failed: list[str] = []

    def work() -> None:
        while not tables.empty():
            name = tables.get()
            ended = subprocess.run(
                ["psql", "-qX", "-c", f"COPY {name} TO STDOUT"],
                stdout=subprocess.DEVNULL,
                env=lane.cluster.environment(lane.cluster.odoo, lane.database),
                check=False,
            )
            if ended.returncode != 0:
                failed.append(name)

    workers = [threading.Thread(target=work) for _number in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failed:
        raise RuntimeError(f"COPY failed for {', '.join(failed)}")


def measure(cluster: PrivateCluster, folder: Path, rows: int) -> Figures:
    """All figures of one size."""
    lane = lane_of(cluster, folder, rows)
    fill(lane, rows)
    size = database_bytes(lane)
    memory: list[int] = []
    ways: dict[str, Callable[[], object]] = {
        "fingerprint": lambda: memory.append(fingerprint(lane)),
        "copy": lambda: copy(lane),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    copy(lane)
    for _round in range(ROUNDS):
        for name, way in ways.items():
            times[name].append(timed(way))
    return Figures(
        rows,
        size,
        fingerprint=statistics.median(times["fingerprint"]),
        copy=statistics.median(times["copy"]),
        memory=max(memory),
    )


def table(figures: list[Figures]) -> str:
    """The figures as a table."""
    lines = [
        "| rows of a table | database | fingerprint | COPY to nowhere | ratio | guard's memory |",
        "|---|---|---|---|---|---|",
    ]
    for each in figures:
        lines.append(
            f"| {each.rows:,} | {each.database_bytes / 1e6:.0f} MB | {each.fingerprint:.2f} s "
            f"| {each.copy:.2f} s | {each.ratio:.1f} | {each.memory / 1e6:.0f} MB |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Measure each size and print the table."""
    return measure_sizes(
        measure,
        table,
        program="benchmarks.fingerprint",
        description=__doc__,
        option="rows",
        unit="rows",
        default="100000,1000000",
        arguments=arguments,
    )


if __name__ == "__main__":
    sys.exit(main())
