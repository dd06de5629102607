"""What is to be signed, in words that can be read aloud."""

import json
import shlex
from collections.abc import Iterator
from datetime import timedelta

from launchplane_lane_contracts.approval import ApprovalTally
from launchplane_lane_contracts.explain import obligation_sentences, reason_count, reason_lines
from launchplane_lane_contracts.forecast import Forecast
from launchplane_lane_contracts.plan import Plan, PlanTarget
from launchplane_lane_contracts.policy_words import policy_meaning
from launchplane_lane_contracts.vocabulary import DataSource, TargetOrigin

from ..lane_office import utc_now
from ..new_since import new_words
from ..operations import RESTORED
from ..people_changes import ProposedPeople
from ..policy_changes import PolicyChange, ProposedChange
from ..spelled_out import one_line, spelled_out
from .folding import EDGE

WHAT_COMES = {
    DataSource.EXISTING: "The data stays; only what runs on it changes.",
    DataSource.EMPTY: "An empty Odoo takes the lane's name.",
    DataSource.UPSTREAM_RESTORE: "A copy of the upstream source takes the lane's name.",
    DataSource.BACKUP_RESTORE: "A proven backup of this lane takes its name.",
    DataSource.KEPT: "Data that an earlier rebuild set aside takes the lane's name again.",
}

SAID_BY = {
    TargetOrigin.PROVIDER: "provider itself",
    TargetOrigin.RECORD: "record",
    TargetOrigin.TYPED: "requester",
}
"""Who says what the provider target is."""

BROUGHT_BY = (
    "`lane-authority materialise`: compared with its source, row for row and file for file, "
    "and neutralised where that is obliged, before anything is set aside; or the lane's own "
    "script, which reads its source only after that, and of whose work `finish` sees less "
    "(docs/restoring.md)."
)
"""Which guarantees hold, by who restores."""


def plan_words(target: PlanTarget) -> str:
    """A rebuild in words: exactly what a signature covers."""
    said = spelled_out(target)
    return "\n".join((*_what(said), *_afterwards(said), f"Digest:     {target.digest()}"))


def sheet_words(plan: Plan, told: Forecast) -> str:
    """A rebuild as people want to read it before they sign: what it is, and what it comes to."""
    target, told = spelled_out(plan.target), spelled_out(told)
    return "\n".join(
        (
            *_what(target),
            f"Server:     {EDGE}{told.server}",
            f"Acts there: {EDGE}{shlex.join(told.reached_by)}",
            *_bytes(told),
            *_afterwards(target),
            *_when(told),
            *_guarantees(told),
            *_people(target, told),
            f"Digest:     {plan.plan_digest}",
        )
    )


def _what(target: PlanTarget) -> Iterator[str]:
    request = target.request
    yield (
        f"{request.operation.upper()} of lane {request.lane} from {request.data_source}, asked "
        f"for by {request.requester}."
    )
    if request.reason:
        yield f"Why: {request.reason}"
    yield f"What comes: {EDGE}{WHAT_COMES[request.data_source]}"
    yield (
        f"Database:   {EDGE}{target.database}, oid {target.database_oid or 'none'}, generation "
        f"{target.present_generation or 'none'}, cluster {target.system_identifier or 'unknown'}"
    )
    yield f"Files:      {EDGE}{target.filestore_path}"
    if target.upstream_source is not None:
        source = target.upstream_source
        of_lane = f", lane {source.lane}" if source.lane is not None else ""
        yield (
            f"Upstream:   {EDGE}{source.name} ({source.host}/{source.database}, files in "
            f"{source.filestore_path}{of_lane})"
        )
    if request.backup_id is not None:
        yield f"Backup:     {EDGE}{request.backup_id}"
    if request.data_source in RESTORED:
        yield f"Brought by: {EDGE}{BROUGHT_BY}"
    volumes = request.fresh_volumes
    if volumes is not None:
        files = ""
        if volumes.files_before is not None:
            files = f", files from {volumes.files_before} to {volumes.files_after}"
        yield (
            f"Volumes:    {EDGE}database from {volumes.database_before} to "
            f"{volumes.database_after}{files}; the provider leaves the old ones"
        )
    if request.kept_database is not None:
        yield f"Comes back: {EDGE}{request.kept_database}, oid {target.kept_database_oid}"
    if request.provider_target is not None:
        live = request.provider_target
        domains = ", ".join(live.domains) or "no domains"
        yield (
            f"Provider:   {EDGE}{live.name} ({live.target_id}, {domains}), as the "
            f"{SAID_BY[live.read_from]} says"
        )
    if request.retries is not None:
        yield f"Once more:  {EDGE}operation {request.retries}, which is unfinished"
    if request.attest_runtime:
        yield f"Runtime:    {EDGE}where it is down, the guard may attest for it"


def _afterwards(target: PlanTarget) -> Iterator[str]:
    if target.obligations is not None:
        yield "Afterwards:"
        yield from (f"  {each}" for each in obligation_sentences(target.obligations))


def _bytes(told: Forecast) -> Iterator[str]:
    for name, found in (
        ("To keep:", told.to_keep),
        ("To copy:", told.to_copy),
        ("To come:", told.to_come),
    ):
        size = "unknown" if found.count is None else size_words(found.count)
        yield f"{name:<12}{EDGE}{size}: {found.detail}"
    if told.new_since is not None:
        yield (
            f"New since:  {EDGE}{new_words(told.new_since)}. What comes lacks it; it is kept with "
            "what stands there now"
        )


def _when(told: Forecast) -> Iterator[str]:
    if told.kept_until is not None:
        yield (
            f"Kept until: {EDGE}{told.kept_until:%Y-%m-%d %H:%M} UTC, were it over at once; it is "
            "dropped by `release` alone"
        )
    if told.last_took is None:
        yield f"Last time:  {EDGE}unknown: no rebuild of this kind was settled here yet"
    else:
        yield f"Last time:  {EDGE}{took_words(told.last_took)} ({told.last_operation})"


def _guarantees(told: Forecast) -> Iterator[str]:
    for title, holds in (("It holds:", True), ("It does not hold:", False)):
        found = [each for each in told.guarantees if each.holds is holds]
        if found:
            yield title
        for each in found:
            yield f"  - {each.words}" + (f" ({each.detail})" if each.detail else "")


def _people(target: PlanTarget, told: Forecast) -> Iterator[str]:
    people, requester = told.people, target.request.requester
    number = people.approvers_required
    if not number and not people.requester_signs:
        yield f"Signatures: {EDGE}none is asked for"
        return
    approvers = {0: "no approver", 1: "one approver"}.get(number, f"{number} approvers")
    yield (
        f"Signatures: {EDGE}{approvers} and the requester {requester}, who never counts as an "
        "approver"
    )
    could = ", ".join(people.could_approve) or "nobody on record"
    if number:
        yield f"Could sign: {EDGE}{could}"
    yield f"Signed:     {EDGE}{', '.join(people.signed) or 'nobody yet'}"


def size_words(count: int) -> str:
    """Bytes for people."""
    size, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{count} bytes" if unit == "bytes" else f"{size:,.1f} {unit}"


def took_words(time: timedelta) -> str:
    """How long something took, for people."""
    seconds = max(0, round(time.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def refusal_words(plan: Plan) -> str:
    """Why a plan is refused, with each way on, and what it looked at."""
    target, reasons = spelled_out(plan.target), spelled_out(plan.decision.reasons)
    request = target.request
    return "\n".join(
        (
            f"REFUSED: {request.operation}/{request.data_source} on lane {request.lane}, for "
            f"{reason_count(reasons)}.",
            *reason_lines(reasons),
            "",
            f"Looked at:  {EDGE}{target.database}, oid {target.database_oid or 'none'}, generation "
            f"{target.present_generation or 'none'}; files in {target.filestore_path}",
            "Nothing was changed.",
            f"Digest:     {plan.plan_digest}",
        )
    )


def policy_words(proposed: ProposedChange) -> str:
    """A change of policy in words."""
    change = spelled_out(proposed.change)
    policy = change.policy
    recorded = proposed.change.policy.to_plain()
    lines = [
        f"POLICY of lane {policy.lane} becomes revision {change.after_revision + 1}, proposed by "
        f"{change.proposer}: {change.reason}",
        *(
            f"  {name} = {one_line(json.dumps(recorded[name]))}"
            for name in type(policy).model_fields
            if name not in ("lane", "schema_version") and recorded[name] is not None
        ),
        "What that means today:",
        *(f"  {each}" for each in policy_meaning(policy, utc_now())),
        *(f"  It loosens: {one_line(each)}" for each in proposed.loosens),
        *_lowering_lines(change),
        f"Approvers besides the proposer: {proposed.tally.required}",
        *_waits(proposed.tally),
        f"Digest: {proposed.digest}",
    ]
    return "\n".join(lines)


def _lowering_lines(change: PolicyChange) -> tuple[str, ...]:
    if change.lowers is None:
        return ()
    claim = ", and the claim of protection that was made inside Odoo" if change.lowers_claim else ""
    return (
        f"  It lowers: the marker of generation {change.lowers} in the lane's database{claim}; "
        "PostgreSQL no longer refuses to drop it",
    )


def _waits(tally: ApprovalTally) -> tuple[str, ...]:
    until = tally.cooling_off_until
    if until is None:
        return ()
    return (f"It may be applied from {until:%Y-%m-%d %H:%M} UTC on, in place of more approvers.",)


def people_words(proposed: ProposedPeople) -> str:
    """A change of whose signatures count, in words."""
    change = spelled_out(proposed.change)
    numbers = change.people.thresholds
    return "\n".join(
        (
            f"WHOSE SIGNATURES COUNT is changed, proposed by {change.proposer}: {change.reason}",
            *(f"  {one_line(line)}" for line in sorted(proposed.change.people.lines)),
            f"Approvers asked for: {numbers.consequential} for what is consequential, "
            f"{numbers.grave} for what is grave",
            *(f"  It loosens: {one_line(each)}" for each in proposed.loosens),
            f"Approvers besides the proposer: {proposed.tally.required}",
            *_waits(proposed.tally),
            f"Digest: {proposed.digest}",
        )
    )
