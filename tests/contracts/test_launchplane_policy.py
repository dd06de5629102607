"""Launchplane's record and our policy: read, refused with every contradiction, and written."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from launchplane_lane_contracts.contract import DatabaseName, FilestorePath
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.launchplane_file import profile_lanes, read_profile
from launchplane_lane_contracts.launchplane_policy import translate, write_as_launchplane
from launchplane_lane_contracts.launchplane_record import LaneMapping, LaunchplaneLane
from launchplane_lane_contracts.mistakes import Mistakes
from launchplane_lane_contracts.policy import Policy, ProviderTarget, UpstreamSource
from launchplane_lane_contracts.vocabulary import RolloutState
from tests.standins.launchplane_records import LaneProfile

from .cases import LANE, TARGET, UPSTREAM, changed
from .named_lanes import CM, OPW, SPARSE, SYO

SWITCH: dict[str, Any] = {
    "enabled": True,
    "approval_issue_url": "https://forge.example/1",
    "data_source_mode": "empty",
    "confirmation": "a phrase",
    "expected_target_name": "cm-prod",
    "expected_domains": ["cm.example"],
}
PROFILE: dict[str, Any] = {
    "product": "odoo-tenant-cm",
    "display_name": "CM",
    "repository": "example/odoo-tenant-cm",
    "driver_id": "odoo",
    "lanes": [
        {
            "instance": "prod",
            "context": "cm",
            "base_url": "https://cm.example",
            "health_url": "https://cm.example/launchplane/health",
            "health_monitoring": {"monitoring_intent": "prelaunch"},
            "odoo_data_policy": {
                "data_authority": "resettable",
                "allowed_rebuild_sources": ["empty"],
                "upstream_source": "",
                "requires_backup_before_destroy": False,
                "requires_restore_proof": False,
                "requires_runtime_identity": True,
            },
            "odoo_stable_bootstrap": SWITCH,
            "odoo_prelaunch_rebuild": {"enabled": False},
        }
    ],
}
MAPPING: dict[str, Any] = {
    "lane": LANE.to_plain(),
    "rollout_state": "provisional",
    "provisional_until": "2027-01-31T00:00:00Z",
    "target_id": "app-1",
}
MAPPING_FILE = """\
[[lanes]]
lane = "odoo-tenant-cm/cm/prod"
rollout_state = "provisional"
provisional_until = 2027-01-31T00:00:00Z
target_id = "app-1"
"""


def changed_lane(path: str, value: Any) -> dict[str, Any]:
    """The profile with one fact of its lane replaced."""
    profile: dict[str, Any] = json.loads(json.dumps(PROFILE))
    inner: Any = profile["lanes"][0]
    *steps, last = path.split(".")
    for step in steps:
        inner = inner[step]
    inner[last] = value
    return profile


def read(profile: Any, mapping: str = MAPPING_FILE, **more: Any) -> tuple[Policy, ...]:
    """The policies of a profile."""
    found = read_profile(json.dumps(profile, indent=1).encode(), mapping.encode(), **more)
    return tuple(each.policy for each in found)


def mistakes(profile: Any, mapping: str = MAPPING_FILE, **more: Any) -> list[str]:
    """Every mistake, as people read it."""
    with pytest.raises(Mistakes) as caught:
        read(profile, mapping, **more)
    return [str(each) for each in caught.value.mistakes]


def record_of(profile: dict[str, Any]) -> LaunchplaneLane:
    """The record of a profile's first lane."""
    plain = {name: each for name, each in profile["lanes"][0].items() if name.startswith("odoo_")}
    return LaunchplaneLane.from_plain({**plain, "lane": LANE.to_plain()})


def test_a_record_that_makes_sense() -> None:
    (policy,) = read(PROFILE)
    assert policy == Policy(
        lane=LANE,
        rollout_state=RolloutState.PROVISIONAL,
        authoritative_data=False,
        bootstrap_empty_allowed=True,
        requires_backup_before_destroy=False,
        requires_restore_proof=False,
        provisional_until=datetime(2027, 1, 31, tzinfo=UTC),
        provider_target=ProviderTarget(target_id="app-1", name="cm-prod", domains=("cm.example",)),
    )


def test_the_original_is_kept() -> None:
    (found,) = read_profile(json.dumps(PROFILE).encode(), MAPPING_FILE.encode())
    assert LaunchplaneLane.from_json(found.original) == record_of(PROFILE)
    assert '"confirmation":"a phrase"' in found.original


def test_the_record_is_one_that_launchplane_takes() -> None:
    LaneProfile.model_validate(PROFILE["lanes"][0])
    for policy in (CM, OPW, SYO, SPARSE):
        record = write_as_launchplane(policy).record
        plain = {**record.to_plain(), "instance": "prod", "context": "cm"}
        del plain["lane"]
        LaneProfile.model_validate_json(json.dumps(plain))


@pytest.mark.parametrize("intent", ["public", "private", "prelaunch"])
def test_nothing_is_inferred_from_who_sees_it(intent: str) -> None:
    profile = changed_lane("health_monitoring.monitoring_intent", intent)
    assert read(profile) == read(PROFILE)
    assert read(changed_lane("colour", "red")) == read(PROFILE)


def test_nothing_is_inferred_from_a_name() -> None:
    for instance in ("testing", "production"):
        profile = changed_lane("instance", instance)
        (policy,) = read(profile, MAPPING_FILE.replace("/prod", f"/{instance}"))
        (original,) = read(PROFILE)
        assert policy.to_plain() == {**original.to_plain(), "lane": policy.lane.to_plain()}
        assert f"lane odoo-tenant-cm/cm/{instance} is missing" in mistakes(profile)[0]


CONTRADICTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"data_authority": "authoritative"}, "allowed_rebuild_sources", "authoritative data may be"),
    (
        {"data_authority": "authoritative"},
        "requires_backup_before_destroy",
        "authoritative data demands requires_backup",
    ),
    ({"data_authority": "authoritative"}, "requires_restore_proof", "authoritative data demands"),
    ({"data_authority": "unknown"}, "data_authority", "nobody has said what the data is worth"),
    ({"data_authority": "unknown"}, "allowed_rebuild_sources", "unknown data may be rebuilt"),
    ({"data_authority": "lost"}, "data_authority", "there is no such word"),
    ({"allowed_rebuild_sources": []}, "allowed_rebuild_sources", "must list empty"),
    ({"allowed_rebuild_sources": ["empty", "empty"]}, "allowed_rebuild_sources", "listed twice"),
    ({"allowed_rebuild_sources": ["kept"]}, "allowed_rebuild_sources[0]", "no such word"),
    ({"data_authority": "restorable"}, "allowed_rebuild_sources", "must list upstream_restore"),
    (
        {"allowed_rebuild_sources": ["empty", "upstream_restore"]},
        "upstream_source",
        "no source is named",
    ),
    ({"requires_runtime_identity": False}, "requires_runtime_identity", "only be off for testing"),
    ({"colour": "red"}, "colour", "there is no such field"),
]


@pytest.mark.parametrize(("facts", "field", "words"), CONTRADICTIONS)
def test_a_contradiction_is_named(facts: dict[str, Any], field: str, words: str) -> None:
    data = {**PROFILE["lanes"][0]["odoo_data_policy"], **facts}
    told = mistakes(changed_lane("odoo_data_policy", data))
    place = f"lanes[0].odoo_data_policy.{field}: "
    assert any(place in each and words in each and each.startswith("line ") for each in told), told


def test_every_contradiction_is_named_at_once() -> None:
    data = {**PROFILE["lanes"][0]["odoo_data_policy"], "data_authority": "authoritative"}
    profile = changed_lane("odoo_data_policy", {**data, "requires_runtime_identity": False})
    mapping = MAPPING_FILE.replace('target_id = "app-1"', 'upstream_text = "x"')
    with pytest.raises(Mistakes) as caught:
        read(profile, mapping)
    data_policy = "lanes[0].odoo_data_policy"
    assert sorted({each.path for each in caught.value.mistakes}) == [
        f"{data_policy}.allowed_rebuild_sources",
        f"{data_policy}.requires_backup_before_destroy",
        f"{data_policy}.requires_restore_proof",
        f"{data_policy}.requires_runtime_identity",
        "lanes[0].odoo_stable_bootstrap.data_source_mode",
        f"mapping.target_id ({LANE})",
        f"mapping.upstream_text ({LANE})",
    ]


@pytest.mark.parametrize(
    ("block", "facts", "words"),
    [
        ("odoo_stable_bootstrap", {"data_source_mode": "existing"}, "may not be rebuilt from"),
        ("odoo_stable_bootstrap", {"data_source_mode": ""}, "may not be rebuilt from"),
        ("odoo_prelaunch_rebuild", {"data_source_mode": "upstream_restore"}, "may not be rebuilt"),
        ("odoo_prelaunch_rebuild", {"data_source_mode": ""}, "may not be rebuilt"),
        ("odoo_prelaunch_rebuild", {"expected_target_name": "cm-test"}, "another target"),
        ("odoo_prelaunch_rebuild", {"expected_domains": ["x.example"]}, "another target or other"),
        ("odoo_stable_bootstrap", {"expected_target_name": ""}, "domains are given"),
        ("odoo_stable_bootstrap", {"colour": 1}, "there is no such field"),
    ],
)
def test_a_switch_that_contradicts(block: str, facts: dict[str, Any], words: str) -> None:
    told = mistakes(changed_lane(block, {**SWITCH, **facts}))
    assert any("lanes[0].odoo_" in each and words in each for each in told), told


def test_a_switch_for_the_data_that_stays_contradicts_nothing() -> None:
    profile = changed_lane("odoo_prelaunch_rebuild", {**SWITCH, "data_source_mode": "existing"})
    assert read(profile) == read(PROFILE)


@pytest.mark.parametrize(
    ("mapping", "place", "words"),
    [
        ("", "mapping", "it is empty"),
        ("lane = 3", "mapping.lane", "it is no table"),
        (MAPPING_FILE.replace("rollout_state", "state"), "rollout_state", "it is missing"),
        (MAPPING_FILE + 'colour = "red"', "colour", "there is no such field"),
        (MAPPING_FILE + MAPPING_FILE, "mapping.lanes[1].lane", "stands at lanes[0] already"),
        (MAPPING_FILE.replace("cm/prod", "cm/other"), "mapping.lanes", "cm/prod is missing"),
        (MAPPING_FILE.replace("provisional_until", "# "), "mapping.provisional_until", "demands"),
        (MAPPING_FILE.replace("target_id", "# "), "mapping.target_id", "it is missing"),
        (
            MAPPING_FILE.replace('"provisional"', '"production"'),
            "odoo_data_policy.data_authority",
            "production must have authoritative_data",
        ),
        (MAPPING_FILE + 'replaced_kept_for = "-P1D"', "mapping.replaced_kept_for", "negative"),
    ],
)
def test_what_the_mapping_lacks_is_named(mapping: str, place: str, words: str) -> None:
    told = mistakes(PROFILE, mapping)
    assert any(place in each and words in each for each in told), told


SOURCE = f"""\
upstream_text = "the old server"
[lanes.upstream_source]
name = "old"
host = "old.example.org"
database = "cm"
filestore_path = "/srv/cm"
lane = "{LANE}"
"""


def upstream_profile(text: str = "the old server") -> dict[str, Any]:
    """The profile of a lane that may come from its old server."""
    data = PROFILE["lanes"][0]["odoo_data_policy"]
    more = {"allowed_rebuild_sources": ["upstream_restore", "empty"], "upstream_source": text}
    return changed_lane("odoo_data_policy", {**data, **more, "data_authority": "restorable"})


def test_the_upstream_source_is_given_in_full_for_exactly_these_words() -> None:
    mapping = MAPPING_FILE + SOURCE.replace(f'lane = "{LANE}"', 'lane = "a/b/c"')
    (policy,) = read(upstream_profile(), mapping)
    assert policy.restore_from_upstream_allowed
    assert policy.bootstrap_empty_allowed
    assert policy.upstream_source is not None
    assert policy.upstream_source.host == "old.example.org"
    assert [each.split(":")[0] for each in mistakes(upstream_profile())] == [
        f"mapping.upstream_source ({LANE})",
        f"mapping.upstream_text ({LANE})",
    ]
    (moved,) = mistakes(upstream_profile("the new server"), mapping)
    assert 'found "the old server"; accepted: "the new server"' in moved
    unnamed = mistakes(PROFILE, mapping)
    assert any("Launchplane names no upstream source" in each for each in unnamed)
    assert any("accepted: no upstream_text" in each for each in unnamed)
    (itself,) = mistakes(upstream_profile(), MAPPING_FILE + SOURCE)
    assert "must not be the lane itself" in itself


def test_a_target_id_without_an_expected_target() -> None:
    bare = changed_lane("odoo_stable_bootstrap", {})
    (told,) = mistakes(bare)
    assert "nothing says its name and domains" in told
    (policy,) = read(bare, MAPPING_FILE.replace("target_id", "# "))
    assert policy.provider_target is None


def test_one_lane_of_many_may_be_read_alone() -> None:
    profile = changed_lane("instance", "prod")
    profile["lanes"].append({"instance": "testing", "context": "cm"})
    assert "testing is missing" in mistakes(profile)[0]
    (policy,) = read(profile, only=LANE)
    assert policy.lane == LANE
    absent = Lane.parse("odoo-tenant-cm/cm/nowhere")
    assert mistakes(profile, only=absent)[0].startswith(f"lanes: lane {absent} is missing")


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ([], "no product profile"),
        ({}, "no product profile"),
        ({"product": "x", "lanes": []}, "no product profile"),
        ({"product": "x", "lanes": {}}, "no product profile"),
        ({"product": "x", "lanes": [3]}, "lanes[0]: it is no table"),
        ({"product": 3, "lanes": [{"context": "cm", "instance": "prod"}]}, "lane.product"),
        ({"product": "x", "lanes": [{"context": "CM"}]}, "lanes[0].lane.context"),
    ],
)
def test_what_is_no_profile_is_told(profile: Any, words: str) -> None:
    assert any(words in each for each in mistakes(profile)), mistakes(profile)


def test_a_profile_that_cannot_be_read_is_told() -> None:
    for text in (b"{", b"", b"\xff", b'{"product": 1, "product": 2}'):
        with pytest.raises(Mistakes):
            read_profile(text, MAPPING_FILE.encode())


def test_a_mapping_of_another_lane_is_refused() -> None:
    other = LaneMapping.from_plain({**MAPPING, "lane": OPW.lane.to_plain()})
    with pytest.raises(Mistakes, match="another lane than the record's"):
        translate(record_of(PROFILE), other)


FLAGS = some.booleans()
INSTANTS = some.datetimes(
    min_value=datetime(2026, 1, 1), max_value=datetime(2030, 1, 1), timezones=some.just(UTC)
)
SOURCES = some.builds(
    UpstreamSource,
    name=some.text("ab é", min_size=1, max_size=9),
    host=some.sampled_from(["old.example.org", "old2.example.org"]),
    database=some.just(DatabaseName("cm")),
    filestore_path=some.just(FilestorePath("/srv/cm")),
    lane=some.none() | some.just(OPW.lane),
)
TARGETS = some.builds(
    ProviderTarget,
    target_id=some.text("ab1-", min_size=1, max_size=9),
    name=some.text("ab1-", min_size=1, max_size=9),
    domains=some.lists(some.sampled_from(["a.example", "b.example"]), max_size=3).map(tuple),
)


@some.composite
def policies(draw: some.DrawFn) -> Policy:
    """Any policy that our rules take."""
    state = draw(some.sampled_from(RolloutState))
    authoritative = state is RolloutState.PRODUCTION or draw(FLAGS)
    source = draw(some.none() | SOURCES)
    days = some.integers(min_value=1, max_value=90).map(lambda number: timedelta(days=number))
    return Policy(
        lane=LANE,
        rollout_state=state,
        authoritative_data=authoritative,
        bootstrap_empty_allowed=not authoritative and draw(FLAGS),
        restore_from_upstream_allowed=not authoritative and source is not None and draw(FLAGS),
        upstream_source=source,
        requires_backup_before_destroy=authoritative or draw(FLAGS),
        requires_restore_proof=authoritative or draw(FLAGS),
        requires_runtime_identity=authoritative or state is not RolloutState.TESTING or draw(FLAGS),
        backup_max_age=draw(days),
        replaced_kept_for=draw(days),
        provisional_until=draw(INSTANTS) if state is RolloutState.PROVISIONAL else None,
        provider_target=draw(some.none() | TARGETS),
    )


@settings(deadline=None)
@given(policies())
def test_what_is_written_is_read_back(policy: Policy) -> None:
    written = write_as_launchplane(policy)
    if written.left_out:
        assert not policy.bootstrap_empty_allowed
        assert not policy.restore_from_upstream_allowed
        with pytest.raises(Mistakes, match="nobody has said"):
            translate(written.record, written.mapping)
        return
    found = translate(written.record, written.mapping)
    assert found.policy == policy
    assert found.original.encode() == written.record.canonical()
    # Nothing that Launchplane does by itself is switched on by writing a policy.
    assert not written.record.odoo_stable_bootstrap.enabled
    assert not written.record.odoo_prelaunch_rebuild.enabled


def test_the_words_that_launchplane_has() -> None:
    restorable = changed(OPW, "bootstrap_empty_allowed", False)
    neither = changed(CM, "bootstrap_empty_allowed", False)
    for policy, authority, sources in (
        (CM, "resettable", ["empty"]),
        (OPW, "resettable", ["empty", "upstream_restore"]),
        (restorable, "restorable", ["upstream_restore"]),
        (SYO, "authoritative", []),
        (neither, "unknown", []),
    ):
        written = write_as_launchplane(policy)
        said = written.record.to_plain()["odoo_data_policy"]
        assert (said["data_authority"], said["allowed_rebuild_sources"]) == (authority, sources)
        assert bool(written.left_out) is (authority == "unknown")


def test_the_named_lanes_are_read_back() -> None:
    for policy in (CM, OPW, SYO):
        written = write_as_launchplane(policy)
        assert translate(written.record, written.mapping).policy == policy
    whole = SYO.model_copy(update={"provider_target": TARGET, "upstream_source": UPSTREAM})
    written = write_as_launchplane(whole)
    assert translate(written.record, written.mapping).policy == whole


def test_the_lanes_of_a_profile_are_read_whatever_else_it_says() -> None:
    broken = changed_lane("odoo_data_policy.data_authority", "a lot")
    assert profile_lanes(json.dumps(broken).encode()) == (LANE,)
    others: tuple[Any, ...] = ({"lanes": [3]}, {"lanes": []}, 3)
    for bad in (changed_lane("context", "C M"), *others):
        with pytest.raises(Mistakes):
            profile_lanes(json.dumps(bad).encode())
