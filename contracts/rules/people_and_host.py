"""Who signed, what is under way, what is acted on, and whether the host can be trusted."""

from collections.abc import Iterator

from ..approval import tally_approvals
from ..observation import Observation
from ..policy import LiveTarget, ProviderTarget
from ..reasons import Reason, ReasonCode, reason
from ..vocabulary import UNFINISHED_PHASES, TargetOrigin
from .case import Case
from .signatures_demanded import signatures_demanded


def provider_target_is_ours(case: Case) -> Iterator[Reason]:
    """What is about to be changed is the policy's provider target."""
    yield from target_reasons(case.policy.provider_target, case.request.provider_target)


def target_reasons(recorded: ProviderTarget | None, live: LiveTarget | None) -> Iterator[Reason]:
    """Why what is about to be changed cannot be taken for the target that the policy names."""
    if recorded is None:
        return
    if live is None:
        yield reason(
            ReasonCode.PROVIDER_TARGET_UNKNOWN,
            "The policy names a provider target, and nobody says which one is about to be changed.",
            "Let the caller name the provider's target as it is live, then try again.",
            recorded=recorded.name,
        )
        return
    if live.read_from is TargetOrigin.RECORD:
        yield reason(
            ReasonCode.PROVIDER_TARGET_NOT_LIVE,
            f"The provider's target {live.name} was taken from a record, which says nothing about "
            "what would really be changed.",
            "Let the caller ask the provider itself for its target, then try again.",
            target=live.target_id,
        )
    if not recorded.same_as(live):
        yield reason(
            ReasonCode.PROVIDER_TARGET_DIFFERS,
            f"What is about to be changed is {live.name} ({live.target_id}, "
            f"{', '.join(sorted(live.domains)) or 'no domains'}); the policy names "
            f"{recorded.name} ({recorded.target_id}, "
            f"{', '.join(sorted(recorded.domains)) or 'no domains'}).",
            "Point the provider's record at the lane's own target, then try again.",
            recorded=recorded.target_id,
            live=live.target_id,
        )


def enough_people_signed(case: Case) -> Iterator[Reason]:
    """Enough people signed."""
    demand = signatures_demanded(case)
    signed = tally_approvals(
        case.seen.approvals,
        requester=case.request.requester,
        demand=demand,
        proposed_at=case.now,
        now=case.now,
    )
    if not signed.met:
        missing = demand.approvers - len(signed.approvers)
        wanted = [f"{missing} more approver(s)"] if missing > 0 else []
        if not signed.requester_signed:
            wanted.append(f"the requester ({case.request.requester})")
        yield reason(
            ReasonCode.APPROVALS_MISSING,
            f"Authoritative data would be set aside; still to sign: {' and '.join(wanted)}.",
            "Let them read the plan and sign its digest with `lane-authority approve`.",
            required=demand.approvers,
            approvers=", ".join(signed.approvers) or "none",
        )


def nothing_is_in_progress(case: Case) -> Iterator[Reason]:
    """Nothing else is in progress on the lane."""
    unfinished = case.seen.record.unfinished
    if unfinished is None or case.retries:
        return
    if unfinished.phase in UNFINISHED_PHASES:
        yield reason(
            ReasonCode.OPERATION_UNFINISHED,
            f"Operation {unfinished.operation_id} was {unfinished.phase} and is not settled.",
            f"Finish it (`lane-authority finish {unfinished.operation_id}`), put the old data "
            f"back (`lane-authority undo {unfinished.operation_id}`), or do the same once more "
            f"(`lane-authority retry {unfinished.operation_id}`). Where the data that was recorded "
            f"never left its name: `lane-authority settle {unfinished.operation_id} "
            "--as-it-stands`.",
            operation_id=unfinished.operation_id,
            phase=unfinished.phase,
        )
    else:
        yield reason(
            ReasonCode.LANE_BUSY,
            f"Operation {unfinished.operation_id} holds the lane.",
            "Let it start, or wait until it lapses (with the first of its signatures, after 24 "
            "hours at the latest), or give it up "
            f"(`lane-authority undo {unfinished.operation_id}`).",
            operation_id=unfinished.operation_id,
            phase=unfinished.phase,
        )


def host_is_trusted(seen: Observation) -> Iterator[Reason]:
    """Store and clock can be trusted."""
    if not seen.store_trusted:
        yield reason(
            ReasonCode.STORE_ROLLED_BACK,
            "The host's store is older than the ledger head that is kept beside the signing key.",
            "Put the newest store back. If it is lost, bring this one in line with the lanes: "
            "`lane-authority reconcile`; nothing else is decided from it.",
        )
    if not seen.clock_trusted:
        yield reason(
            ReasonCode.CLOCK_UNRELIABLE,
            f"The clocks do not agree: {seen.clock_detail}.",
            "Correct the clock that is wrong (time synchronisation), then plan again. Where the "
            "host's was ahead and is right by now: `lane-authority clock correct`, which one "
            "approver signs.",
            detail=seen.clock_detail,
        )
