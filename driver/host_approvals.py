"""The second way to approve: the host application says who is logged in, and the host signs that.

No command leads here. It counts as that person's one signature, whatever else that person signs.
"""

from datetime import timedelta

from launchplane_lane_contracts.approval import Approval
from launchplane_lane_contracts.contract import Digest, UtcInstant
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .approvals import HOST_KEY, message_of
from .approvers_file import names_person
from .cooling_off import cooled_at
from .host_identity import HostApproval, HostIdentity
from .lane_office import LaneOffice, utc_now
from .people_changes import who_may_sign

LOGIN_VALID_FOR = timedelta(hours=12)
"""How long ago somebody may have proven who they are."""

LARGEST_CLOCK_STEP = timedelta(seconds=60)


def record_host_approval(office: LaneOffice, digest: Digest, identity: HostIdentity) -> Approval:
    """Record that a person whom the host application has authenticated approves a digest.

    Raises Refused when that person is no approver on record, or proved it too long ago; BadInput
    when nothing was proposed under the digest.
    """
    now = utc_now()
    message_of(digest)
    people = who_may_sign(office, digest)
    _refuse_an_old_login(identity, now)
    if not names_person(people, identity.person, now):
        raise _refused(
            f"{identity.person} is nobody in the approvers file at {now:%Y-%m-%d %H:%M} UTC, "
            f"whatever {identity.application} says.",
            "Have an approver approve it, or have the person added, which is a change that others "
            "approve.",
        )
    approval = HostApproval(signed_digest=digest, identity=identity)
    stored = office.store.add_approval(
        digest=digest,
        person=identity.person,
        key_fingerprint=f"{HOST_KEY}{identity.application}",
        signature=office.key.sign_approval(approval, issued_at=now),
        now=now,
        not_before=cooled_at(office, digest),
    )
    return stored.approval


def _refuse_an_old_login(identity: HostIdentity, now: UtcInstant) -> None:
    age = now - identity.authenticated_at
    if -LARGEST_CLOCK_STEP <= age < LOGIN_VALID_FOR:
        return
    raise _refused(
        f"{identity.person} proved it to {identity.application} at "
        f"{identity.authenticated_at:%Y-%m-%d %H:%M} UTC; it may be at most 12 hours ago, and "
        "not in the future.",
        "Log in there again, then approve.",
    )


def _refused(message: str, remedy: str) -> Refused:
    return Refused.because(reason(ReasonCode.APPROVALS_MISSING, message, remedy))
