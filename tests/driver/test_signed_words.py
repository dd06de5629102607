"""What is signed stands in the words that are read before: every field, and nothing besides."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum
from itertools import chain
from typing import Any

import pytest

from launchplane_lane_contracts.approval import ApprovalTally
from launchplane_lane_contracts.clock_correction import ClockCorrection
from launchplane_lane_contracts.contract import BackupId, Contract, Digest, OperationId, Person
from launchplane_lane_contracts.errors import BadInput, Refused
from launchplane_lane_contracts.lives import LifeDocument
from launchplane_lane_contracts.people import PeopleChange
from launchplane_lane_contracts.plan import PlanTarget
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_driver.clock_correction import correction_words
from launchplane_lane_driver.commands.folding import EDGE
from launchplane_lane_driver.commands.lives_commands import life_words
from launchplane_lane_driver.commands.shared import answer
from launchplane_lane_driver.commands.words import people_words, plan_words, policy_words
from launchplane_lane_driver.lives import LIVES
from launchplane_lane_driver.people_changes import ProposedPeople
from launchplane_lane_driver.policy_changes import PolicyChange, ProposedChange
from launchplane_lane_driver.refusal_text import refusal_text
from tests.contracts.cases import KEPT_DATABASE, KEPT_OID, LIVE_TARGET, UPSTREAM, a_policy
from tests.contracts.every_model import FRESH_VOLUMES, PLAN, VALUES

NOT_SHOWN = {
    "schema_version": "another shape is not read at all",
    "rulebook_version": "both sides refuse another rule book than their own",
    "marker_digest": "says nothing to a person; whose the marker is, and its generation, is shown",
    "lowers_nonce": "says nothing to a person; the generation of that marker is shown",
    "replaces": "the people on record, whom those who sign can list",
    "kind": "one proof only is signed; it is shown as one",
    "manifest_digest": "belongs to the backup, which is named",
    "fingerprint_digest": "belongs to the backup, which is named",
    "filestore_digest": "belongs to the backup, which is named",
}
"""Fields that are signed and not in the words, each with the reason."""

FORGED = 'tidy up\n  rollout_state = "production"\r\x1b[8m\u202e\x9b8m\u2028          x'
"""What somebody types who wants others to read what is not there."""


def value_of(kind: type[Any]) -> Any:
    """The full value of a public model."""
    return next(each for each in VALUES if type(each) is kind)


def full_target() -> PlanTarget:
    """A plan with everything in it that any plan can have."""
    request = PLAN.target.request.model_copy(
        update={
            "reason": "as agreed",
            "backup_id": BackupId("backup-0001"),
            "kept_database": KEPT_DATABASE,
            "provider_target": LIVE_TARGET,
            "retries": OperationId("operation-9"),
            "fresh_volumes": FRESH_VOLUMES,
        }
    )
    source = UPSTREAM.model_copy(update={"lane": PLAN.target.request.lane})
    update = {"request": request, "upstream_source": source, "kept_database_oid": KEPT_OID}
    return PLAN.target.model_copy(update=update)


TALLY = value_of(ApprovalTally)
NO_DIGEST = Digest("f" * 64)


def policy_change_words(change: Any) -> str:
    return policy_words(ProposedChange(NO_DIGEST, change, (), TALLY))


def people_change_words(change: Any) -> str:
    return people_words(ProposedPeople(NO_DIGEST, change, (), TALLY))


def words_of_life(document: Any) -> str:
    life = next(each for each in LIVES if each.document is type(document))
    return life_words(life, document)


def signed() -> Iterator[tuple[Contract, Callable[[Any], str]]]:
    """One of everything that is ever signed, and how it is put in words."""
    yield full_target(), plan_words
    policy = a_policy()
    yield (
        PolicyChange(
            policy=policy,
            after_revision=1,
            proposer=Person("rita"),
            reason="as agreed",
            lowers=7,
            lowers_claim=True,
        ),
        policy_change_words,
    )
    yield value_of(PeopleChange), people_change_words
    yield value_of(ClockCorrection), correction_words
    for life in LIVES:
        yield value_of(life.document), words_of_life


SIGNED = tuple(signed())
NAMES = [type(document).__name__ for document, _ in SIGNED]


def with_digest_cut(words: str) -> str:
    return "\n".join(line for line in words.split("\n") if not line.startswith("Digest"))


def others(value: Any) -> Iterator[Any]:
    """Other values of the same type."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, Enum):
        yield from (each for each in type(value) if each is not value)
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, str):
        yield f"{value}x"
    elif isinstance(value, datetime | timedelta):
        yield value + timedelta(days=1)
    elif isinstance(value, tuple):
        yield (*value, *value)


def changes(value: Contract, path: str = "") -> Iterator[tuple[str, Contract]]:
    """Each field by its path, and the same value in which that field alone is another."""
    for name in type(value).model_fields:
        inner = getattr(value, name)
        if isinstance(inner, Contract):
            for deeper, changed in changes(inner, f"{path}{name}."):
                yield deeper, value.model_copy(update={name: changed})
        assert (
            isinstance(inner, Contract)
            or inner is not None
            or f"{path}{name}" in ("proof", "policy.upstream_source.lane")
        ), f"{path}{name} has no value here, so it cannot be seen whether it is shown"
        for other in others(inner):
            yield f"{path}{name}", value.model_copy(update={name: other})


def hidden(document: Contract, words: Callable[[Any], str]) -> set[str]:
    """The fields that may be exchanged without a trace in the words."""
    before, seen, every = with_digest_cut(words(document)), set(), set()
    for path, changed in changes(document):
        every.add(path)
        with suppress(KeyError):  # No such document is ever made.
            if with_digest_cut(words(changed)) != before:
                seen.add(path)
    return every - seen


@pytest.mark.parametrize(("document", "words"), SIGNED, ids=NAMES)
def test_every_field_that_is_signed_is_read(
    document: Contract, words: Callable[[Any], str]
) -> None:
    found = hidden(document, words)
    if type(document).__name__ == "Release":
        # Whether it is authoritative is told where no proof says it.
        found &= hidden(document.model_copy(update={"proof": None}), words) | {
            each for each in found if each.startswith("proof.")
        }
    assert {each for each in found if each.split(".")[-1] not in NOT_SHOWN} == set()


def test_each_exception_is_one() -> None:
    every = chain.from_iterable(hidden(document, words) for document, words in SIGNED)
    assert {each.split(".")[-1] for each in every} >= set(NOT_SHOWN)


def forged(value: Any) -> Any:
    """The same with that text wherever there is text."""
    if isinstance(value, Contract):
        fields = {name: forged(getattr(value, name)) for name in type(value).model_fields}
        return value.model_copy(update=fields)
    if isinstance(value, tuple):
        return tuple(forged(each) for each in value)
    return FORGED if isinstance(value, str) and not isinstance(value, Enum) else value


@pytest.mark.parametrize(("document", "words"), SIGNED, ids=NAMES)
def test_no_text_of_somebody_makes_a_line_of_ours(
    document: Contract, words: Callable[[Any], str]
) -> None:
    told = words(forged(document))
    # An approvers file has lines of its own.
    own_lines = 3 if isinstance(document, PeopleChange) else 0
    assert len(told.split("\n")) <= len(words(document).split("\n")) + own_lines
    assert all(each.isprintable() or each in f"\n{EDGE}" for each in told)
    assert "tidy up\\u000a \\u0020rollout_state" in told or own_lines


def test_a_refusal_shows_it_as_well() -> None:
    refused = Refused.because(reason(ReasonCode.LANE_BUSY, FORGED, FORGED))
    assert len(refusal_text(refused).split("\n")) == 3
    for problem in (refused, BadInput(FORGED)):
        told = refusal_text(problem)
        assert all(each.isprintable() or each == "\n" for each in told)


def test_in_json_it_is_the_same_text_and_moves_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = FORGED + "\x7f\U000e0001é"
    answer({"reason": words})
    told = capsys.readouterr().out
    assert json.loads(told) == {"reason": words}
    assert all(each.isprintable() or each == "\n" for each in told)
    assert "é" in told


def test_every_document_of_a_life_is_looked_at() -> None:
    kinds = {type(document) for document, _ in SIGNED}
    assert set(all_below(LifeDocument)) <= kinds


def all_below(kind: type[Any]) -> Iterator[type[Any]]:
    for each in kind.__subclasses__():
        yield each
        yield from all_below(each)
