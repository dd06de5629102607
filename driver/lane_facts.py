"""The facts of a lane's view, each with its trust."""

from datetime import datetime, timedelta
from typing import Any

from launchplane_lane_contracts.evidence import BackupGate
from launchplane_lane_contracts.judgement import kept_is_unchanged
from launchplane_lane_contracts.read_model import (
    AuthorityFact,
    CountFact,
    DatabaseFact,
    DurationFact,
    EvidenceView,
    FilestoreFact,
    FlagFact,
    InstantFact,
    KeptView,
    MarkerFact,
    RequirementsView,
    RolloutFact,
    RuntimeFact,
    SourcesFact,
    TextFact,
    Trust,
)
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    FilestoreState,
    MarkerState,
    RolloutState,
    RuntimeState,
)

from .evidence import load_proof_of
from .lane_seen import LaneSeen
from .new_since import new_words, since_backup

NO_POLICY = "nobody has recorded a policy"


def recorded(at: datetime) -> dict[str, Any]:
    """What the host wrote down then."""
    return {"trust": Trust.RECORDED, "as_of": at}


def verified(seen: LaneSeen) -> dict[str, Any]:
    """What was read from the thing itself."""
    return {"trust": Trust.VERIFIED, "as_of": seen.observation.taken_at}


def policy_facts(seen: LaneSeen) -> dict[str, Any]:
    """What the policy in force says, and what it comes to."""
    revision, effective = seen.revision, seen.effective
    if revision is None or effective is None:
        return {
            "rollout_state": RolloutFact.missing(NO_POLICY),
            "authority": AuthorityFact.missing(f"{NO_POLICY}, so nothing is allowed"),
            "time_left": DurationFact.missing(NO_POLICY),
            "allowed_sources": SourcesFact.missing(NO_POLICY),
            "requirements": RequirementsView(
                backup_before_destroy=FlagFact.missing(NO_POLICY),
                backup_max_age=DurationFact.missing(NO_POLICY),
                restore_proof=FlagFact.missing(NO_POLICY),
                runtime_identity=FlagFact.missing(NO_POLICY),
            ),
        }
    policy, on_record = revision.policy, recorded(revision.recorded_at)
    # Record and marker together; without a marker that counts, the record alone.
    bound = seen.observation.marker.state is MarkerState.BOUND
    in_force = verified(seen) if bound else on_record
    return {
        "rollout_state": RolloutFact(
            **on_record, value=policy.rollout_state, detail=f"revision {revision.number}"
        ),
        "authority": AuthorityFact(
            **in_force, value=effective.authoritative, protected_by=effective.protected_by
        ),
        "time_left": _time_left(seen),
        "allowed_sources": SourcesFact(**in_force, value=effective.allowed_sources),
        "requirements": RequirementsView(
            backup_before_destroy=FlagFact(
                **in_force, value=effective.requires_backup_before_destroy
            ),
            backup_max_age=DurationFact(**on_record, value=policy.backup_max_age),
            restore_proof=FlagFact(**in_force, value=effective.requires_restore_proof),
            runtime_identity=FlagFact(**in_force, value=effective.requires_runtime_identity),
        ),
    }


def _time_left(seen: LaneSeen) -> DurationFact:
    revision = seen.revision
    assert revision is not None
    until = revision.policy.provisional_until
    if revision.policy.rollout_state is not RolloutState.PROVISIONAL or until is None:
        return DurationFact.unsupported("the lane is not provisional")
    return DurationFact(
        **recorded(revision.recorded_at),
        value=max(timedelta(0), until - seen.now),
        detail=f"until {until:%Y-%m-%d %H:%M} UTC",
    )


def place_facts(seen: LaneSeen) -> dict[str, Any]:
    """What stands at the lane's place, and what its runtime said."""
    database, marker = seen.observation.database, seen.observation.marker
    files = seen.observation.filestore
    unread = DatabaseState.UNREADABLE
    return {
        "retired": FlagFact(**recorded(seen.now), value=seen.overview.record.retired),
        "generation": _generation(seen),
        "database": (
            DatabaseFact.missing(database.detail)
            if database.state is unread
            else DatabaseFact(**verified(seen), value=database.state, detail=database.detail)
        ),
        "locked": _locked(seen),
        "marker": (
            MarkerFact(**verified(seen), value=marker.state, detail=marker.detail)
            if marker.state is not MarkerState.NOT_APPLICABLE
            else MarkerFact.unsupported("there is no data that could have one")
            if database.state in (DatabaseState.ABSENT, DatabaseState.UNINITIALISED)
            else MarkerFact.missing(f"the database was not read: {database.detail}")
        ),
        "filestore": (
            FilestoreFact.missing(files.detail)
            if files.state is FilestoreState.UNREADABLE
            else FilestoreFact(**verified(seen), value=files.state, detail=files.detail)
        ),
        "runtime": _runtime(seen),
    }


def _generation(seen: LaneSeen) -> CountFact:
    generation = seen.overview.record.generation
    if generation is None:
        return CountFact.missing("no data of this lane was ever recorded")
    if seen.observation.marker.state is MarkerState.BOUND:
        return CountFact(**verified(seen), value=generation)
    newest = seen.overview.newest
    return CountFact(**recorded(newest.updated_at if newest else seen.now), value=generation)


def _locked(seen: LaneSeen) -> FlagFact:
    database = seen.witnessed.reading.database
    if database.server is None:
        return FlagFact.missing(database.problem or "the server did not answer")
    if database.entry is None:
        return FlagFact.unsupported("there is no database")
    return FlagFact(**verified(seen), value=database.entry.locked)


def _runtime(seen: LaneSeen) -> RuntimeFact:
    runtime = seen.observation.runtime
    if runtime.state is not RuntimeState.SILENT:
        return RuntimeFact(**verified(seen), value=runtime.state, detail=runtime.detail)
    if seen.configuration.runtime_url is None:
        return RuntimeFact.unsupported("no runtime_url is configured")
    return RuntimeFact.missing(runtime.detail)


def evidence(seen: LaneSeen) -> EvidenceView:
    """What is known of backups of the data that is there."""
    gate, proof = seen.observation.present.gate, seen.observation.present.data_proof
    if gate is None:
        none = "no backup of this lane is on record"
        return EvidenceView(
            snapshot_at=InstantFact.missing(none),
            age=DurationFact.missing(none),
            data_proof_at=InstantFact.missing(none),
            load_proof_at=InstantFact.missing(none),
            new_since=TextFact.missing(none),
        )
    at = recorded(gate.snapshot_at)
    loads = load_proof_of(gate, seen.overview.evidence.load_proofs)
    oldest = seen.revision.policy.backup_max_age if seen.revision else timedelta.max
    snapshot = InstantFact(**at, value=gate.snapshot_at)
    age = DurationFact(**at, value=max(timedelta(0), seen.now - gate.snapshot_at))
    return EvidenceView(
        snapshot_at=snapshot.seen_at(seen.now, stale_after=oldest),
        age=age.seen_at(seen.now, stale_after=oldest),
        data_proof_at=(
            InstantFact(**recorded(proof.proven_at), value=proof.proven_at)
            if proof is not None and proof.backup_id == gate.backup_id
            else InstantFact.missing("that backup was not restored and compared")
        ),
        load_proof_at=(
            InstantFact(**recorded(loads.proven_at), value=loads.proven_at)
            if loads is not None
            else InstantFact.missing("no Odoo was loaded on that backup")
        ),
        new_since=_new_since(seen, gate),
    )


def _new_since(seen: LaneSeen, gate: BackupGate) -> TextFact:
    """What the lane's server has written since the backup."""
    found = since_backup(gate, seen.witnessed.reading.database.server)
    if found is None:
        return TextFact.missing("the backup is of another server, or nobody counted there")
    return TextFact(**verified(seen), value=new_words(found))


def last_rebuild(seen: LaneSeen) -> TextFact:
    """The newest operation that was started."""
    newest = seen.overview.newest
    if newest is not None:
        return TextFact(
            **recorded(newest.updated_at),
            value=f"{newest.operation} from {newest.data_source}, {newest.phase} "
            f"{newest.updated_at:%Y-%m-%d %H:%M} UTC",
        )
    if seen.overview.record.generation is not None:
        return TextFact.unsupported("none since it was enrolled")
    return TextFact.unsupported("never")


def kept(seen: LaneSeen) -> tuple[KeptView, ...]:
    """What earlier rebuilds set aside."""
    reading = seen.witnessed.reading
    sizes = {each.name: each.size_bytes for each in reading.database.neighbours}
    problem = reading.database.problem or "it was not found"
    found = []
    for each in seen.overview.record.kept:
        size = sizes.get(each.name)
        found.append(
            KeptView(
                name=each.name,
                generation=each.generation,
                set_aside_at=each.set_aside_at,
                authoritative=each.authoritative,
                size_bytes=(
                    CountFact(**verified(seen), value=size, detail="without its files")
                    if size is not None
                    else CountFact.missing(problem)
                ),
                release_due=(
                    InstantFact(**recorded(each.set_aside_at), value=each.kept_until)
                    if each.kept_until is not None
                    else InstantFact.missing("its rebuild is not settled")
                ),
                still_there=(
                    FlagFact(
                        **verified(seen),
                        value=kept_is_unchanged(reading.database, reading.keep, each),
                    )
                    if reading.database.server is not None
                    else FlagFact.missing(problem)
                ),
            )
        )
    return tuple(found)


def kept_files(seen: LaneSeen) -> tuple[str, ...]:
    """Folders in the keep that belong to no database that is listed as kept."""
    listed = {each.name for each in seen.overview.record.kept}
    return tuple(
        each.name for each in seen.witnessed.reading.keep.filestores if each.name not in listed
    )
