"""The host's clock was ahead and is right again: what a signature under its correction covers."""

from typing import Annotated

from pydantic import Field

from .contract import PersonField, UtcInstant, VersionedContract
from .vocabulary import Weight


class ClockCorrection(VersionedContract):
    """Entries of the ledger from the future no longer say what time it is."""

    requester: PersonField
    """Who asks."""
    reason: Annotated[str, Field(max_length=2000)]
    """Why, in that person's words."""
    entry: Annotated[int, Field(ge=1)]
    """The number of the entry with the highest time since the last correction."""
    written_at: UtcInstant
    """When that entry says that it was written (UTC), by the clock that was ahead."""

    @property
    def weight(self) -> Weight:
        """How many people must sign it: a clock that is set back makes old things look young."""
        return Weight.CONSEQUENTIAL
