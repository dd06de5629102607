"""What is to be signed, in words that can be read aloud."""

import json

from launchplane_lane_contracts.explain import obligation_sentences, reason_count, reason_lines
from launchplane_lane_contracts.plan import Plan, PlanTarget
from launchplane_lane_contracts.policy_words import policy_meaning
from launchplane_lane_contracts.vocabulary import DataSource

from ..lane_office import utc_now
from ..operations import RESTORED
from ..people_changes import ProposedPeople
from ..policy_changes import PolicyChange, ProposedChange

WHAT_COMES = {
    DataSource.EXISTING: "The data stays; only what runs on it changes.",
    DataSource.EMPTY: "An empty Odoo takes the lane's name.",
    DataSource.UPSTREAM_RESTORE: "A copy of the upstream source takes the lane's name.",
    DataSource.BACKUP_RESTORE: "A proven backup of this lane takes its name.",
    DataSource.KEPT: "Data that an earlier rebuild set aside takes the lane's name again.",
}

BROUGHT_BY = (
    "`lane-authority materialise`: compared with its source, row for row and file for file,",
    "and neutralised where that is obliged, before anything is set aside; or the lane's own",
    "script, which reads its source only after that, and of whose work `finish` sees less",
    "(docs/restoring.md).",
)
"""Which guarantees hold, by who restores."""


def plan_words(target: PlanTarget) -> str:
    """A rebuild in words."""
    request, obligations = target.request, target.obligations
    lines = [
        f"{request.operation.upper()} of lane {request.lane} from {request.data_source}, asked "
        f"for by {request.requester}.",
        *([f"Why: {request.reason}"] if request.reason else []),
        f"What comes: {WHAT_COMES[request.data_source]}",
        f"Database:   {target.database}, oid {target.database_oid or 'none'}, generation "
        f"{target.present_generation or 'none'}, cluster {target.system_identifier or 'unknown'}",
        f"Files:      {target.filestore_path}",
    ]
    if target.upstream_source is not None:
        source = target.upstream_source
        lines.append(f"Upstream:   {source.name} ({source.host}/{source.database})")
    if request.data_source in RESTORED:
        lines += [
            f"{'Brought by:' if not number else '':<11} {each}"
            for number, each in enumerate(BROUGHT_BY)
        ]
    if request.kept_database is not None:
        lines.append(f"Comes back: {request.kept_database}, oid {target.kept_database_oid}")
    if obligations is not None:
        lines.append("Afterwards:")
        lines += [f"  {each}" for each in obligation_sentences(obligations)]
    lines.append(f"Digest:     {target.digest()}")
    return "\n".join(lines)


def refusal_words(plan: Plan) -> str:
    """Why a plan is refused, with each way on, and what it looked at."""
    target = plan.target
    request, reasons = target.request, plan.decision.reasons
    return "\n".join(
        (
            f"REFUSED: {request.operation}/{request.data_source} on lane {request.lane}, for "
            f"{reason_count(reasons)}.",
            *reason_lines(reasons),
            "",
            f"Looked at:  {target.database}, oid {target.database_oid or 'none'}, generation "
            f"{target.present_generation or 'none'}; files in {target.filestore_path}",
            "Nothing was changed.",
            f"Digest:     {target.digest()}",
        )
    )


def policy_words(proposed: ProposedChange) -> str:
    """A change of policy in words."""
    change = proposed.change
    policy = change.policy
    recorded = policy.to_plain()
    lines = [
        f"POLICY of lane {policy.lane} becomes revision {change.after_revision + 1}, proposed by "
        f"{change.proposer}: {change.reason}",
        *(
            f"  {name} = {json.dumps(recorded[name])}"
            for name in type(policy).model_fields
            if name not in ("lane", "schema_version") and recorded[name] is not None
        ),
        "What that means today:",
        *(f"  {each}" for each in policy_meaning(policy, utc_now())),
        *(f"  It loosens: {each}" for each in proposed.loosens),
        *_lowering_lines(change),
        f"Approvers besides the proposer: {proposed.tally.required}",
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


def people_words(proposed: ProposedPeople) -> str:
    """A change of whose signatures count, in words."""
    change = proposed.change
    numbers = change.people.thresholds
    return "\n".join(
        (
            f"WHOSE SIGNATURES COUNT is changed, proposed by {change.proposer}: {change.reason}",
            *(f"  {line}" for line in sorted(change.people.lines)),
            f"Approvers asked for: {numbers.consequential} for what is consequential, "
            f"{numbers.grave} for what is grave",
            *(f"  It loosens: {each}" for each in proposed.loosens),
            f"Approvers besides the proposer: {proposed.tally.required}",
            f"Digest: {proposed.digest}",
        )
    )
