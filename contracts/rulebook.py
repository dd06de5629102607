"""The one rule book. Both sides run it: pure, total, without input, output or a clock of its own.

Each rule looks at one thing and yields every reason that it finds. A decision allows only when
no rule found any.
"""

from .contract import RULEBOOK_VERSION, UtcInstant
from .decision import Decision, Obligations
from .observation import Observation
from .policy import SHORTEST_KEEPING_OF_AUTHORITATIVE_DATA, Policy, effective_policy
from .reasons import Reason
from .request import Request
from .rules.backups_and_sources import (
    backup_is_proven,
    kept_data_is_unchanged,
    present_data_is_backed_up,
    upstream_agrees,
)
from .rules.case import Case, Rule
from .rules.database_and_files import (
    database_is_known,
    files_are_ours,
    keep_is_ready,
    marker_is_bound,
    there_is_room,
)
from .rules.lane_and_source import all_of_one_lane, policy_unknown, source_is_allowed
from .rules.people_and_host import (
    enough_people_signed,
    host_is_trusted,
    nothing_is_in_progress,
    provider_target_is_ours,
)
from .rules.retry import (
    is_retry,
    only_remains_stand_there,
    retry_is_of_what_is_unfinished,
)
from .rules.second_witness import runtime_agrees
from .rules.signatures_demanded import signatures_demanded
from .vocabulary import DataSource


def decide(
    policy: Policy | None, request: Request, observation: Observation, now: UtcInstant
) -> Decision:
    """Whether `request` may be done to the lane as observed, at `now` (UTC).

    Never raises; a refusal carries all its reasons.
    """
    if policy is None:
        return Decision(
            allowed=False,
            reasons=(policy_unknown(request), *host_is_trusted(observation)),
            obligations=None,
            approvers_required=0,
            requester_signs=False,
            rulebook_version=RULEBOOK_VERSION,
        )
    case = _case(policy, request, observation, now)
    reasons = tuple(found for rule in RULES for found in rule(case))
    demand = signatures_demanded(case)
    return Decision(
        allowed=not reasons,
        reasons=reasons,
        obligations=_obligations(case),
        approvers_required=demand.approvers,
        requester_signs=demand.requester_signs,
        rulebook_version=RULEBOOK_VERSION,
    )


def _case(policy: Policy, request: Request, observation: Observation, now: UtcInstant) -> Case:
    remains = only_remains_stand_there(request, observation)
    marker, unfinished = observation.marker, observation.record.unfinished
    # A marker in remains came with other data; what counts is what the operation had found.
    found_authoritative = unfinished is not None and unfinished.authoritative
    return Case(
        policy,
        effective_policy(
            policy,
            now,
            marker_authoritative=found_authoritative if remains else marker.authoritative,
            claimed=marker.claimed and not remains,
        ),
        request,
        observation,
        now,
        retries=is_retry(request, observation),
        remains=remains,
    )


def _obligations(case: Case) -> Obligations:
    existing = case.request.data_source is DataSource.EXISTING
    kept = case.seen.incoming.kept
    authoritative = case.effective.authoritative or bool(
        case.request.data_source is DataSource.KEPT and kept is not None and kept.authoritative
    )
    keep_for = case.policy.replaced_kept_for
    if case.effective.authoritative:
        # Expiry, marker or claim may protect data whose policy keeps it for less long.
        keep_for = max(keep_for, SHORTEST_KEEPING_OF_AUTHORITATIVE_DATA)
    return Obligations(
        new_generation=not existing,
        same_database=existing,
        neutralise=case.request.data_source is DataSource.UPSTREAM_RESTORE,
        lock=authoritative,
        keep_for=keep_for,
        authoritative=authoritative,
    )


def source_reasons(
    policy: Policy, request: Request, observation: Observation, now: UtcInstant
) -> tuple[Reason, ...]:
    """The reasons of `decide` that are about where the data comes from, and no others.

    For the moment after `begin`, when what was there has been set aside.
    """
    case = _case(policy, request, observation, now)
    return tuple(found for rule in SOURCE_RULES for found in rule(case))


SOURCE_RULES: tuple[Rule, ...] = (
    all_of_one_lane,
    source_is_allowed,
    upstream_agrees,
    backup_is_proven,
    kept_data_is_unchanged,
)
"""The rules that are about where the data comes from."""

RULES: tuple[Rule, ...] = (
    all_of_one_lane,
    source_is_allowed,
    database_is_known,
    marker_is_bound,
    files_are_ours,
    keep_is_ready,
    there_is_room,
    runtime_agrees,
    present_data_is_backed_up,
    upstream_agrees,
    backup_is_proven,
    kept_data_is_unchanged,
    provider_target_is_ours,
    enough_people_signed,
    nothing_is_in_progress,
    retry_is_of_what_is_unfinished,
    lambda case: host_is_trusted(case.seen),
)
"""All rules, in the order in which their reasons are told."""
