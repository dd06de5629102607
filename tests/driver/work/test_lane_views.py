"""What is seen of lanes: authority and rebuild sources of those that the project knows by name."""

import json
from collections.abc import Callable, Iterator
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


def possible(seen: LaneView) -> list[str]:
    """The commands that can be given now; each other one says why it cannot."""
    operation = seen.unfinished
    assert operation is not None
    assert [each.command.split()[1] for each in operation.ways_on if not each.words] == []
    commands = [each.command.split() for each in operation.ways_on]
    assert {each[1] for each in commands} == WAYS
    assert {each[2] for each in commands} == {operation.operation_id}
    return [each.command.split()[1] for each in operation.ways_on if each.possible]


WAYS = {"start", "finish", "undo", "retry", "abort", "settle"}


def carried_out(host: SmallHost, lane: SmallLane) -> None:
    """Give every command that is said not to be possible: each refuses, and changes nothing."""
    operation = view(host, lane).unfinished
    assert operation is not None
    with untouched(lane):
        for each in operation.ways_on:
            if not each.possible:
                done = host.operate(*each.command.split()[1:])
                assert done.code == 50, (each.command, done.stdout, done.stderr)
    now = view(host, lane).unfinished
    assert now is not None
    assert now.phase is operation.phase


def test_every_way_on_is_told_and_what_is_not_possible_refuses(
    host: SmallHost, lane: SmallLane
) -> None:
    host.authorize(lane)
    carried_out(host, lane)
    lane.guard_becomes('if [ "$1" = begin ]; then exit 1; fi; exec "$GUARD" "$@"')
    held = host.office.store.live_operation(lane.lane)
    assert held is not None
    assert host.operate("start", held.operation_id).code == 51
    lane.put_guard_back()
    assert possible(view(host, lane)) == ["start", "undo", "retry", "settle"]
    carried_out(host, lane)
    assert host.operate("start", held.operation_id).code == 0
    carried_out(host, lane)
    lane.materialise("half")
    assert possible(view(host, lane)) == ["finish", "undo", "retry"]
    carried_out(host, lane)
    assert host.operate("retry", held.operation_id).code == 0
    assert possible(view(host, lane)) == ["finish", "undo", "retry"]
    carried_out(host, lane)
    assert host.operate("undo", held.operation_id).code == 0
    assert view(host, lane).unfinished is None
    host.begin(lane, Operation.RECREATE, DataSource.EXISTING)
    assert possible(view(host, lane)) == ["finish", "retry", "settle"]
    carried_out(host, lane)


def dies_after(lane: SmallLane, command: str) -> None:
    """The lane's guard carries this command out, and its answer reaches nobody."""
    dies = f'if [ "$1" = {command} ]; then "$GUARD" "$@" >/dev/null; exit 1; fi'
    lane.guard_becomes(f'{dies}; exec "$GUARD" "$@"')


def test_ways_on_where_the_guard_went_further_than_the_host_knows(
    host: SmallHost, lane: SmallLane
) -> None:
    def answer_lost(command: str, *words: str) -> None:
        dies_after(lane, command)
        assert host.operate(*words).code == 51
        lane.put_guard_back()

    # The data stays, and its begin came to its end.
    held = host.authorize(lane, Operation.RECREATE, DataSource.EXISTING).operation_id
    answer_lost("begin", "start", held)
    assert host.office.store.operation(held).phase == "started"
    assert possible(view(host, lane)) == ["start", "finish", "retry", "settle"]
    carried_out(host, lane)
    answer_lost("stamp", "settle", held, "--as-it-stands")
    assert possible(view(host, lane)) == ["finish", "settle"]
    carried_out(host, lane)
    assert host.operate("settle", held, "--as-it-stands").code == 0
    # The data stays, nothing was begun, and it was settled as it stands.
    held = host.authorize(lane, Operation.RECREATE, DataSource.EXISTING).operation_id
    lane.guard_becomes('if [ "$1" = begin ]; then exit 1; fi; exec "$GUARD" "$@"')
    assert host.operate("start", held).code == 51
    answer_lost("stamp", "settle", held, "--as-it-stands")
    assert possible(view(host, lane)) == ["finish", "undo", "settle"]
    carried_out(host, lane)
    assert host.operate("undo", held).code == 0
    assert view(host, lane).marker.value is MarkerState.BOUND
    # Kept data came back, and the host does not know it yet.
    kept = host.rebuild(lane).kept_name
    more = {"kept_database": kept}
    held = host.authorize(lane, Operation.RESTORE, DataSource.KEPT, **more).operation_id
    answer_lost("begin", "start", held)
    assert possible(view(host, lane)) == ["start", "finish", "undo"]
    # It refuses, and takes note of the begin.
    assert host.operate("retry", held).code == 50
    assert host.operate("undo", held).code == 0
    # What was set aside has begun to go back, and did not come far.
    held = host.begin(lane).operation_id
    lane.materialise("new")
    permit = host.office.store.operation(held).permit_id
    (lane.keep / "begun" / str(permit) / "going-back").touch()
    assert possible(view(host, lane)) == ["finish", "undo"]
    carried_out(host, lane)
    assert host.operate("undo", held).code == 0
    # It was given up in the lane before it was begun.
    held = host.authorize(lane).operation_id
    lane.guard_becomes('if [ "$1" = begin ]; then exit 1; fi; exec "$GUARD" "$@"')
    assert host.operate("start", held).code == 51
    answer_lost("undo", "undo", held)
    assert possible(view(host, lane)) == ["undo", "retry", "settle"]
    carried_out(host, lane)
    assert host.operate("undo", held).code == 0
    assert view(host, lane).unfinished is None


def test_an_unfinished_restore_of_kept_data(host: SmallHost, lane: SmallLane) -> None:
    kept = host.rebuild(lane).kept_name
    host.begin(lane, Operation.RESTORE, DataSource.KEPT, kept_database=kept)
    assert possible(view(host, lane)) == ["finish", "undo"]
    carried_out(host, lane)
    told = host.operate("lane", str(lane.lane), COLUMNS="80", NO_COLOR="1").stdout
    assert "Not now: lane-authority retry op-" in told
    assert "the kept data stands under the name already" in told


def test_what_is_kept_and_what_is_unfinished(host: SmallHost, lane: SmallLane) -> None:
    first = host.rebuild(lane)
    held = host.authorize(lane)
    seen = view(host, lane)
    assert seen.unfinished is not None
    assert possible(seen) == ["start", "undo", "abort"]
    assert seen.unfinished.lapses_at == held.created_at + timedelta(hours=24)
    assert ReasonCode.LANE_BUSY in codes(seen.choice(*PAIRS[0]))
    host.operate("start", held.operation_id)
    seen = view(host, lane)
    assert seen.unfinished is not None
    assert possible(seen) == ["finish", "undo", "retry", "abort"]
    assert seen.unfinished.lapses_at is None
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
    production.runtime.lie = lambda reading: reading.model_copy(update={"neutralised": True})
    assert WarningCode.NEUTRALISED in warned(production)
    production.runtime.lie = None
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
    for loaded, said in ((False, {WarningCode.QUARANTINE_NOT_LOADED}), (True, set())):
        cm.runtime.lie = lambda reading, loaded=loaded: reading.model_copy(
            update={"quarantine_loaded": loaded}
        )
        assert warned(cm) == said


def edited(lane: SmallLane) -> None:
    lane.execute("UPDATE launchplane_lane_marker SET generation = 7", lane.database)


def copied(lane: SmallLane) -> None:
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO original')
    lane.execute(f'CREATE DATABASE "{lane.database}" TEMPLATE original')


def foreign(lane: SmallLane) -> None:
    """Another lane's database stands under the name."""
    lane.execute(f'DROP DATABASE "{lane.database}"')
    lane.execute(f'CREATE DATABASE "{lane.database}" TEMPLATE opw')


@pytest.mark.parametrize(
    ("damage", "state", "way"),
    [
        pytest.param(edited, MarkerState.TAMPERED, "lane-authority adopt", marks=pytest.mark.full),
        (copied, MarkerState.COPIED, "lane-authority adopt"),
        pytest.param(
            foreign,
            MarkerState.FOREIGN,
            "put this lane's own database back",
            marks=pytest.mark.full,
        ),
    ],
)
def test_an_odoo_on_such_data_must_hold_still(
    host: SmallHost,
    lane: SmallLane,
    damage: Callable[[SmallLane], None],
    state: MarkerState,
    way: str,
) -> None:
    other = host.add_lane("opw")
    host.record_policy(provisional(other))
    host.enrol(other)
    damage(lane)
    seen = view(host, lane)
    assert seen.marker.value is state
    (warning,) = (each for each in seen.warnings if each.code is WarningCode.QUARANTINED)
    assert "no mail" in warning.message
    assert way in warning.remedy
    assert WarningCode.QUARANTINED not in {each.code for each in view(host, other).warnings}


def test_data_that_is_not_settled_or_older_must_hold_still(
    host: SmallHost, lane: SmallLane
) -> None:
    rebuilt = host.rebuild(lane)
    held = host.begin(lane)
    lane.materialise()
    lane.runtime.stop()
    # The guard's part is done; nobody has confirmed what came.
    assert host.operate("finish", held.operation_id, "--wait", "0").code == 50
    seen = view(host, lane)
    assert seen.marker.value is MarkerState.PENDING
    (warning,) = (each for each in seen.warnings if each.code is WarningCode.QUARANTINED)
    assert held.operation_id in warning.remedy
    lane.runtime.start()
    assert host.operate("finish", held.operation_id).code == 0
    assert view(host, lane).warnings == ()
    # Somebody puts a kept database in the place of the present one.
    name = rebuilt.kept_name
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO newest')
    lane.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
    lane.execute(f'ALTER DATABASE "{name}" RENAME TO "{lane.database}"')
    seen = view(host, lane)
    assert seen.marker.value is MarkerState.ROLLED_BACK
    assert WarningCode.QUARANTINED in {each.code for each in seen.warnings}


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
        assert max(map(len, done.stdout.splitlines())) <= int(columns)
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


def test_a_page_at_80_columns_in_a_pipe(host: SmallHost, production: SmallLane) -> None:
    production.execute(f'ALTER DATABASE "{production.database}" IS_TEMPLATE false')
    done = host.operate("lane", str(production.lane), COLUMNS="80", NO_COLOR="1")
    assert (done.code, "\x1b" in done.stdout) == (0, False)
    # Only what cannot be broken is wider: a path, a name, a digest.
    wide = [line for line in done.stdout.splitlines() if len(line) > 80]
    assert all(len(line.split()) <= 2 for line in wide), wide
    words = " ".join(done.stdout.split())
    for seen in view(host, production).warnings:
        assert " ".join(seen.message.split()) in words


def test_watching_looks_again_until_somebody_has_seen_enough(
    host: SmallHost, lane: SmallLane
) -> None:
    watching = host.command("lane", str(lane.lane), "--json", "--watch", "0.2")
    lines = watching.lines(2)
    watching.interrupt()
    first, second = (json.loads(each) for each in lines)
    assert second["viewed_at"] > first["viewed_at"]
    assert watching.wait().code == 0
