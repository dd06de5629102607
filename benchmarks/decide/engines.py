"""Everybody who decides: the rule book, the rules by hand, and the engines that PyPI has.

Each has its rules and its cases beforehand, in the form that it is quickest with.
"""

import importlib
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launchplane_lane_contracts.observation import Observation
from launchplane_lane_contracts.policy import Policy
from launchplane_lane_contracts.request import Request
from launchplane_lane_contracts.rulebook import decide
from tests.contracts.cases import Case
from tests.real.environment import provide_extra

from .conditions import REFUSED_WHEN
from .facts import facts
from .plain import allows


@dataclass(frozen=True)
class Engine:
    """One that decides."""

    written: Callable[[Case], Any]
    """A case as it would arrive, in JSON."""
    read: Callable[[Any], Any]
    """That, read into what the engine decides on."""
    decide: Callable[[Sequence[Any]], list[bool]]
    """Whether each of the cases that were read is allowed."""


RULES_IN_REGO = Path(__file__).with_name("rules.rego")
ENTRY_IN_REGO = "lane/allowed"
MODEL_OF_CASBIN = """\
[request_definition]
r = facts
[policy_definition]
p = nothing
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = {condition}
"""


def with_prefix(condition: str, prefix: str) -> str:
    """A condition in which each fact is written as an engine wants it; quoted texts stay."""
    return re.sub(r'"[^"]*"|[a-z_]+', lambda word: _named(word[0], prefix), condition)


def _named(word: str, prefix: str) -> str:
    return word if word.startswith('"') else f"{prefix}{word}"


def rule_book() -> Engine:
    """Ours: with all reasons, obligations and the number of approvers."""
    return Engine(
        written_models,
        read_models,
        lambda given: [decide(*each).allowed for each in given],
    )


def by_hand() -> Engine:
    """Plain `if`, over the same models."""
    return Engine(
        written_models,
        read_models,
        lambda given: [allows(*each) for each in given],
    )


def written_models(case: Case) -> tuple[bytes | None, bytes, bytes, Any]:
    """The models as JSON; the instant stays what it is."""
    policy = case.policy.canonical() if case.policy else None
    return policy, case.request.canonical(), case.observation.canonical(), case.now


def read_models(written: tuple[bytes | None, bytes, bytes, Any]) -> tuple[Any, ...]:
    """The models, checked field by field."""
    policy, request, observation, now = written
    return (
        Policy.from_json(policy) if policy else None,
        Request.from_json(request),
        Observation.from_json(observation),
        now,
    )


def written_facts(case: Case) -> str:
    """The facts as JSON."""
    return json.dumps(facts(case))


def cedar() -> Engine:
    """Cedar: everything is permitted, and each rule forbids. It reads JSON whenever it decides."""
    cedarpy = engine("cedarpy")
    policies = cedarpy.PolicySet.from_str(
        "permit(principal, action, resource) when { context.policy_known };\n"
        + "\n".join(
            "forbid(principal, action, resource) when "
            f"{{ context.policy_known && ({with_prefix(condition, 'context.')}) }};"
            for condition in REFUSED_WHEN.values()
        )
    )
    nobody = cedarpy.Entities.from_json_str("[]")
    who = {
        "principal": 'Person::"requester"',
        "action": 'Action::"rebuild"',
        "resource": 'Lane::"lane"',
    }

    def ask_all(given: Sequence[Any]) -> list[bool]:
        answers = cedarpy.is_authorized_batch(given, policies, nobody)
        return [each.decision is cedarpy.Decision.Allow for each in answers]

    return Engine(written_facts, lambda written: {**who, "context": written}, ask_all)


def rego() -> Engine:
    """Rego, compiled."""
    regopy = engine("regopy")
    interpreter = regopy.Interpreter()
    interpreter.add_module("rules", RULES_IN_REGO.read_text(encoding="utf-8"))
    bundle = interpreter.build(None, [ENTRY_IN_REGO])

    def ask(given: Any) -> bool:
        interpreter.set_input(given)
        return bool(interpreter.query_bundle_entrypoint(bundle, ENTRY_IN_REGO)[0][0])

    return Engine(
        written_facts,
        lambda written: regopy.Input(json.loads(written)),
        lambda given: [ask(each) for each in given],
    )


def casbin() -> Engine:
    """Casbin: one matcher; policy lines with a rule each would be parsed again for every case."""
    library = engine("casbin")
    allowed = " && ".join(
        f"!({with_prefix(condition, 'r.facts.')})" for condition in REFUSED_WHEN.values()
    )
    model = library.Model()
    model.load_model_from_text(
        MODEL_OF_CASBIN.format(condition=f"r.facts.policy_known && {allowed}")
    )
    enforcer = library.Enforcer(model)
    return Engine(
        written_facts, json.loads, lambda given: [enforcer.enforce(each) for each in given]
    )


def engine(name: str) -> Any:
    """A package that only the benchmark needs; installed for it the first time."""
    folder = str(provide_extra("benchmark"))
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


OURS = "decide"
ENGINES: dict[str, Callable[[], Engine]] = {
    OURS: rule_book,
    "plain if": by_hand,
    "cedarpy": cedar,
    "regopy": rego,
    "casbin": casbin,
}
"""By the name in the table."""
