"""The answer of the rule book."""

from .contract import Contract, Duration, VersionedContract
from .reasons import Reason


class Obligations(Contract):
    """What must be true when an allowed operation is over."""

    new_generation: bool
    """Whether other data takes the name."""
    same_database: bool
    """Whether the very same database and table must be there."""
    neutralise: bool
    """Whether what came must be neutralised, because it is not this lane's own data."""
    lock: bool
    """Whether PostgreSQL must refuse to drop the result."""
    keep_for: Duration
    """How long what was replaced is kept at least."""
    authoritative: bool
    """Whether the result counts as the only true copy."""


class Decision(VersionedContract):
    """Allowed, or all the reasons why not."""

    allowed: bool
    """Whether it may be done."""
    reasons: tuple[Reason, ...]
    """Every reason against it; empty exactly when it is allowed."""
    obligations: Obligations | None
    """What must be true afterwards; there whenever a policy is known."""
    approvers_required: int
    """Approvers asked for besides the requester."""
    requester_signs: bool
    """Whether the requester's own signature is asked for too."""
    rulebook_version: int
    """The version of the rule book that decided."""
