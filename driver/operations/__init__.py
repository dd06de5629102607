"""One operation from `start` to its end. Every step can be run again after a crash."""

from .finish import finish
from .start import start
from .steps import is_begun
from .undo import undo

__all__ = ["finish", "is_begun", "start", "undo"]
