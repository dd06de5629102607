"""The words and the rule book of launchplane-lane-authority. No input, no output, no clock."""

from typing import TYPE_CHECKING, Any

from .contract import RULEBOOK_VERSION

if TYPE_CHECKING:
    from .lane import Lane
    from .policy import Policy, effective_policy
    from .rulebook import decide

__all__ = ["RULEBOOK_VERSION", "Lane", "Policy", "decide", "effective_policy"]

_THEIR_FILES = {
    "Lane": "lane",
    "Policy": "policy",
    "effective_policy": "policy",
    "decide": "rulebook",
}


def __getattr__(name: str) -> Any:
    """The rest of them when somebody asks: who needs one file is not to wait for all."""
    if name not in _THEIR_FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_THEIR_FILES[name]}", __name__), name)
