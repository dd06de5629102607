"""`drill`: of all lanes that require it, what is due is captured and proven, some at a time.

Drills on several machines that share a store take different lanes: each claims a lane for a while
and renews that as long as it lives, so a dead one's lane is taken over.
"""

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from launchplane_lane_contracts.errors import BadInput, LaneAuthorityError, Refused
from launchplane_lane_contracts.evidence import BackupGate
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.policy import effective_policy

from ..evidence import USUAL_BACKUP_MAX_AGE, proof_of
from ..lane_office import LaneOffice, utc_now
from .capture import capture_live
from .drill_report import DrilledLane, DrillOutcome, DrillReport
from .listing import BackupOnRecord, backups_on_record
from .prove import prove

CLAIMED_FOR = timedelta(minutes=10)
"""How long a drill that does not renew it any more keeps a lane from the others."""
RENEWALS = 5
"""How often a claim is renewed in that time."""


def say_nothing(_lane: Lane, _words: str) -> None:
    """Nobody is told how it goes on."""


@dataclass(frozen=True)
class HowToDrill:
    """What the operator chose."""

    at_once: int = 2
    """Lanes at the same time."""
    workers: int = 2
    """Workers in each lane."""
    due_after: timedelta | None = None
    """From which age on a proven backup is made anew; else from half of what the policy allows."""
    claimed_for: timedelta = CLAIMED_FOR
    """How long a claim lasts."""
    tell: Callable[[Lane, str], None] = say_nothing
    """Told what begins and ends at which lane."""


def lanes_to_drill(office: LaneOffice) -> tuple[Lane, ...]:
    """The lanes whose policy, as it counts now, requires a backup or its proof."""
    now = utc_now()
    return tuple(
        sorted(
            (
                lane
                for lane, revision in office.store.policies().items()
                for effective in (
                    effective_policy(
                        revision.policy, now, marker_authoritative=False, claimed=False
                    ),
                )
                if effective.requires_backup_before_destroy or effective.requires_restore_proof
            ),
            key=str,
        )
    )


def drill(office: LaneOffice, lanes: Sequence[Lane], how: HowToDrill) -> DrillReport:
    """Capture and prove what is due of these lanes. One that fails stops no other."""
    began = utc_now()
    # Of this run alone: another drill of this machine is another one.
    holder = secrets.token_hex(16)
    with ThreadPoolExecutor(max(1, how.at_once)) as pool:
        # A lane that is named twice is this drill's twice, and would be captured twice at once.
        each_once = dict.fromkeys(lanes)
        done = list(pool.map(lambda lane: _one(office, lane, holder, how), each_once))
    order = list(DrillOutcome)
    worst = (DrillOutcome.FAILED, DrillOutcome.COULD_NOT_TELL)
    done.sort(key=lambda each: (each.outcome not in worst, order.index(each.outcome)))
    return DrillReport(began_at=began, ended_at=utc_now(), lanes=tuple(done))


def _one(office: LaneOffice, lane: Lane, holder: str, how: HowToDrill) -> DrilledLane:
    problem, outcome = "", DrillOutcome.NOT_DUE
    try:
        if office.store.host_record(lane).identity is None:
            return DrilledLane(lane=lane, outcome=DrillOutcome.NOTHING_THERE)
        with _claimed(office, lane, holder, how) as mine:
            if not mine:
                outcome = DrillOutcome.ELSEWHERE
            # Only now, since another drill may just have done it.
            elif _is_due(office, lane, how):
                problem = _bring_up_to_date(office, lane, how)
                outcome = DrillOutcome.PROVEN
    except (Refused, BadInput) as refusal:
        problem, outcome = refusal.message, DrillOutcome.FAILED
    except LaneAuthorityError as unknown:
        problem, outcome = unknown.message, DrillOutcome.COULD_NOT_TELL
    except Exception as fault:
        # A fault of ours at one lane is no reason to leave the others.
        problem, outcome = f"({type(fault).__name__})", DrillOutcome.COULD_NOT_TELL
    how.tell(lane, outcome.value)
    return _reported(office, lane, outcome, problem)


def _reported(office: LaneOffice, lane: Lane, outcome: DrillOutcome, problem: str) -> DrilledLane:
    found = _newest_proven(office, lane)
    if found is None or found.data_proof is None:
        return DrilledLane(lane=lane, outcome=outcome, problem=problem)
    return DrilledLane(
        lane=lane,
        outcome=outcome,
        backup_id=found.gate.backup_id,
        snapshot_at=found.gate.snapshot_at,
        proven_at=found.data_proof.proven_at,
        recovery=found.data_proof.took,
        loads=found.load_proof is not None,
        problem=problem,
    )


def _newest_proven(office: LaneOffice, lane: Lane) -> BackupOnRecord | None:
    return next(
        (
            each
            for each in backups_on_record(office, lane)
            if each.of_present_data and each.data_proof is not None
        ),
        None,
    )


def _due_after(office: LaneOffice, lane: Lane, how: HowToDrill) -> timedelta:
    if how.due_after is not None:
        return how.due_after
    revision = office.store.policy(lane)
    # So that a drill once in that time finds it due before it is too old.
    return (revision.policy.backup_max_age if revision else USUAL_BACKUP_MAX_AGE) / 2


def _is_due(office: LaneOffice, lane: Lane, how: HowToDrill) -> bool:
    found = _newest_proven(office, lane)
    if found is None or utc_now() - found.gate.snapshot_at >= _due_after(office, lane, how):
        return True
    return found.load_proof is None and office.configuration(lane).load_command is not None


def _bring_up_to_date(office: LaneOffice, lane: Lane, how: HowToDrill) -> str:
    """Capture, unless a young backup is there, and prove; what a load that failed said."""
    gate = _young_gate(office, lane, how)
    if gate is None:
        how.tell(lane, "capturing")
        gate = capture_live(office, lane, workers=how.workers).gate
    how.tell(lane, "proving")
    found = prove(office, gate.backup_id, workers=how.workers)
    if found.load is not None and found.load_proof is None:
        raise Refused(f"Its data is proven, and Odoo does not load on it: {found.load.words}")
    return ""


def _young_gate(office: LaneOffice, lane: Lane, how: HowToDrill) -> BackupGate | None:
    """A backup that a drill before this one captured and did not come to prove."""
    age = _due_after(office, lane, how)
    recorded = office.store.evidence(lane)
    for each in backups_on_record(office, lane):
        if each.of_present_data and utc_now() - each.gate.snapshot_at < age:
            proven = proof_of(each.gate, recorded.data_proofs) is not None
            # One that was not proven may be damaged: that is found out by proving it, once.
            return each.gate if proven or not _failed(office, each.gate) else None
    return None


def _failed(office: LaneOffice, gate: BackupGate) -> bool:
    return any(
        entry.document.get("what") == "backup_not_proven"
        and entry.document["particulars"].get("backup_id") == gate.backup_id
        and "load" not in entry.document["particulars"]
        for entry in office.store.walk_ledger(gate.lane)
    )


@contextmanager
def _claimed(office: LaneOffice, lane: Lane, holder: str, how: HowToDrill) -> Iterator[bool]:
    """Whether the lane is this drill's until the end of the block. Raises CouldNotTell, Busy."""

    def claim() -> bool:
        now = utc_now()
        return office.store.claim_drill(lane, holder, now=now, until=now + how.claimed_for)

    if not claim():
        yield False
        return
    over = threading.Event()

    def renew() -> None:
        while not over.wait(how.claimed_for.total_seconds() / RENEWALS):
            # One that could not be renewed now may be the next time.
            with suppress(LaneAuthorityError):
                claim()

    renewing = threading.Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield True
    finally:
        over.set()
        renewing.join()
        with suppress(LaneAuthorityError):
            office.store.end_drill(lane, holder)
