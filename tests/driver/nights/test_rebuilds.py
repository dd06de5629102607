"""Rebuilds by the devkit: the permitted ones to their end, and those that were killed."""

import pytest

from tests.driver.nights.devkit_beside import DevkitBeside
from tests.driver.nights.night import Night, in_order
from tests.driver.small_host import SmallHost, SmallLane, untouched


def test_a_lane_is_filled_from_its_old_server(host: SmallHost, old: DevkitBeside) -> None:
    lane = old.lane
    before = lane.data()
    with Night(host, "A lane is filled from its old server") as night:
        with untouched(lane):
            night.type_all("plan", "authorize DIGEST")
        assert "Kept: opw__kept_g2_recreate" in night.type("start OPERATION")
        assert old.run() == 0, old.said
        # What came carries another place's outgoing mail: it does not settle as it is.
        refused = host.operate("finish", night.known["OPERATION"])
        assert (refused.code, "was not neutralised" in refused.stderr) == (50, True)
        old.neutralise()
        night.type("finish OPERATION")
        assert "generation 2 (verified" in night.type("lane")
    assert (old.whose(), in_order(host, lane)) == ("opw-old", True)
    (kept,) = host.office.store.host_record(lane.lane).kept
    assert lane.kept_data(kept.name) == before


def test_a_lane_begins_from_nothing(host: SmallHost, lane: SmallLane, devkit: DevkitBeside) -> None:
    before = lane.data()
    with Night(host, "A lane begins from nothing") as night:
        night.type_all("plan", "authorize DIGEST", "start OPERATION")
        assert devkit.run("--bootstrap") == 0
        night.type("finish OPERATION")
    assert (devkit.whose(), in_order(host, lane)) == ("cm-layer", True)
    (kept,) = host.office.store.host_record(lane.lane).kept
    assert lane.kept_data(kept.name) == before


def killed(host: SmallHost, old: DevkitBeside, after: str) -> None:
    """A rebuild from the first command on, whose devkit is killed after a step."""
    place = str(old.lane.lane)
    planned = host.operate("plan", place, "recreate/upstream_restore")
    assert planned.code == 0, planned.stdout + planned.stderr
    digest = planned.stdout.split("authorize ")[1].split()[0]
    claimed = host.operate("authorize", digest)
    operation = next(word for word in claimed.stdout.split() if word.startswith("op-"))
    assert host.operate("start", operation).code == 0
    assert old.run(dies_after=after) == 10


@pytest.mark.parametrize(
    "after",
    [*(pytest.param(each, marks=pytest.mark.full) for each in ("drop", "create")), "restore"],
)
def test_a_killed_rebuild_is_done_once_more(host: SmallHost, old: DevkitBeside, after: str) -> None:
    lane = old.lane
    before = lane.data()
    killed(host, old, after)
    with Night(host, "A rebuild was killed half-way: once more") as night:
        assert "recreate/upstream_restore by rita, begun" in night.type("lane")
        night.type("retry OPERATION")
        assert old.run() == 0, old.said
        old.neutralise()
        night.type("finish OPERATION")
    assert (old.whose(), in_order(host, lane)) == ("opw-old", True)
    kept = host.office.store.host_record(lane.lane).kept
    assert before in [lane.kept_data(each.name) for each in kept]
    # Where the first run had made a database, that is kept as well.
    assert len(kept) == (1 if after == "drop" else 2)


@pytest.mark.parametrize(
    "after",
    [*(pytest.param(each, marks=pytest.mark.full) for each in ("drop", "restore")), "create"],
)
def test_a_killed_rebuild_goes_back(host: SmallHost, old: DevkitBeside, after: str) -> None:
    lane = old.lane
    before = lane.data()
    killed(host, old, after)
    with Night(host, "A rebuild was killed half-way: back") as night:
        night.type_all("lane", "undo OPERATION")
        assert "In progress" not in night.type("lane")
    assert (lane.data(), in_order(host, lane)) == (before, True)
    # And the lane can be rebuilt again.
    killed(host, old, after)
