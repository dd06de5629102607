"""What a policy means, in sentences."""

from datetime import timedelta

import pytest

from launchplane_lane_contracts.policy_words import (
    duration_words,
    policy_meaning,
    why_not_recorded,
)

from .cases import NOW, a_policy, an_authoritative_policy, changed
from .named_lanes import CM, OPW, PROVISIONAL_UNTIL, SPARSE, SYO


def test_real_production() -> None:
    assert policy_meaning(SYO, NOW) == (
        "The lane is real production.",
        "Its data is the only true copy.",
        "It may be rebuilt from: existing, backup_restore, kept.",
        "Before a rebuild it asks for: a backup of at most 1 day, the proof that the backup "
        "restores, a runtime that says the same as the database.",
        "What a rebuild replaces is kept for 7 days at least.",
        "No provider target is recorded, so none is compared.",
    )


def test_a_provisional_lane_and_its_end() -> None:
    before = " ".join(policy_meaning(OPW, NOW))
    assert "provisional until 2026-04-30 02:00 UTC" in before
    assert "Its data may be replaced." in before
    assert "upstream_restore (opw's old server: odoo.opw.example.org/opw)" in before
    assert "In 60 days it becomes treated as production" in before
    after = " ".join(policy_meaning(OPW, PROVISIONAL_UNTIL))
    assert "That has passed: it is treated as production." in after
    assert "Its data is the only true copy." in after
    assert "from: existing, backup_restore, kept." in after
    assert "becomes treated" not in after


def test_what_is_not_asked_for_is_not_told() -> None:
    open_lane = changed(SPARSE, "authoritative_data", False)
    for name in (
        "requires_backup_before_destroy",
        "requires_restore_proof",
        "requires_runtime_identity",
    ):
        open_lane = changed(open_lane, name, False)
    assert "Before a rebuild it asks for: nothing." in policy_meaning(open_lane, NOW)
    assert "The lane is for testing." in policy_meaning(open_lane, NOW)


def test_the_provider_target_is_told() -> None:
    told = policy_meaning(an_authoritative_policy(), NOW)[-1]
    assert told == (
        "The provider must act on cm-prod (app-1), domains: cm.example.org, www.cm.example.org."
    )
    bare = changed(an_authoritative_policy(), "provider_target.domains", ())
    assert policy_meaning(bare, NOW)[-1].endswith("domains: none.")


def test_why_it_could_not_be_recorded() -> None:
    assert why_not_recorded(CM, PROVISIONAL_UNTIL - timedelta(days=90)) == ""
    too_early = PROVISIONAL_UNTIL - timedelta(days=90, seconds=1)
    assert "90 days after" in why_not_recorded(CM, too_early)
    assert why_not_recorded(SYO, NOW) == ""
    assert why_not_recorded(a_policy(), NOW) == ""


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(0), "0 minutes"),
        (timedelta(seconds=59), "0 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=24), "1 day"),
        (timedelta(days=7, hours=1, minutes=2), "7 days 1 hour 2 minutes"),
    ],
)
def test_durations_in_words(duration: timedelta, words: str) -> None:
    assert duration_words(duration) == words
