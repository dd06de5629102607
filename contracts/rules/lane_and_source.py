"""Whether all of it is about one lane, and its data may come from there."""

from collections.abc import Iterator

from ..reasons import Reason, ReasonCode, reason
from ..request import Request
from .case import Case


def policy_unknown(request: Request) -> Reason:
    """Nobody recorded a policy."""
    return reason(
        ReasonCode.POLICY_UNKNOWN,
        f"Nobody has recorded a policy for lane {request.lane}, so nothing is allowed on it.",
        "Propose a policy for the lane; two approvers besides you sign it, then it is recorded.",
        lane=request.lane,
    )


def all_of_one_lane(case: Case) -> Iterator[Reason]:
    """Policy, request, observation and record are of one lane."""
    lanes = {
        str(lane)
        for lane in (case.policy.lane, case.request.lane, case.seen.lane, case.seen.record.lane)
    }
    if len(lanes) > 1:
        yield reason(
            ReasonCode.POLICY_OTHER_LANE,
            "Policy, request, observation and record are of different lanes: "
            f"{', '.join(sorted(lanes))}.",
            "Correct the configuration that leads to another lane, then plan again.",
            policy=case.policy.lane,
            request=case.request.lane,
            observation=case.seen.lane,
            record=case.seen.record.lane,
        )


def source_is_allowed(case: Case) -> Iterator[Reason]:
    """The effective policy allows the data source."""
    source = case.request.data_source
    if source in case.effective.allowed_sources:
        return
    allowed = ", ".join(case.effective.allowed_sources)
    if case.effective.expired and not case.policy.authoritative_data:
        yield reason(
            ReasonCode.POLICY_EXPIRED,
            f"The lane was provisional until {case.policy.provisional_until:%Y-%m-%d %H:%M} UTC "
            "and has counted as production since then.",
            "If it has gone live, record it as production. If not, propose a later "
            "provisional_until; two approvers besides you sign it.",
            provisional_until=case.policy.provisional_until,
        )
    why = ", ".join(case.effective.protected_by)
    yield reason(
        ReasonCode.SOURCE_NOT_ALLOWED,
        f"Lane {case.request.lane} may not be rebuilt from {source}: "
        + (
            f"its data is the only true copy (said by: {why})."
            if case.effective.authoritative
            else "its policy does not allow it."
        ),
        f"Allowed data sources here are: {allowed}. If the lane really may be rebuilt from "
        f"{source}, propose a policy that says so; two approvers besides you sign it.",
        data_source=source,
        allowed=allowed,
        rollout_state=case.policy.rollout_state,
        protected_by=why or None,
    )
