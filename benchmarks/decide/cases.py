"""The cases that everybody decides: some are allowed, and many are spoilt by one fact or more."""

from collections.abc import Iterator

from pydantic import ValidationError

from launchplane_lane_contracts.policy import Policy
from tests.contracts.cases import Case, allowed_cases
from tests.contracts.provocations import PROVOCATIONS
from tests.contracts.second_opinion.built import build
from tests.contracts.second_opinion.spaces import random_situations

SEED = 4


def cases(drawn: int) -> list[Case]:
    """Every allowed case by name, every provocation of a reason, and what is lawful of those drawn.

    A policy that contradicts itself can't be read, so nobody would ever decide on it.
    """
    return [
        *allowed_cases(),
        *(each.provoked() for each in PROVOCATIONS),
        *(each for each in _drawn(drawn) if _is_lawful(each.policy)),
    ]


def _drawn(count: int) -> Iterator[Case]:
    return (build(situation) for situation in random_situations(count, SEED))


def _is_lawful(policy: Policy | None) -> bool:
    if policy is None:
        return True
    try:
        Policy.from_json(policy.canonical())
    except ValidationError:
        return False
    return True
