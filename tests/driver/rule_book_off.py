"""The rule book planted off: it says yes to everything, in this process and in a guard's.

For the runs in which a test of a refusal must fail.
"""

from collections.abc import Sequence

import pytest

from launchplane_lane_contracts.contract import UtcInstant
from launchplane_lane_contracts.decision import Decision
from launchplane_lane_contracts.observation import Observation
from launchplane_lane_contracts.policy import Policy
from launchplane_lane_contracts.request import Request
from launchplane_lane_contracts.rulebook import decide
from launchplane_lane_driver import planning
from launchplane_lane_guard import begin, command_line


def says_yes(
    policy: Policy | None, request: Request, observation: Observation, now: UtcInstant
) -> Decision:
    """What the rule book would say, without a reason against it."""
    decision = decide(policy, request, observation, now)
    return decision.model_copy(update={"allowed": True, "reasons": ()})


def plant_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host decides by it from now on."""
    monkeypatch.setattr(planning, "decide", says_yes)


def main(arguments: Sequence[str]) -> int:
    """Run the guard with it; the fork server does."""
    begin.decide = says_yes  # type: ignore[attr-defined]
    return command_line.main(list(arguments))
