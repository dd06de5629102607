"""Signatures under one exact digest."""

from datetime import timedelta

from .contract import Contract, DigestField, PersonField, UtcInstant

APPROVAL_VALID_FOR = timedelta(hours=24)
"""How long a signature counts."""

SIGNATURE_NAMESPACE = "launchplane-lane-authority"
"""The purpose that `ssh-keygen -Y sign -n` binds a signature to."""


class Approval(Contract):
    """One verified signature of one person."""

    person: PersonField
    """Who signed; the principal of the approvers file."""
    signed_digest: DigestField
    """What was signed."""
    signed_at: UtcInstant
    """When it was recorded (UTC)."""

    def counts_at(self, now: UtcInstant) -> bool:
        """Whether it still counts; one from the future never does."""
        return timedelta(0) <= now - self.signed_at < APPROVAL_VALID_FOR


class ApprovalTally(Contract):
    """What is asked for, and what has been signed."""

    required: int
    """Approvers asked for, besides the requester."""
    requester_signed: bool
    """Whether the requester's own signature is there."""
    approvers: tuple[PersonField, ...]
    """Those who signed, without the requester, sorted."""

    @property
    def met(self) -> bool:
        """Whether it suffices."""
        if self.required == 0:
            return True
        return self.requester_signed and len(self.approvers) >= self.required


def tally_approvals(
    approvals: tuple[Approval, ...], *, requester: str, required: int, now: UtcInstant
) -> ApprovalTally:
    """Count people, not signatures; the requester never counts as an approver."""
    people = {approval.person for approval in approvals if approval.counts_at(now)}
    return ApprovalTally(
        required=required,
        requester_signed=requester in people,
        approvers=tuple(sorted(person for person in people if person != requester)),
    )
