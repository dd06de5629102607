"""One of many long-lived processes that want the same lane and the same approval at once."""

import hashlib
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from typing import Any

from launchplane_lane_contracts.contract import Digest, Person
from launchplane_lane_contracts.errors import Busy, Refused
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.vocabulary import OperationPhase
from tests.driver.places import Place
from tests.driver.sample import CM, NOW, REQUESTER, open_policy, plan_for

PATIENCE_SECONDS = 240


def digest_of(turn: int) -> Digest:
    """What is signed in one round."""
    return Digest(hashlib.sha256(f"round {turn}".encode()).hexdigest())


def own_lane(number: int) -> Lane:
    """A lane that nobody else wants."""
    return Lane(product="odoo-tenant-many", context=f"lane{number}", instance="prod")


def contend(place: Place, number: int, rounds: int, barrier: Barrier, outcomes: Any) -> None:
    """Every round: claim the one lane, and use the one approval for a policy of an own lane.

    Puts a pair for each round: whether the lane was won, and whether the approval was.
    """
    store = place.open()
    found: list[tuple[bool, bool]] = []
    for turn in range(rounds):
        plan = plan_for(store.host_record(CM), reason=f"round {turn}")
        digest = digest_of(turn)
        if number == 0:
            store.add_approval(
                digest=digest,
                person=Person("ann"),
                key_fingerprint="f",
                signature="s",
                now=NOW,
            )
        barrier.wait(PATIENCE_SECONDS)
        (approval,) = store.approvals(digest)
        barrier.wait(PATIENCE_SECONDS)
        try:
            held = store.claim(plan, now=NOW, approvals_used=())
        except Busy:
            held = None
        barrier.wait(PATIENCE_SECONDS)
        used = _use(store, number, digest, (approval.approval_id,))
        barrier.wait(PATIENCE_SECONDS)
        if held is not None:
            store.advance(
                held.operation_id,
                expected=frozenset({OperationPhase.AUTHORIZED}),
                to=OperationPhase.ABORTED,
                now=NOW,
            )
        barrier.wait(PATIENCE_SECONDS)
        found.append((held is not None, used))
    store.close()
    outcomes.put(found)


def _use(store: Any, number: int, digest: Digest, approvals: Sequence[int]) -> bool:
    try:
        store.record_policy(
            open_policy(own_lane(number)),
            actor=REQUESTER,
            reason="mine",
            change_digest=digest,
            now=NOW,
            approvals_used=tuple(approvals),
        )
    except Refused:
        return False
    return True
