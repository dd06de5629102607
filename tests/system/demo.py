"""`make demo`: the main job on real Odoo and real PostgreSQL.

`--headless` ends when the morning is over; otherwise two Odoos stay up to be looked at.
"""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from tests.real.cache import CACHE_VARIABLE
from tests.real.debian import provide
from tests.real.errors import RealPartMissing
from tests.real.odoo import MIRROR_VARIABLE
from tests.real.processes import STEERING_NAMES, STEERING_PREFIXES
from tests.system.estate import CM, SYO, Estate
from tests.system.morning import Morning, NotAsPromised
from tests.system.narrator import Narrator


def main(arguments: list[str] | None = None) -> int:
    """Play the morning. 0 when everything was as promised."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--headless", action="store_true", help="do not stay up at the end")
    parser.add_argument("--report", type=Path, help="write the facts that were read to this file")
    chosen = parser.parse_args(arguments)
    # Even where the caller had it ignored, as shells do for what runs in the background.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    _forget_what_steers()
    narrator = Narrator()
    began = time.monotonic()
    try:
        provide()
        with Estate() as estate:
            morning = Morning(estate, narrator)
            report = {name: step() for name, step in morning.steps()}
            if chosen.report is not None:
                report["processes"] = {"folder": str(estate.folder)}
                chosen.report.write_text(json.dumps(report, indent=1, default=str))
            narrator.tell(f"all as promised, after {time.monotonic() - began:.0f} s")
            if not chosen.headless:
                _stay(estate, narrator)
    except (RealPartMissing, NotAsPromised, RuntimeError) as problem:
        print(f"\nThe demo stopped: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.", file=sys.stderr)
        return 130
    return 0


def _stay(estate: Estate, narrator: Narrator) -> None:
    narrator.heading("Look for yourself: Settings → General Settings → Launchplane lane")
    for lane in (CM, SYO):
        address = estate.runtimes[lane].address
        narrator.tell(f"{lane}: {address}/odoo/settings   login admin, password admin")
    narrator.tell("Ctrl-C ends it and leaves nothing running")
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        narrator.tell("stopping")


def _forget_what_steers() -> None:
    """The demo reaches nothing but what it starts itself, whatever its caller has set."""
    for name in list(os.environ):
        ours = name.startswith("LANE_AUTHORITY_") and name not in (CACHE_VARIABLE, MIRROR_VARIABLE)
        if ours or name.startswith(STEERING_PREFIXES) or name in STEERING_NAMES:
            del os.environ[name]


def _end(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
