"""Runs `lane-authority` by a clock that is behind: as it was typed so many seconds ago."""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo

from launchplane_lane_driver import command_line

CLOCKS = ("launchplane_lane_driver.lane_office", "launchplane_lane_driver.store.store")
"""Where the driver looks at the clock; the product itself cannot be told another time."""


@contextmanager
def clock_behind(seconds: float) -> Iterator[None]:
    """The host's clock is behind in here; no other clock is."""

    class Behind(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) - timedelta(seconds=seconds)

    modules = [importlib.import_module(name) for name in CLOCKS]
    for module in modules:
        vars(module)["datetime"] = Behind
    try:
        yield
    finally:
        for module in modules:
            vars(module)["datetime"] = datetime


def main(arguments: Sequence[str]) -> int:
    """Run the command after the first argument, which says how many seconds ago."""
    with clock_behind(float(arguments[0])):
        return command_line.main(list(arguments[1:]))
