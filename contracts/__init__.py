"""The words and the rule book of launchplane-lane-authority. No input, no output, no clock."""

from .contract import RULEBOOK_VERSION
from .lane import Lane
from .policy import Policy, effective_policy
from .rulebook import decide

__all__ = ["RULEBOOK_VERSION", "Lane", "Policy", "decide", "effective_policy"]
