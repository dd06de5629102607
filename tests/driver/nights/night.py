"""One night of the page: its commands are typed one after another, exactly as they stand there."""

import re
from pathlib import Path

from launchplane_lane_contracts.vocabulary import MarkerState
from launchplane_lane_driver.lane_view import lane_view
from tests.driver.small_host import SmallHost, SmallLane
from tests.driver.typed import Typed

PAGE = Path(__file__).parents[3] / "docs" / "nights.md"


def nights() -> dict[str, list[str]]:
    """The commands of each night, by its heading."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        each.splitlines()[0]: re.findall(r"^    (lane-authority .*)$", each, re.MULTILINE)
        for each in sections
    }


class Night(Typed):
    """A context manager; at its end every command of the night must have been typed."""

    def __init__(self, host: SmallHost, heading: str, **known: str) -> None:
        super().__init__(host, nights()[heading], **known)


def in_order(host: SmallHost, lane: SmallLane) -> bool:
    """Whether the lane is settled: marker, files, record, ledger, and every begin has its end."""
    seen = lane_view(host.office, lane.lane)
    host.office.store.verify_ledger()
    begun = sorted(each.name for each in (lane.keep / "begun").glob("*"))
    ended = sorted(each.parent.name for each in (lane.keep / "begun").glob("*/ended"))
    return (
        seen.marker.value is MarkerState.BOUND
        and seen.filestore.value == "ours"
        and seen.unfinished is None
        and begun == ended
    )
