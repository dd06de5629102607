"""What benchmarks of databases of several sizes share: a lane of each size, and the clock."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.guard.estate import Estate
from tests.real.postgres import PrivateCluster

Figures = TypeVar("Figures")


def timed(work: Callable[[], object]) -> float:
    """Seconds that something takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def lane_of(cluster: PrivateCluster, folder: Path, size: int) -> Estate:
    """A lane without Odoo, for one size."""
    return Estate(cluster, folder, f"lane{size}", cluster.odoo).make()


def database_bytes(lane: Estate) -> int:
    """How large its database is."""
    ((size,),) = lane.cluster.execute(f"SELECT pg_database_size('{lane.database}')")
    return int(str(size))


def measure_sizes(
    measure: Callable[[PrivateCluster, Path, int], Figures],
    table: Callable[[list[Figures]], str],
    *,
    program: str,
    description: str | None,
    option: str,
    unit: str,
    default: str,
    arguments: list[str] | None,
) -> int:
    """Measure each size that was asked for on one durable server, and print the table."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    parser.add_argument(f"--{option}", default=default, help=f"{unit}, with commas between them")
    parser.add_argument("--markdown", type=Path, help="write the table to this file as well")
    chosen = parser.parse_args(arguments)
    try:
        sizes = [int(size) for size in getattr(chosen, option).split(",")]
    except ValueError:
        parser.error(f"--{option} are whole numbers of {unit}, such as {default}")
    figures: list[Figures] = []
    with (
        tempfile.TemporaryDirectory(prefix="lane-benchmark-") as folder,
        PrivateCluster(durable=True) as cluster,
    ):
        for size in sizes:
            place = Path(folder) / str(size)
            place.mkdir()
            print(f"{size} {unit} ...", file=sys.stderr, flush=True)
            figures.append(measure(cluster, place, size))
    text = table(figures)
    print(text)
    if chosen.markdown is not None:
        chosen.markdown.write_text(text + "\n")
    return 0
