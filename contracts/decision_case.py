"""One question to the rule book as a line of text, and its answer: what-if without a host."""

import json
from collections.abc import Mapping
from typing import Any, Self

from pydantic import ValidationError, model_validator

from .contract import Contract, UtcInstant, VersionedContract
from .decision import Decision
from .lane import Lane
from .mistakes import Mistake, Mistakes, model_mistakes, written
from .observation import Observation
from .policy import Policy
from .request import Request
from .rulebook import decide

PLANNED_AT = "planned_at"
"""A plan has it and a case has not."""


class DecisionCase(VersionedContract):
    """Everything that one decision is made from."""

    policy: Policy | None
    """The lane's policy; null for a lane that nobody recorded."""
    request: Request
    """What is asked for."""
    observation: Observation
    """What was seen."""
    now: UtcInstant
    """The instant (UTC) to decide at."""

    def decide(self) -> Decision:
        """What the rule book says."""
        return decide(self.policy, self.request, self.observation, self.now)

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """Read one from a line of JSON: a case, or a plan as `plan --json` prints it.

        Raises Mistakes with all that is wrong in it.
        """
        try:
            plain = json.loads(line.decode(), object_pairs_hook=_each_key_once)
        except RecursionError:
            raise Mistakes([Mistake(path="", problem="it is nested too deeply")]) from None
        except UnicodeDecodeError:
            raise Mistakes([Mistake(path="", problem="it is not UTF-8")]) from None
        except json.JSONDecodeError as problem:
            raise Mistakes([Mistake(path="", problem=f"it is not JSON: {problem.msg}")]) from None
        except _GivenTwice as problem:
            twice = Mistake(path=written((problem.key,)), problem="the key is given twice")
            raise Mistakes([twice]) from None
        except ValueError:
            raise Mistakes([Mistake(path="", problem="it holds a number that is none")]) from None
        if isinstance(plain, dict) and PLANNED_AT in plain:
            plain = _case_of_plan(plain)
            line = json.dumps(plain).encode()
        try:
            return cls.from_json(line)
        except ValidationError as problem:
            raise Mistakes(
                list(model_mistakes(problem, model=cls, value=plain, lines={}))
            ) from None


class CaseAnswer(Contract):
    """The answer to one line: a decision, or what is wrong with the line."""

    line: int
    """The line, counted from 1."""
    decision: Decision | None = None
    """What the rule book says; None where the line is no case."""
    as_expected: bool | None = None
    """Whether that is what was expected; None where nothing was, or there is no decision."""
    mistakes: tuple[Mistake, ...] = ()
    """What is wrong with the line; empty exactly where there is a decision."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.decision is None) is not bool(self.mistakes):
            raise ValueError("an answer holds a decision or mistakes, and not both")
        return self


def _case_of_plan(plan: dict[str, Any]) -> dict[str, Any]:
    """The question that a plan answered; what it lacks is lacking here too."""
    target = plan.get("target")
    found = {"policy": plan.get("policy"), "now": plan[PLANNED_AT]}
    if isinstance(target, dict):
        found["request"] = target.get("request")
    return {**found, "observation": plan.get("observation")}


class _GivenTwice(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _GivenTwice(next(key for key in keys if keys.count(key) > 1))
    return found


def answer_line(
    number: int,
    line: bytes,
    *,
    expect_allowed: bool | None = None,
    policies: Mapping[Lane, Policy] | None = None,
) -> CaseAnswer:
    """Decide one line. Never raises: a line that is no case is answered with its mistakes.

    With `policies` each case is decided under the policy that its lane has there, or none.
    """
    try:
        case = DecisionCase.from_line(line)
        if policies is not None:
            case = case.model_copy(update={"policy": policies.get(case.request.lane)})
        decision = case.decide()
    except Mistakes as problem:
        return CaseAnswer(line=number, mistakes=problem.mistakes)
    expected = None if expect_allowed is None else decision.allowed is expect_allowed
    return CaseAnswer(line=number, decision=decision, as_expected=expected)
