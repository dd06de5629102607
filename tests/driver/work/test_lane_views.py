"""What is seen of lanes: authority and rebuild sources of those that the project knows by name."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from launchplane_lane_contracts.contract import DatabaseName, FilestorePath
from launchplane_lane_contracts.policy import Policy, UpstreamSource
from launchplane_lane_contracts.read_model import ChoiceView, LaneView, Trust, WarningCode
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    DataSource,
    FilestoreState,
    MarkerState,
    Operation,
    RolloutState,
    RuntimeState,
)
from launchplane_lane_driver.lane_choices import PAIRS
from launchplane_lane_driver.lane_office import utc_now
from launchplane_lane_driver.lane_view import lane_view, lane_views
from tests.driver.small_host import SmallHost, SmallLane, production_policy, untouched

ALWAYS = (DataSource.EXISTING, DataSource.BACKUP_RESTORE, DataSource.KEPT)
FROM_EMPTY = (DataSource.EXISTING, DataSource.EMPTY, DataSource.BACKUP_RESTORE, DataSource.KEPT)
UPSTREAM = UpstreamSource(
    name="opw's old server",
    host="odoo.opw.example.org",
    database=DatabaseName("opw"),
    filestore_path=FilestorePath("/var/lib/odoo/filestore/opw"),
)


def provisional(lane: SmallLane, *, days: float = 60, **more: Any) -> Policy:
    """A lane before its cut-over that may be emptied."""
    return Policy.model_validate(
        {
            "lane": lane.lane,
            "rollout_state": RolloutState.PROVISIONAL,
            "authoritative_data": False,
            "bootstrap_empty_allowed": True,
            "requires_backup_before_destroy": False,
            "requires_restore_proof": False,
            "provisional_until": utc_now() + timedelta(days=days),
            **more,
        }
    )


def view(host: SmallHost, lane: SmallLane) -> LaneView:
    """The lane as it is seen now."""
    return lane_view(host.office, lane.lane)


def codes(choice: ChoiceView) -> set[ReasonCode]:
    """Why not."""
    return {each.code for each in choice.reasons}


def test_lanes_by_name(host: SmallHost) -> None:
    cm, opw, syo, verireel, _new, sparse = (
        host.add_lane(name) for name in ("cm", "opw", "syo", "verireel", "new", "sparse")
    )
    host.record_policy(provisional(cm))
    host.record_policy(
        provisional(opw, restore_from_upstream_allowed=True, upstream_source=UPSTREAM)
    )
    host.record_policy(production_policy(syo.lane))
    host.record_policy(production_policy(verireel.lane))
    host.record_policy(
        Policy.from_plain({"lane": sparse.lane.to_plain(), "rollout_state": "testing"})
    )
    for each in (cm, opw, syo, verireel, sparse):
        host.enrol(each)
    seen = {each.lane.context: each for each in lane_views(host.office)}
    assert list(seen) == ["cm", "new", "opw", "sparse", "syo", "verireel"]
    authority = {name: each.authority.value for name, each in seen.items()}
    assert authority == {
        "cm": False,
        "new": None,
        "opw": False,
        "sparse": True,
        "syo": True,
        "verireel": True,
    }
    sources = {name: each.allowed_sources.value for name, each in seen.items()}
    assert sources == {
        "cm": FROM_EMPTY,
        "new": None,
        "opw": tuple(DataSource),
        "sparse": ALWAYS,
        "syo": ALWAYS,
        "verireel": ALWAYS,
    }
    assert seen["new"].authority.trust is Trust.MISSING
    empty = {name: each.choice(*PAIRS[0]) for name, each in seen.items()}
    assert {name for name, each in empty.items() if each.enabled} == {"cm", "opw"}
    assert codes(empty["new"]) == {ReasonCode.POLICY_UNKNOWN}
    for name in ("sparse", "syo", "verireel"):
        assert codes(empty[name]) >= {
            ReasonCode.SOURCE_NOT_ALLOWED,
            ReasonCode.BACKUP_GATE_MISSING,
        }
        assert all(each.message and each.remedy for each in empty[name].reasons)
    for name in ("syo", "verireel", "cm"):
        assert seen[name].marker.trust is Trust.VERIFIED
        assert seen[name].marker.value is MarkerState.BOUND
        assert seen[name].authority.trust is Trust.VERIFIED
        assert seen[name].filestore.value is FilestoreState.OURS
        assert seen[name].runtime.value is RuntimeState.AGREES
        assert seen[name].locked.value is (name != "cm")
    upstream_choice = (Operation.RESTORE, DataSource.UPSTREAM_RESTORE)
    assert codes(seen["opw"].choice(*upstream_choice)) == {ReasonCode.SOURCE_UNDECLARED}
    assert ReasonCode.SOURCE_NOT_ALLOWED in codes(seen["cm"].choice(*upstream_choice))
    left = seen["cm"].time_left.value
    assert left is not None
    assert timedelta(days=59) < left <= timedelta(days=60)
    assert seen["syo"].time_left.trust is Trust.UNSUPPORTED
    # What the view says of each is what a plan says.
    for lane in (cm, syo):
        for pair in (PAIRS[0], (Operation.RECREATE, DataSource.EXISTING)):
            planned = host.plan(lane, *pair).decision
            choice = view(host, lane).choice(*pair)
            assert (choice.enabled, codes(choice)) == (
                planned.allowed,
                {each.code for each in planned.reasons},
            )


def test_marking_cm_resettable_changes_nothing_for_syo(host: SmallHost) -> None:
    cm, syo = host.add_lane("cm"), host.add_lane("syo")
    host.record_policy(production_policy(syo.lane))
    host.record_policy(production_policy(cm.lane))
    for each in (cm, syo):
        host.enrol(each)

    def without_times(seen: LaneView) -> object:
        plain = seen.to_plain()
        return json.loads(
            json.dumps(plain), object_hook=lambda fact: {**fact, "as_of": 0, "viewed_at": 0}
        )

    before = view(host, syo)
    with untouched(syo):
        host.record_policy(provisional(cm))
        after = view(host, syo)
    assert without_times(after) == without_times(before)
    changed = view(host, cm)
    assert changed.rollout_state.value is RolloutState.PROVISIONAL
    # The marker still says authoritative, so nothing may be done to it yet.
    assert changed.authority.value is True
    assert changed.authority.protected_by == ("marker",)
    assert not changed.choice(*PAIRS[0]).enabled


def test_what_is_kept_and_what_is_unfinished(host: SmallHost, lane: SmallLane) -> None:
    first = host.rebuild(lane)
    held = host.authorize(lane)
    seen = view(host, lane)
    assert seen.unfinished is not None
    assert seen.unfinished.ways_on[0] == f"lane-authority start {held.operation_id}"
    assert ReasonCode.LANE_BUSY in codes(seen.choice(*PAIRS[0]))
    host.operate("start", held.operation_id)
    seen = view(host, lane)
    assert seen.unfinished is not None
    assert seen.unfinished.ways_on == (
        f"lane-authority finish {held.operation_id}",
        f"lane-authority undo {held.operation_id}",
    )
    assert seen.database.value is DatabaseState.ABSENT
    assert seen.locked.trust is seen.marker.trust is Trust.UNSUPPORTED
    older, newer = seen.kept
    assert older.name == first.kept_name
    assert older.release_due.value is not None
    assert newer.release_due.trust is Trust.MISSING
    for each in seen.kept:
        assert each.still_there.value is True
        assert each.size_bytes.value
    lane.execute(f'ALTER DATABASE "{older.name}" RENAME TO lost')
    moved = view(host, lane).kept[0]
    assert (moved.still_there.value, moved.size_bytes.trust) == (False, Trust.MISSING)


def test_what_cannot_be_read_is_missing_and_says_why(host: SmallHost, lane: SmallLane) -> None:
    lane.guard_becomes("echo no such container >&2; exit 1")
    lane.runtime.stop()
    seen = view(host, lane)
    for fact in (seen.database, seen.locked, seen.marker, seen.filestore, seen.runtime):
        assert fact.trust is Trust.MISSING
        assert fact.detail
    assert "no such container" in seen.database.detail
    assert seen.generation.trust is seen.authority.trust is Trust.RECORDED
    assert codes(seen.choice(*PAIRS[0])) >= {
        ReasonCode.DATABASE_UNREADABLE,
        ReasonCode.FILESTORE_UNREADABLE,
        ReasonCode.KEEP_UNUSABLE,
    }


def test_what_is_on_record_alone_asks_nobody(host: SmallHost, lane: SmallLane) -> None:
    lane.guard_becomes(f"touch '{host.folder}/asked'; exit 1")
    asked = len(lane.runtime.questions)
    (seen,) = lane_views(host.office, look=False)
    assert not (host.folder / "asked").exists()
    assert len(lane.runtime.questions) == asked
    assert seen.rollout_state.trust is Trust.RECORDED
    assert (seen.generation.value, seen.generation.trust) == (1, Trust.RECORDED)
    assert seen.database.trust is Trust.MISSING
    assert not seen.choice(*PAIRS[0]).enabled


def test_warnings(host: SmallHost, production: SmallLane) -> None:
    def warned(lane: SmallLane) -> set[WarningCode]:
        seen = view(host, lane)
        assert all(each.message and each.remedy for each in seen.warnings)
        return {each.code for each in seen.warnings}

    assert warned(production) == {WarningCode.SHADOW_MISSING}
    production.execute(f'ALTER DATABASE "{production.database}" IS_TEMPLATE false')
    assert warned(production) == {WarningCode.SHADOW_MISSING, WarningCode.UNLOCKED}
    role = production.cluster.odoo.name
    production.cluster.execute(f"ALTER ROLE {role} SUPERUSER")
    try:
        assert WarningCode.SUPERUSER_ROLE in warned(production)
    finally:
        production.cluster.execute(f"ALTER ROLE {role} NOSUPERUSER")
    cm = host.add_lane("cm")
    host.record_policy(provisional(cm, days=10))
    host.enrol(cm)
    assert warned(cm) == {WarningCode.PROVISIONAL_ENDS_SOON}
    host.record_policy(provisional(cm, days=15))
    assert warned(cm) == set()


def test_a_page_tells_each_reason_once_and_in_full(host: SmallHost, production: SmallLane) -> None:
    done = host.operate("lane", str(production.lane), NO_COLOR="1")
    assert done.code == 0
    assert "\x1b" not in done.stdout
    assert "bootstrap/empty          no: source_not_allowed" in done.stdout
    assert done.stdout.count("\n    Way on: Bring") <= 1
    assert "authority                authoritative (by policy, marker)  (verified" in done.stdout
    plain = json.loads(host.operate("lane", str(production.lane), "--json").stdout)
    assert LaneView.from_plain(plain).lane == production.lane


@pytest.fixture
def several(host: SmallHost) -> Iterator[SmallHost]:
    """A host with three kinds of lanes."""
    for name in ("cm", "opw", "syo"):
        made = host.add_lane(name)
        if name != "opw":
            host.record_policy(provisional(made) if name == "cm" else production_policy(made.lane))
            host.enrol(made)
    yield host


def test_the_table_at_80_and_160_columns_and_in_a_pipe(several: SmallHost) -> None:
    for columns in ("80", "160"):
        done = several.operate("lanes", COLUMNS=columns, NO_COLOR="1")
        assert done.code == 0
        assert "\x1b" not in done.stdout
        table = [line for line in done.stdout.splitlines() if "no shadow" not in line]
        assert max(map(len, table)) <= int(columns)
        for words in (
            "odoo-tenant-opw/opw/prod",
            "provisional, 59 days left",
            "replaceable",
            "authoritative (by policy",
            "unknown: nothing",
            "bound · locked",
        ):
            assert words in done.stdout, (columns, words, done.stdout)
    found = json.loads(several.operate("lanes", "--json").stdout)
    assert [each["lane"]["context"] for each in found] == ["cm", "opw", "syo"]
    assert several.operate("lanes", "--recorded").code == 0


def test_watching_looks_again_until_somebody_has_seen_enough(
    host: SmallHost, lane: SmallLane
) -> None:
    watching = host.command("lane", str(lane.lane), "--json", "--watch", "0.2")
    lines = watching.lines(2)
    watching.interrupt()
    first, second = (json.loads(each) for each in lines)
    assert second["viewed_at"] > first["viewed_at"]
    assert watching.wait().code == 0
