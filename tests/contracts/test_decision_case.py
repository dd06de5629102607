"""Cases as lines of text: each is decided, or answered with what is wrong with it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pydantic import ValidationError

from launchplane_lane_contracts.decision_case import CaseAnswer, DecisionCase, answer_line
from launchplane_lane_contracts.vocabulary import DataSource, Operation

from .cases import NOW, Case, allowed_case, allowed_cases, an_authoritative_policy
from .every_model import PLAN
from .provocations import PROVOCATIONS


def a_line(case: Case) -> bytes:
    """The case as it is written."""
    return DecisionCase(
        policy=case.policy, request=case.request, observation=case.observation, now=case.now
    ).canonical()


PLAIN: dict[str, Any] = json.loads(a_line(allowed_case(Operation.RESTORE, DataSource.KEPT)))


def test_a_line_is_decided_like_the_case_itself() -> None:
    cases = [*allowed_cases(), *(each.provoked() for each in PROVOCATIONS)]
    for case in cases:
        assert answer_line(1, a_line(case)).decision == case.decide()


def test_no_policy_is_null_and_has_to_be_said() -> None:
    answered = answer_line(1, json.dumps({**PLAIN, "policy": None}).encode())
    assert answered.decision is not None
    assert [each.code for each in answered.decision.reasons] == ["policy_unknown"]
    without = {name: value for name, value in PLAIN.items() if name != "policy"}
    (mistake,) = answer_line(1, json.dumps(without).encode()).mistakes
    assert (mistake.path, mistake.problem) == ("policy", "it is missing")


def test_a_plan_is_the_case_that_it_answered() -> None:
    plain = {"digest": "x", **PLAN.to_plain()}
    assert answer_line(1, json.dumps(plain).encode()).decision == PLAN.decision
    for path, value in (("target", None), ("target", {}), ("observation", {}), ("planned_at", 1)):
        assert answer_line(1, json.dumps({**plain, path: value}).encode()).mistakes


def test_other_policies_than_those_in_the_cases() -> None:
    case = allowed_case(Operation.BOOTSTRAP, DataSource.EMPTY)
    stricter = an_authoritative_policy()
    for policies, codes in (
        (None, set()),
        ({}, {"policy_unknown"}),
        ({stricter.lane: stricter}, {"source_not_allowed", "approvals_missing"}),
    ):
        decision = answer_line(1, a_line(case), policies=policies).decision
        assert decision is not None
        assert {each.code.value for each in decision.reasons} <= codes
        assert decision.allowed is not bool(codes)


def test_what_was_expected() -> None:
    line = a_line(allowed_case(Operation.RESTORE, DataSource.KEPT))
    assert answer_line(1, line).as_expected is None
    assert answer_line(1, line, expect_allowed=True).as_expected is True
    assert answer_line(1, line, expect_allowed=False).as_expected is False
    assert answer_line(1, b"{}", expect_allowed=True).as_expected is None


def test_every_mistake_of_a_line_is_told() -> None:
    plain = json.loads(json.dumps(PLAIN))
    plain["now"] = "2026-03-01T02:00:00"
    plain["request"]["data_source"] = "nothing"
    plain["observation"]["record"]["kept"][0]["name"] = ""
    plain["observation"]["keep"]["colour"] = 1
    del plain["observation"]["lane"]
    told = [str(each) for each in answer_line(3, json.dumps(plain).encode()).mistakes]
    assert [each.split(":")[0] for each in told] == [
        "request.data_source",
        "observation.lane",
        "observation.record.kept[0].name",
        "observation.keep.colour",
        "now",
    ]
    assert "accepted: existing or empty" in told[0]
    assert "accepted: text of 1 to 63" in told[2]


def test_a_contradiction_is_told_in_its_own_words() -> None:
    plain = {**PLAIN, "policy": {**PLAIN["policy"], "rollout_state": "production"}}
    told = [str(each) for each in answer_line(1, json.dumps(plain).encode()).mistakes]
    assert len(told) == 1
    assert told[0].startswith("policy: production must have authoritative_data; ")
    assert "found" not in told[0]
    plain = {**PLAIN, "request": {**PLAIN["request"], "operation": "bootstrap"}}
    (said,) = answer_line(1, json.dumps(plain).encode()).mistakes
    assert said.problem.startswith("bootstrap/kept is not a request")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", "it is not JSON"),
        (b"x", "it is not JSON"),
        (b"\xff\xfe{}", "it is not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"now":' + b"9" * 10_000 + b"}", "a number that is none"),
        (b'{"now": 1, "now": 2}', "now: the key is given twice"),
        (b'{"request": {"a": 1, "b": 2, "b": 3}}', "b: the key is given twice"),
        (b'{"\\ud800": 1, "\\ud800": 2}', '"\\ud800": the key is given twice'),
        (b'{"\\ud800": 1}', "JSON"),
        (b"[]", "it is no table; found []"),
        (b"null", "it is no table"),
        (b'"\\ud800"', "JSON"),
        (b'{"now": NaN}', "now: "),
        (b"{} {}", "it is not JSON: Extra data"),
    ],
)
def test_what_is_no_case_is_told(line: bytes, words: str) -> None:
    answered = answer_line(9, line)
    assert answered.line == 9
    assert answered.decision is None
    assert any(words in str(each) for each in answered.mistakes), answered
    assert CaseAnswer.from_json(answered.canonical()) == answered


@settings(deadline=None)
@given(some.binary(max_size=60) | some.text(max_size=60).map(lambda text: text.encode()))
def test_garbage_is_answered(line: bytes) -> None:
    assert answer_line(1, line).mistakes


def test_an_answer_is_one_of_both() -> None:
    decision = allowed_case(Operation.RESTORE, DataSource.KEPT).decide()
    mistakes = answer_line(1, b"").mistakes
    twice: dict[str, Any] = {"decision": decision, "mistakes": mistakes}
    for both in ({}, twice):
        with pytest.raises(ValidationError, match="not both"):
            CaseAnswer(line=1, **both)
    assert DecisionCase.from_plain(PLAIN).now == NOW
