"""One operation from `start` to its end. Every step can be run again after a crash."""

from .abort import abort
from .finish import finish
from .materialise import RESTORED, materialise
from .retry import retry
from .settle import settle_as_it_stands
from .start import hand_out, start
from .steps import is_begun
from .undo import undo

__all__ = [
    "RESTORED",
    "abort",
    "finish",
    "hand_out",
    "is_begun",
    "materialise",
    "retry",
    "settle_as_it_stands",
    "start",
    "undo",
]
