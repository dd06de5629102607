"""A case as the other engines get it: one flat record of texts, whole numbers and truth values.

They know no objects of ours, no None and no clock: what is not there is an empty text or a number
below zero, instants and durations are microseconds. Who has signed validly is counted here, and
kept data looked through, since Cedar and Casbin cannot go through a list; that is work which the
engines are spared and the rule book does.
"""

from datetime import UTC, datetime, timedelta

from launchplane_lane_contracts.contract import Contract
from launchplane_lane_contracts.policy import ProviderTarget
from tests.contracts.cases import Case

Fact = str | int | bool
NOT_THERE = -1
LARGEST = 2**62
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(hours=24)


def microseconds(duration: timedelta) -> int:
    """As far as the engines' whole numbers reach."""
    return min(duration // timedelta(microseconds=1), LARGEST)


def instant(value: datetime | None) -> int:
    """Microseconds since 1970."""
    return NOT_THERE if value is None else microseconds(value - BEGINNING)


def number(value: int | None) -> int:
    """The number, or the one for nothing."""
    return NOT_THERE if value is None else value


def text(value: object) -> str:
    """The text, or the one for nothing."""
    return "" if value is None else str(value)


def whole(value: Contract | None) -> str:
    """All of a value as one text."""
    return "" if value is None else value.canonical().decode()


def target(value: ProviderTarget | None) -> str:
    """A provider target as one text, whatever the order of its domains."""
    if value is None:
        return ""
    return "|".join((value.target_id, value.name, *sorted(set(value.domains))))


def facts(case: Case) -> dict[str, Fact]:
    """Everything that a rule looks at."""
    policy, request, seen = case.policy, case.request, case.observation
    if policy is None:
        return {"policy_known": False}
    record, database, marker = seen.record, seen.database, seen.marker
    identity, unfinished, tag = record.identity, record.unfinished, database.tag
    gate, proof = seen.present.gate, seen.present.data_proof
    backup, load_proof = seen.incoming.backup, seen.incoming.backup_load_proof
    kept, place = seen.incoming.kept, seen.incoming.upstream_place
    people = {
        each.person for each in seen.approvals if timedelta(0) <= case.now - each.signed_at < DAY
    }
    return {
        "policy_known": True,
        "now": instant(case.now),
        "store_trusted": seen.store_trusted,
        "clock_trusted": seen.clock_trusted,
        "policy_lane": text(policy.lane),
        "request_lane": text(request.lane),
        "seen_lane": text(seen.lane),
        "record_lane": text(record.lane),
        "operation": request.operation.value,
        "source": request.data_source.value,
        "retries": text(request.retries),
        "attest": request.attest_runtime,
        "policy_authoritative": policy.authoritative_data,
        "empty_allowed": policy.bootstrap_empty_allowed,
        "upstream_allowed": policy.restore_from_upstream_allowed,
        "gate_required": policy.requires_backup_before_destroy,
        "proof_required": policy.requires_restore_proof,
        "runtime_required": policy.requires_runtime_identity,
        "backup_max_age": microseconds(policy.backup_max_age),
        "provisional_until": instant(policy.provisional_until),
        "record_generation": number(record.generation),
        "record_system": text(identity.system_identifier if identity else None),
        "record_oid": number(identity.database_oid if identity else None),
        "declared_lost": record.declared_lost,
        "record_files": text(record.filestore_path),
        "unfinished": text(unfinished.operation_id if unfinished else None),
        "unfinished_phase": text(unfinished.phase.value if unfinished else None),
        "unfinished_operation": text(unfinished.operation.value if unfinished else None),
        "unfinished_source": text(unfinished.data_source.value if unfinished else None),
        "unfinished_permit": text(unfinished.permit_id if unfinished else None),
        "unfinished_begun": instant(unfinished.begun_at if unfinished else None),
        "unfinished_authoritative": bool(unfinished and unfinished.authoritative),
        "database": database.state.value,
        "may_rename": database.may_rename,
        "database_system": text(database.system_identifier),
        "database_oid": number(database.oid),
        "database_is_kept": any(each.database_oid == database.oid for each in record.kept),
        "tag_lane": text(tag.lane if tag else None),
        "tag_state": text(tag.state.value if tag else None),
        "tag_oid": number(tag.database_oid if tag else None),
        "marker": marker.state.value,
        "marker_authoritative": marker.authoritative,
        "marker_claimed": marker.claimed,
        "marker_is_anothers_own": marker.is_anothers_own,
        "marker_permit": text(marker.permit_id),
        "files": seen.filestore.state.value,
        "runtime": seen.runtime.state.value,
        "keep": seen.keep.state.value,
        "room": seen.room.state.value,
        "gate": text(gate.backup_id if gate else None),
        "gate_lane": text(gate.lane if gate else None),
        "gate_generation": number(gate.generation if gate else None),
        "gate_system": text(gate.system_identifier if gate else None),
        "gate_oid": number(gate.database_oid if gate else None),
        "gate_files": text(gate.filestore_path if gate else None),
        "gate_snapshot": instant(gate.snapshot_at if gate else None),
        "gate_manifest": text(gate.manifest_digest if gate else None),
        "proof": text(proof.backup_id if proof else None),
        "proof_manifest": text(proof.manifest_digest if proof else None),
        "proof_at": instant(proof.proven_at if proof else None),
        "upstream_recorded": whole(policy.upstream_source),
        "upstream_declared": whole(seen.incoming.declared_upstream),
        "place_system": text(place.system_identifier if place else None),
        "place_oid": number(place.database_oid if place else None),
        "backup_wanted": text(request.backup_id),
        "backup": text(backup.backup_id if backup else None),
        "backup_lane": text(backup.lane if backup else None),
        "backup_manifest": text(backup.manifest_digest if backup else None),
        "load_proof": text(load_proof.backup_id if load_proof else None),
        "load_proof_manifest": text(load_proof.manifest_digest if load_proof else None),
        "load_proof_at": instant(load_proof.proven_at if load_proof else None),
        "kept_wanted": text(request.kept_database),
        "kept": text(kept.name if kept else None),
        "kept_lane": text(kept.lane if kept else None),
        "kept_unchanged": seen.incoming.kept_is_unchanged,
        "target": target(policy.provider_target),
        "target_live": target(request.provider_target),
        "target_read_from": text(
            request.provider_target.read_from.value if request.provider_target else None
        ),
        "requester_signed": request.requester in people,
        "approvers": len(people - {request.requester}),
        "approvers_required": seen.thresholds.consequential,
    }
