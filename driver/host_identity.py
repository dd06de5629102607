"""Somebody whom the host application has authenticated. The second way to approve."""

from typing import Annotated

from pydantic import StringConstraints

from launchplane_lane_contracts.contract import (
    DigestField,
    PersonField,
    UtcInstant,
    VersionedContract,
)

Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class HostIdentity(VersionedContract):
    """Who is logged in at the host application, as that application says."""

    person: PersonField
    """The person, by the name that the approvers file has."""
    application: Word
    """The host application that says so."""
    subject: Word
    """What that application calls the person, for example an account's number."""
    authenticated_at: UtcInstant
    """When the person proved it there last (UTC)."""


class HostApproval(VersionedContract):
    """That somebody authenticated there approves a digest."""

    signed_digest: DigestField
    """What is approved."""
    identity: HostIdentity
    """By whom."""
