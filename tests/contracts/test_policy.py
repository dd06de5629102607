"""What makes a policy, and what makes none."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from launchplane_lane_contracts.contract import Digest, Person
from launchplane_lane_contracts.policy import Policy, PolicyRevision, effective_policy

from .cases import LANE, NOW, UPSTREAM, a_policy, an_authoritative_policy

AUTHORITATIVE: dict[str, Any] = {"lane": LANE.to_plain(), "rollout_state": "production"}
PROVISIONAL: dict[str, Any] = {
    "lane": LANE.to_plain(),
    "rollout_state": "provisional",
    "authoritative_data": False,
    "provisional_until": "2026-04-01T00:00:00Z",
}
TESTING: dict[str, Any] = {
    "lane": LANE.to_plain(),
    "rollout_state": "testing",
    "authoritative_data": False,
}
OWN_UPSTREAM = {**UPSTREAM.to_plain(), "lane": LANE.to_plain()}


def test_every_omitted_field_is_protective() -> None:
    policy = Policy.from_plain(AUTHORITATIVE)
    assert policy.authoritative_data
    assert not policy.bootstrap_empty_allowed
    assert not policy.restore_from_upstream_allowed
    assert policy.upstream_source is None
    assert policy.requires_backup_before_destroy
    assert policy.requires_restore_proof
    assert policy.requires_runtime_identity
    assert policy.backup_max_age == timedelta(hours=24)
    assert policy.replaced_kept_for == timedelta(days=7)
    assert policy.provisional_until is None
    assert policy.provider_target is None


@pytest.mark.parametrize("base", [AUTHORITATIVE, PROVISIONAL, TESTING])
def test_the_bases_are_valid(base: dict[str, Any]) -> None:
    assert Policy.from_plain(base).rollout_state == base["rollout_state"]


@pytest.mark.parametrize(
    ("base", "facts", "words"),
    [
        (AUTHORITATIVE, {"authoritative_data": False}, "production must have"),
        (AUTHORITATIVE, {"bootstrap_empty_allowed": True}, "excludes bootstrap_empty"),
        (
            AUTHORITATIVE,
            {"restore_from_upstream_allowed": True, "upstream_source": UPSTREAM.to_plain()},
            "excludes restore_from_upstream",
        ),
        (AUTHORITATIVE, {"requires_backup_before_destroy": False}, "demands requires_backup"),
        (AUTHORITATIVE, {"requires_restore_proof": False}, "demands requires_restore"),
        (AUTHORITATIVE, {"requires_runtime_identity": False}, "demands requires_runtime"),
        (AUTHORITATIVE, {"replaced_kept_for": "23h"}, "24 hours or more"),
        (AUTHORITATIVE, {"provisional_until": "2026-04-01T00:00:00Z"}, "belongs to"),
        (PROVISIONAL, {"provisional_until": None}, "provisional demands"),
        (PROVISIONAL, {"restore_from_upstream_allowed": True}, "demands an upstream_source"),
        (PROVISIONAL, {"upstream_source": OWN_UPSTREAM}, "must not be the lane itself"),
        (PROVISIONAL, {"requires_runtime_identity": False}, "only be off for testing"),
        (PROVISIONAL, {"authoritative_data": True, "requires_restore_proof": False}, "demands"),
        (TESTING, {"provisional_until": "2026-04-01T00:00:00Z"}, "belongs to"),
        (TESTING, {"backup_max_age": "0h"}, "longer than nothing"),
        (TESTING, {"backup_max_age": "-P1D"}, "longer than nothing"),
        (TESTING, {"replaced_kept_for": "-P1D"}, "must not be negative"),
        (TESTING, {"replaced_kept_for": "99999999d"}, "replaced_kept_for must not be longer"),
        (TESTING, {"backup_max_age": "36501d"}, "backup_max_age must not be longer"),
    ],
)
def test_a_contradiction_is_refused_in_words(
    base: dict[str, Any], facts: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        Policy.from_plain({**base, **facts})


def test_all_contradictions_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        Policy.from_plain(
            {**AUTHORITATIVE, "bootstrap_empty_allowed": True, "requires_restore_proof": False}
        )
    assert "bootstrap_empty_allowed" in str(caught.value)
    assert "requires_restore_proof" in str(caught.value)


@pytest.mark.parametrize(
    "facts",
    [
        {"bootstrap_empty_alowed": True},
        {"allowed_sources": ["empty"]},
        {"rollout_state": "staging"},
        {"rollout_state": None},
        {"authoritative_data": 1},
        {"authoritative_data": "yes"},
        {"authoritative_data": None},
        {"lane": "odoo-tenant-cm/cm/prod"},
        {"lane": {"product": "a", "context": "b"}},
        {"lane": {"product": "A", "context": "b", "instance": "c"}},
        {"lane": {"product": "a\n", "context": "b", "instance": "c"}},
        {"backup_max_age": "soon"},
        {"backup_max_age": "24"},
        {"backup_max_age": "h"},
        {"backup_max_age": ""},
        {"backup_max_age": "1e3h"},
        {"backup_max_age": "1.5h"},
        {"backup_max_age": "-1d"},
        {"backup_max_age": "1w"},
        {"backup_max_age": "999999999999999999d"},
        {"backup_max_age": "9" * 5000 + "d"},
        {"backup_max_age": "P9999999999D"},
        {"backup_max_age": True},
        {"provisional_until": "2026-04-01"},
        {"provisional_until": "2026-04-01T00:00:00"},
        {"provisional_until": "2026-04-01T00:00:00+02:00"},
        {"upstream_source": {"name": "x"}},
        {"upstream_source": {**UPSTREAM.to_plain(), "filestore_path": "relative"}},
        {"upstream_source": {**UPSTREAM.to_plain(), "password": "x"}},
        {"provider_target": {"target_id": "", "name": "x"}},
        {"schema_version": 2},
    ],
)
def test_what_is_unknown_or_of_a_wrong_type_is_an_error(facts: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Policy.from_plain({**PROVISIONAL, **facts})


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("P7D", timedelta(days=7)),
        ("PT12H", timedelta(hours=12)),
        ("P1DT1H", timedelta(hours=25)),
    ],
)
def test_durations(text: str, duration: timedelta) -> None:
    policy = Policy.from_plain({**TESTING, "backup_max_age": text})
    assert policy.backup_max_age == duration
    assert Policy.from_json(policy.canonical()) == policy


def a_revision(days: int, seconds: int = 0) -> PolicyRevision:
    """A revision whose lane stays provisional for so long."""
    policy = a_policy().model_copy(
        update={"provisional_until": NOW + timedelta(days=days, seconds=seconds)}
    )
    return PolicyRevision(
        policy=policy,
        number=1,
        recorded_at=NOW,
        recorded_by=Person("anna@example.org"),
        reason="a test",
        change_digest=Digest("a" * 64),
    )


def test_provisional_lasts_90_days_and_not_a_second_more() -> None:
    assert a_revision(90).policy.provisional_until is not None
    assert a_revision(-1).policy.provisional_until is not None
    with pytest.raises(ValidationError, match="90 days"):
        a_revision(90, 1)


def test_a_revision_at_the_end_of_the_calendar_does_not_crash() -> None:
    revision = a_revision(1)
    text = revision.canonical().decode().replace("2026-03-01T02:00:00Z", "9999-12-31T00:00:00Z")
    assert PolicyRevision.from_json(text).recorded_at.year == 9999


@pytest.mark.parametrize(
    ("seconds", "marker", "claimed", "protected_by"),
    [
        (-1, False, False, ()),
        (0, False, False, ("expiry",)),
        (-1, True, False, ("marker",)),
        (-1, False, True, ("claim",)),
        (1, True, True, ("expiry", "marker", "claim")),
    ],
)
def test_the_effective_policy_is_the_strictest(
    seconds: int, marker: bool, claimed: bool, protected_by: tuple[str, ...]
) -> None:
    policy = a_policy().model_copy(
        update={"requires_backup_before_destroy": False, "requires_restore_proof": False}
    )
    assert policy.provisional_until is not None
    effective = effective_policy(
        policy,
        policy.provisional_until + timedelta(seconds=seconds),
        marker_authoritative=marker,
        claimed=claimed,
    )
    assert effective.protected_by == protected_by
    assert effective.authoritative is bool(protected_by)
    assert effective.requires_backup_before_destroy is bool(protected_by)
    assert effective.requires_restore_proof is bool(protected_by)
    assert effective.requires_runtime_identity
    assert effective.expired is (seconds >= 0)


def test_an_authoritative_policy_is_its_own_protection() -> None:
    effective = effective_policy(
        an_authoritative_policy(), NOW, marker_authoritative=False, claimed=False
    )
    assert effective.protected_by == ("policy",)
    assert not effective.expired
