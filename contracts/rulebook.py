"""The one rule book. Both sides run it: pure, total, without input, output or a clock of its own.

Each rule looks at one thing and yields every reason that it finds. A decision allows only when
no rule found any.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from .approval import tally_approvals
from .contract import RULEBOOK_VERSION, UtcInstant
from .decision import Decision, Obligations
from .evidence import BackupGate
from .observation import HostRecord, Observation
from .policy import (
    SHORTEST_KEEPING_OF_AUTHORITATIVE_DATA,
    EffectivePolicy,
    Policy,
    effective_policy,
)
from .reasons import Reason, ReasonCode, reason
from .request import Request
from .vocabulary import (
    UNFINISHED_PHASES,
    DatabaseState,
    DataSource,
    FilestoreState,
    KeepState,
    MarkerState,
    RuntimeState,
)


@dataclass(frozen=True)
class Case:
    """What every rule is given."""

    policy: Policy
    effective: EffectivePolicy
    request: Request
    seen: Observation
    now: UtcInstant


Rule = Callable[[Case], Iterator[Reason]]


def decide(
    policy: Policy | None, request: Request, observation: Observation, now: UtcInstant
) -> Decision:
    """Whether `request` may be done to the lane as observed, at `now` (UTC).

    Never raises; a refusal carries all its reasons.
    """
    if policy is None:
        return Decision(
            allowed=False,
            reasons=(_policy_unknown(request), *_trust(observation)),
            obligations=None,
            approvers_required=0,
            rulebook_version=RULEBOOK_VERSION,
        )
    effective = effective_policy(
        policy,
        now,
        marker_authoritative=observation.marker.authoritative,
        claimed=observation.marker.claimed,
    )
    case = Case(policy, effective, request, observation, now)
    reasons = tuple(found for rule in RULES for found in rule(case))
    return Decision(
        allowed=not reasons,
        reasons=reasons,
        obligations=_obligations(case),
        approvers_required=approvers_required(effective, request, observation),
        rulebook_version=RULEBOOK_VERSION,
    )


def approvers_required(
    effective: EffectivePolicy, request: Request, observation: Observation
) -> int:
    """Approvers asked for besides the requester."""
    if request.data_source is DataSource.EXISTING or observation.nothing_to_set_aside:
        return 0
    return 1 if effective.authoritative else 0


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


def _policy_unknown(request: Request) -> Reason:
    return reason(
        ReasonCode.POLICY_UNKNOWN,
        f"Nobody has recorded a policy for lane {request.lane}, so nothing is allowed on it.",
        "Propose a policy for the lane; two approvers besides you sign it, then it is recorded.",
        lane=request.lane,
    )


def _policy_of_this_lane(case: Case) -> Iterator[Reason]:
    lanes = {
        str(lane)
        for lane in (case.policy.lane, case.request.lane, case.seen.lane, case.seen.record.lane)
    }
    if len(lanes) > 1:
        yield reason(
            ReasonCode.POLICY_OTHER_LANE,
            "Policy, request, observation and record are of different lanes: "
            f"{', '.join(sorted(lanes))}.",
            "Plan again and let the driver read the lane that you mean.",
            policy=case.policy.lane,
            request=case.request.lane,
            observation=case.seen.lane,
            record=case.seen.record.lane,
        )


def _source_allowed(case: Case) -> Iterator[Reason]:
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


def _database(case: Case) -> Iterator[Reason]:
    database = case.seen.database
    facts = {"detail": database.detail, "oid": database.oid}
    if database.state is DatabaseState.RENAMED:
        yield reason(
            ReasonCode.DATABASE_RENAMED,
            f"The lane's data stands under another name: {database.detail}.",
            "Give the database its name back (ALTER DATABASE ... RENAME), then plan again.",
            **facts,
        )
    elif database.state is DatabaseState.MISSING:
        yield reason(
            ReasonCode.DATABASE_MISSING,
            f"The lane's data is gone from its place: {database.detail}.",
            "Look for it on the server that the lane is configured with, or bring it back; a "
            "lane whose data is gone must be declared lost by two people before it is rebuilt.",
            **facts,
        )
    elif database.state is DatabaseState.CLOSED:
        yield reason(
            ReasonCode.DATABASE_CLOSED,
            f"The lane's database is closed: {database.detail}.",
            "Open it with the guard's `reopen`, which asks for the same oid and tag, then plan "
            "again.",
            **facts,
        )
    elif database.state is DatabaseState.UNREADABLE:
        yield reason(
            ReasonCode.DATABASE_UNREADABLE,
            f"The lane's database could not be read: {database.detail}.",
            "Make the server reachable for the guard, then plan again.",
            **facts,
        )
    elif case.request.data_source is DataSource.EXISTING and database.state in (
        DatabaseState.ABSENT,
        DatabaseState.UNINITIALISED,
    ):
        yield reason(
            ReasonCode.DATABASE_NOT_THERE,
            f"There is no data to keep: {database.detail}.",
            "Ask for a bootstrap or a restore instead.",
            **facts,
        )
    if not database.may_rename and case.request.data_source is not DataSource.EXISTING:
        yield reason(
            ReasonCode.ROLE_MAY_NOT_RENAME,
            f"The data could not be set aside: {database.rename_problem}.",
            "Give the lane's role CREATEDB and the ownership of its database (it need not, and "
            "should not, be superuser), then plan again.",
            detail=database.rename_problem,
        )


_MARKER_REASONS = {
    MarkerState.ABSENT: (
        ReasonCode.MARKER_ABSENT,
        "The database has no marker, so nobody can tell whose data it is",
        "Look at what is in it; if it is this lane's data, enrol the lane.",
    ),
    MarkerState.UNVERIFIABLE: (
        ReasonCode.MARKER_UNVERIFIABLE,
        "The marker's signature cannot be checked here",
        "Give the reader the public key that signed it (keys are listed by the control plane).",
    ),
    MarkerState.TAMPERED: (
        ReasonCode.MARKER_TAMPERED,
        "The marker was changed by something that may not change it",
        "Find out who wrote to the marker's table. If the data is this lane's, it has to be "
        "adopted again with the signature of an approver; the data itself is untouched.",
    ),
    MarkerState.FOREIGN: (
        ReasonCode.MARKER_FOREIGN,
        "The database holds another lane's data",
        "Rename that database away (ALTER DATABASE ... RENAME) and put this lane's own database "
        "back under the name, or correct the lane's connection; then plan again.",
    ),
    MarkerState.COPIED: (
        ReasonCode.MARKER_COPIED,
        "The database is a copy of this lane's data and not the data itself",
        "Put the lane's own database back under the name; if the data was moved here for good, "
        "it has to be recorded as moved.",
    ),
    MarkerState.ROLLED_BACK: (
        ReasonCode.MARKER_ROLLED_BACK,
        "The database is older than what was last recorded here",
        "Put the newest database back under the name; if the older one was restored on purpose, "
        "it has to be adopted.",
    ),
    MarkerState.AHEAD: (
        ReasonCode.MARKER_AHEAD,
        "The database is newer than the host's record, so the host's store is behind",
        "Restore the host's newest store, or reconcile it with the lanes, then plan again.",
    ),
    MarkerState.PENDING: (
        ReasonCode.MARKER_PENDING,
        "A rebuild of this database was begun and never settled",
        "Finish that rebuild, or undo it; both put the lane right.",
    ),
    MarkerState.TAG_LOST: (
        ReasonCode.ENGINE_TAG_LOST,
        "The database's tag does not agree with its marker",
        "If the marker and the rows are this lane's, adopt the data again, which writes the tag.",
    ),
}


def _marker(case: Case) -> Iterator[Reason]:
    marker = case.seen.marker
    if marker.state in _MARKER_REASONS:
        code, message, remedy = _MARKER_REASONS[marker.state]
        yield reason(
            code,
            f"{message}: {marker.detail}.",
            remedy,
            detail=marker.detail,
            generation=marker.generation,
        )
    elif (
        marker.state is MarkerState.NOT_APPLICABLE
        and case.seen.database.state is DatabaseState.INITIALISED
    ):
        yield reason(
            ReasonCode.MARKER_ABSENT,
            "The database was not asked for its marker, so nobody can tell whose data it is.",
            "Plan again and let the guard read the whole lane.",
        )


_FILESTORE_REASONS = {
    FilestoreState.FOREIGN: (
        ReasonCode.FILESTORE_FOREIGN,
        "The filestore folder holds another lane's files",
        "Correct the lane's filestore path or volume, then plan again.",
    ),
    FilestoreState.STALE: (
        ReasonCode.FILESTORE_STALE,
        "The files do not belong to the data that is there",
        "Put the folder back that belongs to this database, then plan again.",
    ),
    FilestoreState.UNTAGGED: (
        ReasonCode.FILESTORE_UNTAGGED,
        "There are files and no tag, so nobody can tell whose they are",
        "Look at what is in it; if they are this lane's files, enrol the lane, which tags them.",
    ),
    FilestoreState.ELSEWHERE: (
        ReasonCode.FILESTORE_ELSEWHERE,
        "The folder is not the one that the lane is served from",
        "Correct the filestore path in the lane's environment or configuration, then plan again.",
    ),
    FilestoreState.UNREADABLE: (
        ReasonCode.FILESTORE_UNREADABLE,
        "The filestore folder could not be read",
        "Make the folder readable for the guard, then plan again.",
    ),
}


def _filestore(case: Case) -> Iterator[Reason]:
    filestore = case.seen.filestore
    if filestore.state in _FILESTORE_REASONS:
        code, message, remedy = _FILESTORE_REASONS[filestore.state]
        yield reason(
            code,
            f"{message}: {filestore.detail}.",
            remedy,
            detail=filestore.detail,
            path=filestore.path,
        )
    elif case.seen.database.state is DatabaseState.INITIALISED and (
        filestore.state is not FilestoreState.OURS
    ):
        yield reason(
            ReasonCode.FILESTORE_MISSING,
            f"The database holds data and its files are not there: {filestore.detail}.",
            "Bring the lane's filestore folder back to its path, then plan again.",
            path=filestore.path,
        )


_KEEP_REASONS = {
    KeepState.NOT_CONFIGURED: (
        ReasonCode.KEEP_NOT_CONFIGURED,
        "The lane has no keep, so nothing could be set aside",
        "Give the lane's runtime a persistent folder outside the one that Odoo serves, on the "
        "same volume, as its keep.",
    ),
    KeepState.OTHER_VOLUME: (
        ReasonCode.KEEP_OTHER_VOLUME,
        "The filestore folder cannot be renamed into the keep",
        "Put the keep and the filestore folder on one volume, below its mount point.",
    ),
    KeepState.UNUSABLE: (
        ReasonCode.KEEP_UNUSABLE,
        "The keep cannot be used",
        "Make the keep writable for the guard, with room on its volume, then plan again.",
    ),
}


def _keep(case: Case) -> Iterator[Reason]:
    keep = case.seen.keep
    if keep.state in _KEEP_REASONS:
        code, message, remedy = _KEEP_REASONS[keep.state]
        yield reason(code, f"{message}: {keep.detail}.", remedy, detail=keep.detail)


_RUNTIME_REASONS = {
    RuntimeState.SILENT: (
        ReasonCode.RUNTIME_SILENT,
        "The lane's runtime did not say which lane and database it is",
        "Start the lane's Odoo with the addon and plan again; if it cannot start, ask for the "
        "same plan with the guard attesting for the runtime, which goes on the record.",
    ),
    RuntimeState.OTHER_LANE: (
        ReasonCode.RUNTIME_OTHER_LANE,
        "The runtime belongs to another lane",
        "Correct the lane's runtime address or guard command, then plan again.",
    ),
    RuntimeState.OTHER_DEPLOYMENT: (
        ReasonCode.RUNTIME_OTHER_DEPLOYMENT,
        "The runtime that answers is not the deployment that the guard runs in",
        "Finish the deployment that is under way, then plan again.",
    ),
    RuntimeState.OTHER_DATABASE: (
        ReasonCode.RUNTIME_OTHER_DATABASE,
        "The running Odoo is connected to another database than the one that would be rebuilt",
        "Restart the lane's Odoo, or correct the connection that is wrong; then plan again.",
    ),
}


def _runtime(case: Case) -> Iterator[Reason]:
    runtime = case.seen.runtime
    state = runtime.state
    if state is RuntimeState.ATTESTED and not case.request.attest_runtime:
        # Attesting must have been asked for, in the request that people sign.
        state = RuntimeState.SILENT
    if state not in _RUNTIME_REASONS:
        return
    # A contradiction counts even where the witness was not asked for.
    if state is RuntimeState.SILENT and not case.effective.requires_runtime_identity:
        return
    code, message, remedy = _RUNTIME_REASONS[state]
    yield reason(code, f"{message}: {runtime.detail}.", remedy, detail=runtime.detail)


def _backup_of_what_is_there(case: Case) -> Iterator[Reason]:
    if case.seen.nothing_to_set_aside:
        return
    gate, proof = case.seen.present.gate, case.seen.present.data_proof
    record = case.seen.record
    is_of_this_data = gate is not None and _is_of_recorded_data(gate, record)
    if case.effective.requires_backup_before_destroy:
        if gate is None:
            yield reason(
                ReasonCode.BACKUP_GATE_MISSING,
                "No backup of the data that is there has been recorded.",
                "Capture a backup of the lane as it is now, then plan again.",
            )
        elif not is_of_this_data:
            yield reason(
                ReasonCode.BACKUP_GATE_OTHER_DATA,
                f"The newest backup is of {gate.lane} generation {gate.generation}, not of the "
                f"data that is there (generation {record.generation or 'none'}).",
                "Capture a backup of the lane as it is now, then plan again.",
                backup_id=gate.backup_id,
            )
        elif not timedelta(0) <= case.now - gate.snapshot_at <= case.policy.backup_max_age:
            yield reason(
                ReasonCode.BACKUP_GATE_STALE,
                f"The newest backup is of {gate.snapshot_at:%Y-%m-%d %H:%M} UTC; it may be at "
                f"most {case.policy.backup_max_age} old.",
                "Capture and prove a fresh backup, then plan again.",
                backup_id=gate.backup_id,
                snapshot_at=gate.snapshot_at,
            )
    if case.effective.requires_restore_proof and (
        gate is None
        or proof is None
        or (proof.backup_id, proof.manifest_digest) != (gate.backup_id, gate.manifest_digest)
        or proof.proven_at > case.now
        # Where no gate is asked for, a proof of other data still proves nothing of this.
        or not (is_of_this_data or case.effective.requires_backup_before_destroy)
    ):
        yield reason(
            ReasonCode.DATA_PROOF_MISSING,
            "It has not been proven that a backup of the data that is there can be restored.",
            "Restore the newest backup into a scratch database and compare it (a data proof), "
            "then plan again.",
            backup_id=gate.backup_id if gate else None,
        )


def _is_of_recorded_data(gate: BackupGate, record: HostRecord) -> bool:
    return (
        record.identity is not None
        and gate.lane == record.lane
        and gate.generation == record.generation
        and gate.database_oid == record.identity.database_oid
    )


def _upstream(case: Case) -> Iterator[Reason]:
    if case.request.data_source is not DataSource.UPSTREAM_RESTORE:
        return
    recorded, declared = case.policy.upstream_source, case.seen.incoming.declared_upstream
    if declared is None:
        yield reason(
            ReasonCode.SOURCE_UNDECLARED,
            "The tenant's image does not declare an upstream source.",
            "Declare it in the tenant repository and rebuild the image; it must be the recorded "
            "one.",
        )
    elif recorded is not None and declared != recorded:
        yield reason(
            ReasonCode.SOURCE_DISAGREES,
            f"The recorded upstream source is {recorded.name} ({recorded.host}/"
            f"{recorded.database}), the tenant declares {declared.name} ({declared.host}/"
            f"{declared.database}).",
            "Make the two agree: correct the tenant's declaration, or propose a policy with the "
            "other source.",
        )


def _backup_to_restore(case: Case) -> Iterator[Reason]:
    if case.request.data_source is not DataSource.BACKUP_RESTORE:
        return
    backup, proof = case.seen.incoming.backup, case.seen.incoming.backup_load_proof
    if backup is None or backup.backup_id != case.request.backup_id:
        yield reason(
            ReasonCode.BACKUP_UNKNOWN,
            f"Backup {case.request.backup_id} is not on record.",
            "Name a backup of this lane that is on record.",
            backup_id=case.request.backup_id,
        )
        return
    if backup.lane != case.seen.lane:
        yield reason(
            ReasonCode.BACKUP_OTHER_LANE,
            f"Backup {backup.backup_id} is one of lane {backup.lane}.",
            "Name a backup of this lane.",
            backup_id=backup.backup_id,
        )
    if (
        proof is None
        or (proof.backup_id, proof.manifest_digest) != (backup.backup_id, backup.manifest_digest)
        or proof.proven_at > case.now
    ):
        yield reason(
            ReasonCode.LOAD_PROOF_MISSING,
            f"It has not been proven that Odoo loads on backup {backup.backup_id}.",
            "Prove the backup with an Odoo registry loaded on it, then plan again.",
            backup_id=backup.backup_id,
        )


def _kept_to_restore(case: Case) -> Iterator[Reason]:
    if case.request.data_source is not DataSource.KEPT:
        return
    kept = case.seen.incoming.kept
    if kept is None or kept.lane != case.seen.lane or kept.name != case.request.kept_database:
        yield reason(
            ReasonCode.KEPT_UNKNOWN,
            f"{case.request.kept_database} is not on record as kept data of this lane.",
            "Name a kept database of this lane; the lane's view lists them.",
            kept_database=case.request.kept_database,
        )
    elif not case.seen.incoming.kept_is_unchanged:
        yield reason(
            ReasonCode.KEPT_CHANGED,
            f"{kept.name} was not found with its files, the oid and the tag that were recorded "
            f"(oid {kept.database_oid}, generation {kept.generation}).",
            "Look for it on the lane's server: if it was renamed, give it its name back; if "
            "another database stands there, move that away.",
            kept_database=kept.name,
        )


def _provider_target(case: Case) -> Iterator[Reason]:
    recorded, live = case.policy.provider_target, case.request.provider_target
    if recorded is None:
        return
    if live is None:
        yield reason(
            ReasonCode.PROVIDER_TARGET_UNKNOWN,
            "The policy names a provider target, and the request does not say which one is about "
            "to be changed.",
            "Let the caller name the provider's target as it is live, then plan again.",
            recorded=recorded.name,
        )
    elif not recorded.same_as(live):
        yield reason(
            ReasonCode.PROVIDER_TARGET_DIFFERS,
            f"What is about to be changed is {live.name} ({live.target_id}, "
            f"{', '.join(sorted(live.domains)) or 'no domains'}); the policy names "
            f"{recorded.name} ({recorded.target_id}, "
            f"{', '.join(sorted(recorded.domains)) or 'no domains'}).",
            "Point the provider's record at the lane's own target, then plan again.",
            recorded=recorded.target_id,
            live=live.target_id,
        )


def _approvals(case: Case) -> Iterator[Reason]:
    required = approvers_required(case.effective, case.request, case.seen)
    signed = tally_approvals(
        case.seen.approvals, requester=case.request.requester, required=required, now=case.now
    )
    if not signed.met:
        missing = required - len(signed.approvers)
        wanted = [f"{missing} more approver(s)"] if missing > 0 else []
        if not signed.requester_signed:
            wanted.append(f"the requester ({case.request.requester})")
        yield reason(
            ReasonCode.APPROVALS_MISSING,
            f"Authoritative data would be set aside; still to sign: {' and '.join(wanted)}.",
            "Let them read the plan and sign its digest with `lane-authority approve`.",
            required=required,
            approvers=", ".join(signed.approvers) or "none",
        )


def _in_progress(case: Case) -> Iterator[Reason]:
    unfinished = case.seen.record.unfinished
    if unfinished is None:
        return
    if unfinished.phase in UNFINISHED_PHASES:
        yield reason(
            ReasonCode.OPERATION_UNFINISHED,
            f"Operation {unfinished.operation_id} was {unfinished.phase} and is not settled.",
            f"Finish it (`lane-authority finish {unfinished.operation_id}`) or put the old data "
            f"back (`lane-authority undo {unfinished.operation_id}`).",
            operation_id=unfinished.operation_id,
            phase=unfinished.phase,
        )
    else:
        yield reason(
            ReasonCode.LANE_BUSY,
            f"Operation {unfinished.operation_id} holds the lane.",
            "Let it start, or wait until it lapses after 24 hours, or give it up "
            f"(`lane-authority undo {unfinished.operation_id}`).",
            operation_id=unfinished.operation_id,
            phase=unfinished.phase,
        )


def _trust(seen: Observation) -> Iterator[Reason]:
    if not seen.store_trusted:
        yield reason(
            ReasonCode.STORE_ROLLED_BACK,
            "The host's store is older than the ledger head that is kept beside the signing key.",
            "Put the newest store back. Nothing else is decided from an old one.",
        )
    if not seen.clock_trusted:
        yield reason(
            ReasonCode.CLOCK_UNRELIABLE,
            f"The clocks do not agree: {seen.clock_detail}.",
            "Correct the clock that is wrong (time synchronisation), then plan again.",
            detail=seen.clock_detail,
        )


RULES: tuple[Rule, ...] = (
    _policy_of_this_lane,
    _source_allowed,
    _database,
    _marker,
    _filestore,
    _keep,
    _runtime,
    _backup_of_what_is_there,
    _upstream,
    _backup_to_restore,
    _kept_to_restore,
    _provider_target,
    _approvals,
    _in_progress,
    lambda case: _trust(case.seen),
)
"""All rules, in the order in which their reasons are told."""
