"""One operation from `start` to its end. Every step can be run again after a crash."""

from .finish import finish
from .start import hand_out, start
from .steps import is_begun
from .undo import undo

__all__ = ["finish", "hand_out", "is_begun", "start", "undo"]
