"""What holds in every situation: worse never helps, and an allow is well founded.

The situations are those of second_opinion/, with retries, remains, room and numbers of approvers.
"""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as some
from pydantic import ValidationError

from launchplane_lane_contracts.decision import Decision
from launchplane_lane_contracts.judgement import judge_database
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import EngineTag
from launchplane_lane_contracts.reading import DatabaseEntry
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import TagState

from .cases import DATABASE_OID, LANE, OTHER_LANE, Case, changed, kept_data
from .readings import DATABASE_READING, ENTRY, KEPT_ENTRY, NOTHING_THERE, RECORD
from .second_opinion.agreement import rule_book_on
from .second_opinion.built import build
from .second_opinion.situation import BASES, VARIANTS, WORD, Situation, words_of
from .test_rule_properties import with_instance

THOROUGH = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))

pytestmark = pytest.mark.slow

WORSE: dict[str, tuple[tuple[str, ...], ...]] = {
    "policy": (("recorded",), ("none",)),
    "lanes": (("one",), ("several",)),
    "data": (("not authoritative",), ("authoritative",)),
    "provisional": (("no end", "to come"), ("over",)),
    "from empty": (("allowed",), ("not allowed",)),
    "from upstream": (("allowed",), ("not allowed",)),
    "upstream on record": (("yes",), ("no",)),
    "backup": (("not asked",), ("asked",)),
    "restore proof": (("not asked",), ("asked",)),
    "runtime identity": (("not asked",), ("asked",)),
    "target on record": (("no",), ("yes",)),
    "database": (
        ("absent", "uninitialised", "initialised"),
        ("renamed", "missing", "closed", "unreadable", "disputed"),
    ),
    "role": (("may rename",), ("may not rename",)),
    "tag": (("none", "of another oid", "ours pending"), ("ours", "another lane's")),
    "marker": (
        ("bound", "not applicable", "pending"),
        (
            *("absent", "unverifiable", "tampered", "foreign", "copied", "rolled back", "ahead"),
            "tag lost",
        ),
    ),
    "marker says": (("not authoritative",), ("authoritative",)),
    "claim": (("not made",), ("made",)),
    "permit in the marker": (("the operation's",), ("another",)),
    "files": (
        ("ours", "absent", "empty"),
        ("stale", "untagged"),
        ("foreign", "elsewhere", "unreadable"),
    ),
    "keep": (("ready",), ("other volume",), ("not configured", "unusable")),
    "room": (("enough",), ("unknown",), ("not enough",)),
    "runtime": (
        ("agrees",),
        ("attested",),
        ("silent",),
        ("other lane", "other deployment", "other database"),
    ),
    "attesting": (("asked for",), ("not asked for",)),
    "gate": (("of recorded data",), ("of other data", "none")),
    "age of the gate": (("fresh",), ("fresh at the begin",), ("stale",)),
    "data proof": (("good",), ("none",)),
    "declared source": (("the recorded one",), ("another", "none")),
    "place of the source": (("elsewhere",), ("unknown",), ("the database itself",)),
    "backup to restore": (("on record",), ("another lane's", "unknown")),
    "load proof": (("good",), ("none",)),
    "kept data": (("on record",), ("not the one named", "unknown")),
    "kept data is": (("unchanged",), ("changed",)),
    "target": (("the recorded one",), ("another", "not told")),
    "target read from": (("provider", "typed"), ("record",)),
    "requester": (("signed",), ("not signed",)),
    "approvers": (("two",), ("one",), ("none",)),
    "approvers asked here": (("0",), ("1",)),
    "under way": (("begun", "materialised"), ("started",), ("authorized", "ended")),
    "asked then": (("the same",), ("something else",)),
    "begin": (("on record",), ("not on record",)),
    "found then": (("not authoritative",), ("authoritative",)),
    "declared lost": (("yes",), ("no",)),
    "store": (("trusted",), ("rolled back",)),
    "clock": (("trusted",), ("unreliable",)),
}
"""Words of each fact from good to bad: evidence that goes, problems that come, witnesses that fall
silent, permissions that are taken back. A step to a later group never allows."""

NO_WORSE_OR_BETTER = {
    "request": "another wish",
    "rollout state": "decides nothing by itself",
    "largest age": "the age of the gate is told by it",
    "kept for": "is owed afterwards",
    "host's record": "says which data it is, not whether all is well",
    "oid": "known wherever a database was read",
    "another lane's own": "goes with a foreign marker alone",
    "kept data was": "is owed afterwards",
    "retries": "another wish",
}
"""Facts without an order, and why."""


@some.composite
def situations(draw: some.DrawFn, *, most: int = 6) -> Situation:
    """A situation some facts away from one that is allowed."""
    situation = dict(BASES[draw(some.sampled_from(sorted(BASES)))])
    situation["request"] = draw(some.sampled_from(VARIANTS["request"]))
    for fact in draw(some.lists(some.sampled_from(sorted(VARIANTS)), unique=True, max_size=most)):
        situation[fact] = draw(some.sampled_from(VARIANTS[fact]))
    return situation


@some.composite
def worsened(draw: some.DrawFn) -> tuple[Situation, Situation]:
    """A situation, and one in which one to three facts of it are worse and none is better."""
    before = draw(situations())
    after = dict(before)
    facts = some.lists(some.sampled_from(sorted(WORSE)), unique=True, min_size=1, max_size=3)
    for fact in draw(facts):
        worse = [variant for variant in VARIANTS[fact] if _is_worse(fact, before[fact], variant)]
        if worse:
            after[fact] = draw(some.sampled_from(worse))
    return before, after


def _is_worse(fact: str, before: str, after: str) -> bool:
    """Whether the second variant is told by a word of a later group."""
    ranks = {word: rank for rank, words in enumerate(WORSE[fact]) for word in words}
    first, second = ranks.get(WORD[fact][before]), ranks.get(WORD[fact][after])
    return first is not None and second is not None and second > first


def test_every_fact_is_in_order_or_has_none() -> None:
    assert set(WORSE) | set(NO_WORSE_OR_BETTER) == set(VARIANTS)
    assert not set(WORSE) & set(NO_WORSE_OR_BETTER)
    for fact, groups in WORSE.items():
        listed = [word for words in groups for word in words]
        assert len(listed) == len(set(listed))
        missing = set(WORD[fact].values()) - set(listed)
        # Where nothing is under way an operation under way is a problem, unless it is retried.
        assert missing == ({"nothing"} if fact == "under way" else set()), fact


@THOROUGH
@given(worsened())
def test_worse_never_turns_a_refusal_into_an_allow(pair: tuple[Situation, Situation]) -> None:
    before, after = pair
    if not rule_book_on(before).allowed:
        assert not rule_book_on(after).allowed


def test_no_single_step_to_the_worse_allows_near_what_is_allowed() -> None:
    """Every step of every fact, from every situation that one fact sets apart from a base."""
    steps = 0
    for base in BASES.values():
        for spoiled, variants in VARIANTS.items():
            for variant in variants:
                before = {**base, spoiled: variant}
                if rule_book_on(before).allowed:
                    continue
                for fact in WORSE:
                    for worse in VARIANTS[fact]:
                        if _is_worse(fact, before[fact], worse):
                            steps += 1
                            assert not rule_book_on({**before, fact: worse}).allowed
    assert steps > 30_000


@THOROUGH
@given(situations(), some.sampled_from(VARIANTS["under way"][1:]))
def test_an_operation_under_way_that_is_not_retried_never_allows(
    situation: Situation, phase: str
) -> None:
    assert not rule_book_on({**situation, "retries": "nothing", "under way": phase}).allowed


FROM_THE_FUTURE = ("from the future", "in the future")


@THOROUGH
@given(situations(), some.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4000)))
def test_ageing_never_allows(situation: Situation, later: timedelta) -> None:
    assume(not any(variant.endswith(FROM_THE_FUTURE) for variant in situation.values()))
    if not build(situation).decide().allowed:
        assert not build(situation, later).decide().allowed


@THOROUGH
@given(situations(most=4))
def test_an_allow_holds_nothing_that_was_asked_for_and_is_not_good(situation: Situation) -> None:
    """Looked at without the tables: each line is one sentence of the rules."""
    if not rule_book_on(situation).allowed:
        return
    said = words_of(situation)
    source = said["request"].partition("/")[2]
    again = said["retries"] == "the one under way"
    died = again and said["under way"] != "started" and source != "existing"
    authoritative = said["data"] == "authoritative" or said["provisional"] == "over"
    assert said["policy"] == "recorded"
    assert (said["lanes"], said["store"], said["clock"]) == ("one", "trusted", "trusted")
    assert (said["under way"], said["retries"]) == ("nothing", "nothing") or again
    assert said["database"] in ("absent", "uninitialised", "initialised")
    assert said["files"] not in ("foreign", "elsewhere", "unreadable")
    assert said["keep"] in ("ready", "other volume")
    assert said["room"] == "enough" or (said["keep"], said["room"]) == ("ready", "unknown")
    assert said["runtime"] in ("agrees", "attested", "silent")
    if authoritative or said["runtime identity"] == "asked":
        assert said["runtime"] != "silent"
        assert said["runtime"] == "agrees" or said["attesting"] == "asked for"
    if said["database"] == "initialised" and not died:
        assert said["marker"] == "bound" or (again and said["marker"] == "pending")
        assert said["files"] == "ours"
        if authoritative and said["declared lost"] == "no":
            assert (said["gate"], said["data proof"]) == ("of recorded data", "good")
            assert said["age of the gate"] == "fresh" or again
        if authoritative and source != "existing":
            assert said["requester"] == "signed"
            assert said["approvers"] != "none" or said["approvers asked here"] == "0"
    if authoritative:
        assert source in ("existing", "backup_restore", "kept")
    if source == "upstream_restore":
        assert said["declared source"] == "the recorded one"
        assert said["upstream on record"] == "yes"
    if source == "backup_restore":
        assert (said["backup to restore"], said["load proof"]) == ("on record", "good")
    if source == "kept":
        assert (said["kept data"], said["kept data is"]) == ("on record", "unchanged")
    if said["target on record"] == "yes":
        assert said["target"] == "the recorded one"
        assert said["target read from"] in ("provider", "typed")


def essence(decision: Decision) -> tuple[object, ...]:
    """What a decision comes to, without its sentences."""
    return (
        decision.allowed,
        [each.code for each in decision.reasons],
        decision.obligations,
        decision.approvers_required,
        decision.requester_signs,
    )


@THOROUGH
@given(situations(), some.randoms(use_true_random=False), some.integers(1, 3))
def test_order_and_duplicates_mean_nothing(
    situation: Situation, chooser: random.Random, times: int
) -> None:
    case = build(situation)
    seen = case.observation

    def stirred(values: tuple[Any, ...]) -> tuple[Any, ...]:
        mixed = [*values] * times
        chooser.shuffle(mixed)
        return tuple(mixed)

    other = kept_data().model_copy(update={"database_oid": 1, "generation": 2})
    record = seen.record.model_copy(update={"kept": (*seen.record.kept, other)})
    seen = seen.model_copy(update={"record": record})
    observation = seen.model_copy(
        update={
            "approvals": stirred(seen.approvals),
            "record": record.model_copy(update={"kept": stirred(record.kept)}),
        }
    )
    request = case.request
    if request.provider_target is not None:
        domains = stirred(request.provider_target.domains)
        request = changed(request, "provider_target.domains", domains)
    before = replace(case, observation=seen).decide()
    assert essence(before) == essence(
        replace(case, observation=observation, request=request).decide()
    )


def neighbour(
    name: str, oid: int, *, lane: Lane = LANE, written_for: int | None = None
) -> DatabaseEntry:
    """Another database of the server, with a tag."""
    tag = EngineTag(lane=lane, generation=7, database_oid=written_for or oid, state=TagState.LIVE)
    return ENTRY.model_copy(update={"name": name, "oid": oid, "tag": tag})


NEIGHBOURS = (
    KEPT_ENTRY,
    neighbour("renamed", DATABASE_OID),
    neighbour("another copy", 901, written_for=DATABASE_OID),
    neighbour("moved by hand", 902),
    neighbour("somebody else's", 903, lane=OTHER_LANE),
    ENTRY.model_copy(update={"name": "untagged", "oid": 904, "tag": None}),
)


@THOROUGH
@given(some.lists(some.sampled_from(NEIGHBOURS), max_size=6), some.data())
def test_order_and_duplicates_of_neighbours_mean_nothing(
    neighbours: list[DatabaseEntry], data: some.DataObject
) -> None:
    for reading in (DATABASE_READING, NOTHING_THERE):
        mixed = data.draw(some.permutations(neighbours * 2))
        states = {
            judge_database(reading.model_copy(update={"neighbours": tuple(each)}), RECORD).state
            for each in (neighbours, mixed)
        }
        assert len(states) == 1


@THOROUGH
@given(situations(), some.from_regex(r"^[a-z0-9][a-z0-9._-]{0,20}\Z"))
def test_the_instance_s_name_decides_nothing(situation: Situation, instance: str) -> None:
    case = build(situation)
    assume(case.policy is not None)
    try:
        renamed = with_instance(case, instance)
    except ValidationError:
        # Not a policy that there can be.
        assume(False)
    assert essence(renamed.decide()) == essence(case.decide())


@THOROUGH
@given(situations(), situations())
def test_another_lane_s_policy_decides_nothing_here(one: Situation, other: Situation) -> None:
    mine, theirs = build({**one, "policy": "recorded"}), build({**other, "policy": "recorded"})
    before = mine.decide()
    on_another_lane(theirs).decide()
    assert mine.decide() == before
    crossed = replace(mine, policy=on_another_lane(theirs).policy).decide()
    assert not crossed.allowed
    assert ReasonCode.POLICY_OTHER_LANE in {each.code for each in crossed.reasons}


def on_another_lane(case: Case) -> Case:
    """The case under the policy of a lane that is in none of the situations."""
    assert case.policy is not None
    lane = LANE.model_copy(update={"instance": "elsewhere"})
    return replace(case, policy=case.policy.model_copy(update={"lane": lane}))
