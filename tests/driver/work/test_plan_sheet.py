"""A plan reads like something that one would sign: what, where, how much, how long, and by whom."""

import json
from datetime import timedelta
from typing import Any

import pytest

from launchplane_lane_contracts.approval import Thresholds
from launchplane_lane_contracts.contract import DatabaseName, Digest, FilestorePath
from launchplane_lane_contracts.evidence import DataProof, UpstreamDeclaration
from launchplane_lane_contracts.forecast import Forecast
from launchplane_lane_contracts.policy import UpstreamSource
from launchplane_lane_contracts.vocabulary import DataSource, Operation, RolloutState
from launchplane_lane_driver.commands.words import size_words, took_words
from launchplane_lane_driver.lane_office import utc_now
from launchplane_lane_driver.planning import plan_with_forecast
from launchplane_lane_driver.recording_evidence import record_evidence
from tests.driver.small_host import (
    ANN,
    BEN,
    RITA,
    SmallHost,
    SmallLane,
    resettable_policy,
    untouched,
)


def told(host: SmallHost, lane: SmallLane, *words: Any, **more: Any) -> Forecast:
    """What a plan comes to."""
    with untouched(lane):
        return plan_with_forecast(host.office, host.request(lane, *words, **more))[1]


def held(forecast: Forecast) -> dict[str, bool]:
    """Each guarantee by its first words."""
    return {" ".join(each.words.split()[:3]): each.holds for each in forecast.guarantees}


def sheet(host: SmallHost, lane: SmallLane, request: str, code: int = 0) -> str:
    """The plan as an operator reads it at 80 columns, in one line."""
    with untouched(lane):
        done = host.operate("plan", str(lane.lane), request, COLUMNS="80", NO_COLOR="1")
    assert done.code == code, done.stderr
    assert "\x1b" not in done.stdout
    return " ".join(done.stdout.split())


def test_a_plan_as_it_is_read(host: SmallHost, lane: SmallLane) -> None:
    rebuilt = host.rebuild(lane)
    planned = host.plan(lane)
    words = sheet(host, lane, "bootstrap/empty")
    identity = host.office.store.host_record(lane.lane).identity
    assert identity is not None
    assert planned.size_bytes is not None
    for part in (
        f"BOOTSTRAP of lane {lane.lane} from empty, asked for by rita.",
        f"Database: {lane.database}, oid {identity.database_oid}, generation 2",
        f"cluster {identity.system_identifier}, role {lane.cluster.odoo.name}",
        f"Files: {lane.filestore}",
        f"Acts there: {lane.guard}",
        f"To keep: {size_words(planned.size_bytes)}: the database; its files besides",
        "To copy: 0 bytes: database and files are renamed, whatever their size",
        "To come: unknown: the devkit makes it",
        "Last time: ",
        f"({rebuilt.operation_id})",
        "Nothing is dropped: what stands there is renamed, closed and locked.",
        "It does not hold: - PostgreSQL itself refuses to drop the database until then.",
        "(no backup of it is on record)",
        "Signatures: none is asked for",
        f"Digest: {planned.plan_digest}",
        f"Allowed. Next: lane-authority authorize {planned.plan_digest}",
    ):
        assert part in words, (part, words)
    ends = utc_now() + timedelta(days=7)
    assert f"Kept until: {ends:%Y-%m-%d}" in words


def test_the_same_for_programs(host: SmallHost, lane: SmallLane) -> None:
    first = told(host, lane)
    assert (first.last_operation, first.last_took) == (None, None)
    rebuilt = host.rebuild(lane)
    done = host.operate("plan", str(lane.lane), "bootstrap/empty", "--json")
    forecast = Forecast.from_plain(json.loads(done.stdout)["forecast"])
    assert forecast.last_operation == rebuilt.operation_id
    begun, settled = (
        host.office.store.operation(rebuilt.operation_id).begun_at,
        host.office.store.operation(rebuilt.operation_id).updated_at,
    )
    assert begun is not None
    assert forecast.last_took == settled - begun
    assert forecast.to_keep.count
    assert (forecast.to_copy.count, forecast.to_come.count) == (0, None)
    assert forecast.kept_until is not None
    assert forecast.people.could_approve == (ANN, BEN)
    # Another kind of rebuild was never settled here.
    assert told(host, lane, Operation.RECREATE, DataSource.EMPTY).last_operation is None
    back = told(host, lane, Operation.RESTORE, DataSource.KEPT, kept_database=rebuilt.kept_name)
    assert back.to_come.count
    gone = told(host, lane, Operation.RESTORE, DataSource.KEPT, kept_database="never")
    assert gone.to_come.count is None


def test_data_that_stays_is_neither_kept_nor_brought(host: SmallHost, lane: SmallLane) -> None:
    forecast = told(host, lane, Operation.RECREATE, DataSource.EXISTING)
    assert [each.count for each in (forecast.to_keep, forecast.to_copy, forecast.to_come)] == [
        0,
        0,
        0,
    ]
    assert forecast.kept_until is None
    found = held(forecast)
    assert found["Nothing is dropped"] is True
    assert found["What was there"] is False


def test_a_lane_with_nothing_in_it(host: SmallHost, bare: SmallLane) -> None:
    host.record_policy(resettable_policy(bare.lane))
    bare.execute(f'DROP DATABASE "{bare.database}"')
    for each in sorted(bare.filestore.rglob("*"), reverse=True):
        each.rmdir() if each.is_dir() else each.unlink()
    forecast = told(host, bare)
    assert (forecast.to_keep.count, forecast.kept_until) == (0, None)
    assert held(forecast)["Neither rows nor"] is True


def test_a_lane_that_does_not_answer(host: SmallHost, lane: SmallLane) -> None:
    lane.guard_becomes("exit 1")
    lane.runtime.stop()
    forecast = told(host, lane)
    assert forecast.server.startswith("unknown")
    assert forecast.to_keep.count is None
    found = held(forecast)
    assert found["A signed marker"] is found["A tag says"] is found["The lane's running"] is False


def proven(host: SmallHost, lane: SmallLane) -> None:
    """A backup of what is there is on record, and then its proof."""
    gate = host.gate(lane)
    for each in (
        gate,
        DataProof(
            backup_id=gate.backup_id,
            manifest_digest=gate.manifest_digest,
            proven_at=utc_now(),
        ),
    ):
        record_evidence(host.office, each)


def test_who_must_sign_and_who_could(host: SmallHost, lane: SmallLane) -> None:
    """Protected data that may be emptied does not exist; a kept database may come back."""
    kept = host.rebuild(lane).kept_name
    host.record_policy(
        resettable_policy(
            lane.lane,
            authoritative_data=True,
            bootstrap_empty_allowed=False,
            requires_backup_before_destroy=True,
            requires_restore_proof=True,
            rollout_state=RolloutState.PRODUCTION,
        )
    )
    assert held(told(host, lane))["A backup of"] is False
    proven(host, lane)
    again = (Operation.RESTORE, DataSource.KEPT)
    forecast = told(host, lane, *again, kept_database=kept)
    assert held(forecast)["A backup of"] is True
    assert (forecast.people.approvers_required, forecast.people.requester_signs) == (1, True)
    assert forecast.people.could_approve == (ANN, BEN)
    command = ("plan", str(lane.lane), "restore/kept", "--kept", str(kept), "--reason", "mistake")
    done = host.operate(*command, COLUMNS="80", NO_COLOR="1")
    words = " ".join(done.stdout.split())
    assert done.code == 50
    for part in (
        "RESTORE of lane",
        "Signatures: one approver and the requester rita, who never counts as an approver",
        "Could sign: ann, ben",
        "Signed: nobody yet",
        "REFUSED as long as signatures are missing.",
        "approvals_missing",
    ):
        assert part in words, (part, words)
    digest = Digest(words.split("Digest: ")[1].split()[0])
    host.sign(digest, RITA, ANN)
    done = host.operate(*command, COLUMNS="80", NO_COLOR="1")
    assert done.code == 0
    assert "Signed: ann, rita" in " ".join(done.stdout.split())
    # While the file is not what is on record, nobody's signature counts.
    with host.host.approvers_file.open("a") as file:
        file.write("# a word\n")
    assert told(host, lane).people.could_approve == ()
    assert host.office.thresholds() == Thresholds()


@pytest.mark.parametrize(
    "source_lane", ["opw", *(pytest.param(each, marks=pytest.mark.full) for each in ("syo", None))]
)
def test_what_comes_from_upstream(
    host: SmallHost, lane: SmallLane, source_lane: str | None
) -> None:
    other = host.add_lane("opw")
    source = UpstreamSource(
        name="the old one",
        host="old.example",
        database=DatabaseName("opw"),
        filestore_path=FilestorePath("/old"),
        lane=None
        if source_lane is None
        else other.lane
        if source_lane == "opw"
        else other.lane.model_copy(update={"context": source_lane}),
    )
    host.record_policy(
        resettable_policy(lane.lane, restore_from_upstream_allowed=True, upstream_source=source)
    )
    record_evidence(
        host.office, UpstreamDeclaration(lane=lane.lane, source=source, declared_at=utc_now())
    )
    pair = (Operation.RECREATE, DataSource.UPSTREAM_RESTORE)
    forecast = told(host, lane, *pair)
    if source_lane == "opw":
        assert forecast.to_come.count
        other.guard_becomes("exit 1")
        assert told(host, lane, *pair).to_come.count is None
    else:
        assert forecast.to_come.count is None
        assert forecast.to_come.detail


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (5_300_000, "5.3 MB"),
        (7 * 10**9, "7.0 GB"),
        (1_234_500 * 10**9, "1,234.5 TB"),
    ],
)
def test_sizes(count: int, words: str) -> None:
    assert size_words(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (7260, "2 h 1 min")],
)
def test_how_long_it_took(seconds: float, words: str) -> None:
    assert took_words(timedelta(seconds=seconds)) == words


def test_a_policy_is_not_needed_to_be_told(host: SmallHost, bare: SmallLane) -> None:
    assert host.office.store.policy(bare.lane) is None
    assert held(told(host, bare))["Until it is"] is False
