"""Signatures under one exact digest, and how many people must give them."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from .contract import (
    Contract,
    DigestField,
    Duration,
    PersonField,
    UtcInstant,
    VersionedContract,
    later,
)
from .vocabulary import Weight

APPROVAL_VALID_FOR = timedelta(hours=24)
"""How long a signature counts."""

COOLING_OFF = timedelta(hours=24)
"""How long is waited, from the proposal, where people are missing for something grave."""

APPROVERS_FOR_GRAVE = 2
"""Approvers that something grave asks for where the installation set no lower number."""

SIGNATURE_NAMESPACE = "launchplane-lane-authority"
"""The purpose that `ssh-keygen -Y sign -n` binds a signature to."""


class Thresholds(VersionedContract):
    """Approvers asked for besides the requester. An installation may lower them, never raise."""

    consequential: Annotated[int, Field(ge=0, le=1)] = 1
    """For what sets authoritative data aside or takes it as another's."""
    grave: Annotated[int, Field(ge=0, le=APPROVERS_FOR_GRAVE)] = APPROVERS_FOR_GRAVE
    """For what loosens, or gives authoritative data up. What is lacking is waited for."""


class Demand(Contract):
    """What signatures one step asks for."""

    approvers: Annotated[int, Field(ge=0, le=APPROVERS_FOR_GRAVE)]
    """Approvers besides the requester."""
    requester_signs: bool
    """Whether the requester signs too."""
    cooling_off: Duration
    """How long is waited from the proposal on."""

    def cooled_at(self, proposed_at: UtcInstant) -> UtcInstant | None:
        """The end (UTC) of the cooling-off of what was proposed then; None where there is none."""
        return later(proposed_at, self.cooling_off) if self.cooling_off else None


def demand_for(weight: Weight, thresholds: Thresholds) -> Demand:
    """What a step of this weight asks for in an installation with these numbers."""
    if weight is Weight.ROUTINE:
        return Demand(approvers=0, requester_signs=False, cooling_off=timedelta(0))
    if weight is Weight.CONSEQUENTIAL:
        return Demand(
            approvers=thresholds.consequential, requester_signs=True, cooling_off=timedelta(0)
        )
    alone = thresholds.grave < APPROVERS_FOR_GRAVE
    return Demand(
        approvers=thresholds.grave,
        requester_signs=True,
        cooling_off=COOLING_OFF if alone else timedelta(0),
    )


class Approval(Contract):
    """One verified signature of one person."""

    person: PersonField
    """Who signed; the principal of the approvers file."""
    signed_digest: DigestField
    """What was signed."""
    signed_at: UtcInstant
    """When it was recorded (UTC)."""

    def counts_at(self, now: UtcInstant, *, not_before: UtcInstant | None = None) -> bool:
        """Whether it still counts; one from the future never does.

        Where there is a cooling-off that ends at `not_before`, the 24 hours are counted from there.
        """
        since = self.signed_at if not_before is None else max(self.signed_at, not_before)
        return self.signed_at <= now and now - since < APPROVAL_VALID_FOR


class ApprovalTally(Contract):
    """What is asked for, and what has been signed."""

    required: int
    """Approvers asked for, besides the requester."""
    requester_signs: bool
    """Whether the requester's own signature is asked for."""
    requester_signed: bool
    """Whether it is there."""
    approvers: tuple[PersonField, ...]
    """Those who signed, without the requester, sorted."""
    cooling_off_until: UtcInstant | None
    """The instant (UTC) before which it does not suffice; None when nothing is waited for."""

    def who_counts(self, requester: str) -> frozenset[str]:
        """Everybody whose signature counts, the requester among them who signed it too."""
        return frozenset((*self.approvers, *((requester,) if self.requester_signed else ())))

    @property
    def met(self) -> bool:
        """Whether the signatures suffice and nothing is waited for any more."""
        return (
            (self.requester_signed or not self.requester_signs)
            and len(self.approvers) >= self.required
            and self.cooling_off_until is None
        )


def tally_approvals(
    approvals: tuple[Approval, ...],
    *,
    requester: str,
    demand: Demand,
    proposed_at: UtcInstant,
    now: UtcInstant,
) -> ApprovalTally:
    """Count people, not signatures; the requester never counts as an approver."""
    cooled_at = demand.cooled_at(proposed_at)
    people = {each.person for each in approvals if each.counts_at(now, not_before=cooled_at)}
    return ApprovalTally(
        required=demand.approvers,
        requester_signs=demand.requester_signs,
        requester_signed=requester in people,
        approvers=tuple(sorted(person for person in people if person != requester)),
        cooling_off_until=cooled_at if cooled_at is not None and now < cooled_at else None,
    )
