"""`clock correct`: the host's clock was ahead, was set back, and agrees with PostgreSQL's again."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from launchplane_lane_contracts.approval import ApprovalTally, demand_for, tally_approvals
from launchplane_lane_contracts.clock_correction import ClockCorrection
from launchplane_lane_contracts.contract import Digest, Person
from launchplane_lane_contracts.errors import BadInput, Refused
from launchplane_lane_contracts.judgement import clock_problem
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import OperationPhase

from .database_witness import ask_database
from .guard_client import show
from .lane_configuration import LaneConfiguration
from .lane_office import LaneOffice, utc_now
from .spelled_out import spelled_out

CLOCK = "clock"
"""The kind under which a correction is proposed for signatures."""

AT_ONCE = 8
"""How many lanes are asked side by side."""


@dataclass(frozen=True)
class ServerClock:
    """One lane's PostgreSQL clock beside this host's."""

    lane: Lane
    seconds_apart: float | None
    """How far it is ahead of this host's clock; None where it cannot be read."""
    problem: str
    """Why the two cannot both be right, or why it cannot be read; else nothing."""


@dataclass(frozen=True)
class CorrectionPlan:
    """What would be corrected, what was found, and what it still needs."""

    digest: Digest
    correction: ClockCorrection
    servers: tuple[ServerClock, ...]
    lapsing: int
    """How many signatures that nobody used lapse with it."""
    expiring: tuple[str, ...]
    """The operations that are authorized only, and expire with it."""
    tally: ApprovalTally


def look_at_clock(office: LaneOffice, *, requester: Person, why: str) -> CorrectionPlan:
    """Say what would be corrected, and put it up for signatures.

    Raises BadInput without a reason, and where no entry of the ledger is from the future; Refused
    while this host's clock and PostgreSQL's do not agree.
    """
    if not why.strip():
        raise BadInput("Say why with --reason, for those who sign and for the record.")
    latest = office.store.latest_entry()
    if latest is None or not office.store.clock_problem(utc_now()):
        raise BadInput(
            "No entry of the ledger is from the future, so there is nothing to correct. Where a "
            "decision says `clock_unreliable`, a server's clock and this host's do not agree: "
            "`lane-authority doctor` says which."
        )
    servers = read_server_clocks(office)
    refused = tuple(_disagreement(servers))
    if refused:
        raise Refused.because(*refused)
    correction = ClockCorrection(
        requester=requester, reason=why, entry=latest.sequence, written_at=latest.at
    )
    digest = office.store.propose(CLOCK, correction, proposer=requester, now=utc_now())
    return CorrectionPlan(
        digest=digest,
        correction=correction,
        servers=servers,
        lapsing=sum(
            each.used_by is None and each.approval.signed_digest != digest
            for each in office.store.approvals()
        ),
        expiring=tuple(
            each.operation_id
            for each in office.store.operations()
            if each.phase is OperationPhase.AUTHORIZED
        ),
        tally=tally_approvals(
            office.approvals(digest),
            requester=requester,
            demand=demand_for(correction.weight, office.thresholds()),
            proposed_at=office.store.proposal(digest).proposed_at,
            now=utc_now(),
        ),
    )


def correct_clock(office: LaneOffice, digest: Digest) -> str:
    """Record a correction that is signed, and say what follows.

    Raises as `look_at_clock` does; Refused when another entry is the latest by now, or signatures
    are missing; BadInput when nobody proposed it.
    """
    asked = proposed_correction(office, digest)
    found = look_at_clock(office, requester=Person(asked.requester), why=asked.reason)
    if found.digest != digest:
        raise Refused.because(
            reason(
                ReasonCode.PLAN_CHANGED,
                f"The correction was of entry {asked.entry} of the ledger; entry "
                f"{found.correction.entry} has the highest time by now.",
                "Look at it again with `lane-authority clock correct` and let the new digest be "
                "signed.",
            )
        )
    if not found.tally.met:
        raise Refused.because(_signatures_missing(found))
    lapsed, expired = office.store.correct_clock(
        asked,
        digest=digest,
        approvals_used=office.free_approval_ids(digest, found.tally.who_counts(asked.requester)),
        now=utc_now(),
    )
    return (
        f"The clock is corrected: entry {asked.entry} of the ledger, from "
        f"{asked.written_at:%Y-%m-%d %H:%M:%S} UTC, no longer says what time it is. Signatures "
        f"that lapsed: {lapsed}. Operations that expired: {', '.join(expired) or 'none'}."
    )


def proposed_correction(office: LaneOffice, digest: Digest) -> ClockCorrection:
    """What was put up for signatures. Raises BadInput when it was something else, or nothing."""
    proposal = office.store.proposal(digest)
    if proposal.kind != CLOCK:
        raise BadInput(
            f"The digest {digest} is that of a {proposal.kind}. Give the one that "
            "`lane-authority clock correct` printed."
        )
    return ClockCorrection.from_json(proposal.document)


def correction_words(correction: ClockCorrection) -> str:
    """A correction in words."""
    said = spelled_out(correction)
    return "\n".join(
        (
            f"THE CLOCK of this host was ahead and is right again, says {said.requester}: "
            f"{said.reason}",
            f"Entry {correction.entry} of the ledger was written at "
            f"{correction.written_at:%Y-%m-%d %H:%M:%S} UTC by that clock.",
            "Afterwards: it no longer says what time it is, and this host decides again. Every "
            "signature that nobody used yet lapses, and every operation that is authorized only.",
            f"Digest:     {correction.digest()}",
        )
    )


def read_server_clocks(office: LaneOffice) -> tuple[ServerClock, ...]:
    """The clock of each configured lane's PostgreSQL, by whichever road it answers."""
    lanes = office.host.lanes()
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return tuple(pool.map(_server_clock, lanes, lanes.values()))


def _server_clock(lane: Lane, configuration: LaneConfiguration) -> ServerClock:
    database = show(configuration).database
    read_at = utc_now()
    if database.server is None:
        own = ask_database(configuration)
        database, read_at = own or database, utc_now()
    if database.server is None:
        return ServerClock(lane, None, database.problem or "its server does not answer")
    there = database.server.now
    return ServerClock(lane, _seconds(there, read_at), clock_problem(read_at, there))


def _seconds(there: datetime, here: datetime) -> float:
    return round((there - here).total_seconds(), 1)


def _disagreement(servers: Iterable[ServerClock]) -> Iterable[Reason]:
    read = tuple(each for each in servers if each.seconds_apart is not None)
    for each in read:
        if each.problem:
            yield reason(
                ReasonCode.CLOCK_UNRELIABLE,
                f"This host's clock and that of lane {each.lane}'s PostgreSQL do not agree: "
                f"{each.problem}.",
                "Set the clock that is wrong (time synchronisation), then try again.",
                lane=each.lane,
            )
    if not read:
        yield reason(
            ReasonCode.CLOCK_UNRELIABLE,
            "No lane's PostgreSQL answers, so nothing says that this host's clock is right.",
            "Bring one of the configured lanes into reach (`lane-authority doctor`), then try "
            "again.",
        )


def _signatures_missing(found: CorrectionPlan) -> Reason:
    own = "and the requester" if found.tally.requester_signed else "and not the requester"
    return reason(
        ReasonCode.APPROVALS_MISSING,
        f"`clock correct` needs the requester's signature and {found.tally.required} approver(s) "
        f"here; signed: {', '.join(found.tally.approvers) or 'no approver'} {own}.",
        f"Let them read it and sign it with `lane-authority approve {found.digest}`.",
        required=found.tally.required,
    )
