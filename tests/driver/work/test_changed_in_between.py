"""What changes between two steps is named, and the lane is not touched."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest

from launchplane_lane_contracts.contract import Digest
from launchplane_lane_contracts.errors import BadInput, Busy, Refused
from launchplane_lane_contracts.reasons import Reason, ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, Operation
from launchplane_lane_driver import operations, planning
from launchplane_lane_driver.host_directory import HostDirectory
from launchplane_lane_driver.lane_office import LaneOffice
from tests.driver.small_host import SmallHost, SmallLane, refused, resettable_policy, untouched

Change = Callable[[SmallHost, SmallLane], None]


def renamed(host: SmallHost, lane: SmallLane) -> None:
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO elsewhere')


def made_anew(host: SmallHost, lane: SmallLane) -> None:
    """Dropped by hand and created again: the name is the same, the data is not."""
    lane.execute(f'DROP DATABASE "{lane.database}"')
    lane.make_data("another")


def dropped(host: SmallHost, lane: SmallLane) -> None:
    lane.execute(f'DROP DATABASE "{lane.database}"')


def edited(host: SmallHost, lane: SmallLane) -> None:
    lane.execute("UPDATE launchplane_lane_marker SET generation = 7", lane.database)


def made_authoritative(host: SmallHost, lane: SmallLane) -> None:
    host.record_policy(resettable_policy(lane.lane, bootstrap_empty_allowed=False))


def kept_for_longer(host: SmallHost, lane: SmallLane) -> None:
    host.record_policy(resettable_policy(lane.lane, replaced_kept_for=timedelta(days=30)))


CHANGES: dict[Change, tuple[ReasonCode, ...]] = {
    renamed: (ReasonCode.PLAN_CHANGED, ReasonCode.DATABASE_RENAMED),
    made_anew: (ReasonCode.PLAN_CHANGED, ReasonCode.MARKER_ABSENT),
    dropped: (ReasonCode.PLAN_CHANGED, ReasonCode.DATABASE_MISSING),
    edited: (ReasonCode.PLAN_CHANGED, ReasonCode.MARKER_TAMPERED),
    made_authoritative: (ReasonCode.PLAN_CHANGED, ReasonCode.SOURCE_NOT_ALLOWED),
    kept_for_longer: (ReasonCode.PLAN_CHANGED,),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_after_the_plan_stops_authorize(
    host: SmallHost, lane: SmallLane, change: Change
) -> None:
    digest = host.plan(lane).plan_digest
    change(host, lane)
    with untouched(lane), refused(*CHANGES[change]):
        planning.authorize(host.office, digest)
    assert host.office.store.live_operation(lane.lane) is None


@pytest.mark.parametrize(
    "change",
    [
        made_anew,
        *(pytest.param(each, marks=pytest.mark.full) for each in (renamed, kept_for_longer)),
    ],
    ids=lambda change: change.__name__,
)
def test_a_change_after_authorize_stops_start(
    host: SmallHost, lane: SmallLane, change: Change
) -> None:
    operation = host.authorize(lane)
    change(host, lane)
    with untouched(lane), refused(*CHANGES[change]):
        operations.start(host.office, operation.operation_id)
    assert host.phase(operation) == "authorized"
    assert host.office.store.operation(operation.operation_id).permit_token is None
    assert operations.undo(host.office, operation.operation_id).phase == "aborted"


def told(problem: Refused) -> Reason:
    """The one reason that says what has moved."""
    (found,) = (each for each in problem.reasons if each.code is ReasonCode.PLAN_CHANGED)
    return found


@pytest.mark.parametrize("step", ["authorize", "start"])
def test_each_fact_that_moved_is_named_with_what_it_was_and_what_it_is(
    host: SmallHost, lane: SmallLane, step: str
) -> None:
    planned = host.plan(lane)
    held = planning.authorize(host.office, planned.plan_digest) if step == "start" else None
    old = planned.target.database_oid
    kept_for_longer(host, lane)
    made_anew(host, lane)
    lane.runtime.stop()
    with untouched(lane), pytest.raises(Refused) as caught:
        if held is None:
            planning.authorize(host.office, planned.plan_digest)
        else:
            operations.start(host.office, held.operation_id)
    found = told(caught.value)
    new = host.plan(lane).target.database_oid
    covered, also = found.message.split(" Changed as well, though no signature covers it: ")
    since = "it was authorized" if held else "the plan was reviewed"
    assert covered == (
        f"Since {since}, this has changed: database oid: {old} -> {new}; obligations, keep for: "
        "7 days -> 30 days."
    )
    for words in (
        "policy revision: 1 -> 2",
        "marker: bound -> absent",
        "runtime: agrees -> silent",
        "policy, replaced kept for: 7 days -> 30 days",
        "decision: allowed -> refused (",
    ):
        assert words in also
    assert found.facts["obligations.keep_for"] == "7 days -> 30 days"
    assert found.facts["marker"] == "bound -> absent"


def test_where_only_the_decision_has_changed_the_same_plan_holds_again(
    host: SmallHost, lane: SmallLane
) -> None:
    digest = host.plan(lane).plan_digest
    lane.runtime.stop()
    with untouched(lane), pytest.raises(Refused) as caught:
        planning.authorize(host.office, digest)
    found = told(caught.value)
    assert found.message.startswith("What was signed or reviewed stands as it was")
    assert "runtime: agrees -> silent" in found.message
    assert "this very plan holds again" in found.remedy
    lane.runtime.start()
    assert planning.authorize(host.office, digest).phase == "authorized"


def test_signatures_that_are_still_missing_are_no_change(
    host: SmallHost, production: SmallLane
) -> None:
    planned = host.plan(production)
    assert not planned.decision.allowed
    with untouched(production), pytest.raises(Refused) as caught:
        planning.authorize(host.office, planned.plan_digest)
    assert {each.code for each in caught.value.reasons} == {
        each.code for each in planned.decision.reasons
    }


def test_a_change_between_the_driver_and_the_guard_is_seen_by_the_guard(
    host: SmallHost, lane: SmallLane
) -> None:
    operation = host.authorize(lane)
    server = (
        f"PGPASSWORD='{lane.cluster.odoo.password}' '{lane.cluster.binaries}/psql' -q "
        f"-h {lane.cluster.host} -p {lane.cluster.port} -U {lane.cluster.odoo.name} -d postgres"
    )
    lane.guard_becomes(
        f"""if [ "$1" = begin ]; then {server} -c 'ALTER DATABASE "cm" RENAME TO elsewhere' """
        '>/dev/null 2>&1; fi; exec "$GUARD" "$@"'
    )
    before = lane.data()
    with refused(ReasonCode.READINGS_MOVED, ReasonCode.DATABASE_RENAMED):
        operations.start(host.office, operation.operation_id)
    lane.execute(f'ALTER DATABASE elsewhere RENAME TO "{lane.database}"')
    assert lane.data() == before
    lane.put_guard_back()
    assert operations.start(host.office, operation.operation_id).phase == "begun"


def test_the_digest_covers_what_is_signed_and_nothing_that_moves_by_itself(
    host: SmallHost, lane: SmallLane
) -> None:
    first = host.plan(lane)
    lane.execute("CREATE TABLE big AS SELECT generate_series(1, 200000) n", lane.database)
    second = host.plan(lane)
    assert second.plan_digest == first.plan_digest
    assert (second.size_bytes or 0) > (first.size_bytes or 0)
    assert second.planned_at > first.planned_at
    digests = {first.plan_digest, host.plan(lane, reason="because").plan_digest}
    digests.add(host.plan(lane, Operation.RECREATE, DataSource.EMPTY).plan_digest)
    digests.add(host.plan(lane, Operation.RECREATE, DataSource.EXISTING).plan_digest)
    kept_for_longer(host, lane)
    digests.add(host.plan(lane).plan_digest)
    assert len(digests) == 5
    sources = [host.rebuild(lane, "second").kept_name, host.rebuild(lane, "third").kept_name]
    targets = {
        host.plan(lane, Operation.RESTORE, DataSource.KEPT, kept_database=kept).plan_digest
        for kept in sources
    }
    assert len(targets) == 2
    # The first of all was made for a database that now is kept: it stands for nothing any more.
    with untouched(lane), refused(ReasonCode.PLAN_CHANGED):
        planning.authorize(host.office, first.plan_digest)


def test_of_two_operators_one_wins(host: SmallHost, lane: SmallLane) -> None:
    digests = [host.plan(lane, reason=who).plan_digest for who in ("one", "other")]

    def authorize(digest: Digest) -> str:
        with closing(LaneOffice.open(HostDirectory.open(host.directory))) as office:
            try:
                return planning.authorize(office, digest).phase
            except (Busy, Refused) as problem:
                return problem.reasons[0].code

    with untouched(lane), ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(authorize, digests))
    assert sorted(outcomes) == ["authorized", ReasonCode.LANE_BUSY]
    held = host.office.store.operations(lane.lane)
    assert [each.phase for each in held] == ["authorized"]
    host.office.store.verify_ledger()


def test_an_unknown_digest_is_bad_input(host: SmallHost, lane: SmallLane) -> None:
    with pytest.raises(BadInput):
        planning.authorize(host.office, Digest("0" * 64))
    policy = host.office.store.policy(lane.lane)
    assert policy is not None
    with pytest.raises(BadInput):
        planning.authorize(host.office, policy.change_digest)
