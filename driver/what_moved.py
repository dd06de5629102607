"""What is no longer as it was reviewed: what a signature covers, and what else has moved."""

from collections.abc import Mapping

from launchplane_lane_contracts.decision import Decision
from launchplane_lane_contracts.plan import Plan, PlanTarget
from launchplane_lane_contracts.policy import Policy
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .value_words import fields_in_words, value_words

NOTHING = "nothing"

Moved = Mapping[str, tuple[str, str]]
"""What was and what is, by the name of the fact."""


def readings_of(plan: Plan) -> dict[str, str]:
    """What a plan was decided on and no signature covers, in words, by name."""
    seen = plan.observation
    gate, proof = seen.present.gate, seen.present.data_proof
    unfinished = seen.record.unfinished
    found = {
        "policy revision": plan.policy_revision,
        "database": seen.database.state,
        "database size in bytes": plan.size_bytes,
        "locked": seen.database.locked,
        "marker": seen.marker.state,
        "protection claimed inside Odoo": seen.marker.claimed,
        "files": seen.filestore.state,
        "runtime": seen.runtime.state,
        "keep": seen.keep.state,
        "room": seen.room.state,
        "backup": gate.backup_id if gate else None,
        "snapshot of that backup": gate.snapshot_at if gate else None,
        "data proof of that backup": proof.proven_at if proof else None,
        "kept data": tuple(each.name for each in seen.record.kept),
        "operation in progress": unfinished.operation_id if unfinished else None,
        "signed by": tuple(sorted(each.person for each in seen.approvals)),
        "approvers asked for": plan.decision.approvers_required,
        "store can be trusted": seen.store_trusted,
        "clocks agree": seen.clock_trusted,
        "decision": _verdict(plan.decision),
    }
    return {name: value_words(value) for name, value in found.items()}


def _verdict(decision: Decision) -> str:
    codes = sorted({each.code.value for each in decision.reasons})
    return f"refused ({', '.join(codes)})" if codes else "allowed"


def moved(before: Mapping[str, str], now: Mapping[str, str]) -> Moved:
    """What differs between two sets of facts, in the order of the later one."""
    names = [*now, *(name for name in before if name not in now)]
    pairs = {name: (before.get(name, NOTHING), now.get(name, NOTHING)) for name in names}
    return {name: (was, is_now) for name, (was, is_now) in pairs.items() if was != is_now}


def what_changed(
    reviewed: PlanTarget,
    made: Plan,
    *,
    readings: Mapping[str, str],
    policies: tuple[Policy | None, Policy | None],
    since: str,
) -> tuple[Reason, ...]:
    """Why a plan is not the reviewed one any more; nothing where it is, and is decided alike.

    `readings` are those of the review (empty where they are not known), `policies` the policy
    that was in force then and the one that is; `since` says when that was.
    """
    covered = moved(fields_in_words(reviewed), fields_in_words(made.target))
    if not covered and not _decided_otherwise(readings, made):
        return ()
    also: dict[str, tuple[str, str]] = {}
    if readings:
        also |= moved(readings, readings_of(made))
        then, now = (fields_in_words(each) if each is not None else {} for each in policies)
        also |= {f"policy, {name}": pair for name, pair in moved(then, now).items()}
    what = (
        f"Since {since}, this has changed: {_words(covered)}."
        if covered
        else f"What was signed or reviewed stands as it was, but since {since} the decision on it "
        "has changed."
    )
    others = f" Changed as well, though no signature covers it: {_words(also)}." if also else ""
    return (
        reason(
            ReasonCode.PLAN_CHANGED,
            what + others,
            "Plan again and let the new plan be reviewed."
            if covered
            else "Put right what the other reasons name; then this very plan holds again.",
            **{_key(name): _step(pair) for name, pair in {**also, **covered}.items()},
        ),
    )


def _decided_otherwise(readings: Mapping[str, str], made: Plan) -> bool:
    """Whether a reason stands against it that did not when it was reviewed."""
    if not readings:
        return False
    then = readings["decision"]
    return any(each.code.value not in then for each in made.decision.reasons)


def _words(changes: Moved) -> str:
    return "; ".join(f"{name}: {_step(pair)}" for name, pair in changes.items())


def _key(name: str) -> str:
    return name.replace(", ", ".").replace(" ", "_")


def _step(pair: tuple[str, str]) -> str:
    return f"{pair[0]} -> {pair[1]}"
