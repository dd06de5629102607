"""What every rule is given, and what it is asked to do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..contract import UtcInstant
from ..observation import Observation
from ..policy import EffectivePolicy, Policy
from ..reasons import Reason
from ..request import Request


@dataclass(frozen=True)
class Case:
    """One question to the rule book."""

    policy: Policy
    effective: EffectivePolicy
    request: Request
    seen: Observation
    now: UtcInstant
    retries: bool
    """Whether the request is to do the unfinished operation of the lane once more."""
    remains: bool
    """Whether what stands under the name is only what that operation left."""


Rule = Callable[[Case], Iterator[Reason]]
"""Yields every reason against the case that it finds."""
