"""What else happens to a lane than a rebuild: one file each, all carried out in the same way.

`life.py` is that way: look and get a digest; then do what the digest stands for.
"""

from typing import Any

from .adopt import Adopt
from .copy import Copy
from .enrol import Enrol
from .give_up_backup import GiveUpBackup
from .life import Asked, Life, LifePlan, carry_out, look
from .lost import DeclareLost
from .lower import Lower
from .moved import Moved
from .release import ReleaseKept
from .restamp import Restamp
from .retire import Retire

LIVES: tuple[Life[Any], ...] = (
    Enrol(),
    Adopt(),
    Restamp(),
    Lower(),
    DeclareLost(),
    Retire(),
    Moved(),
    Copy(),
    ReleaseKept(),
    GiveUpBackup(),
)
"""All of them, in the order in which they are listed."""

__all__ = ("LIVES", "Asked", "Life", "LifePlan", "carry_out", "life_of", "look")


def life_of(kind: str) -> Life[Any] | None:
    """The life that is proposed for signatures under this kind."""
    return next((life for life in LIVES if life.kind == kind), None)
