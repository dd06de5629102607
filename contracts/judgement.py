"""From bare readings to what the rule book looks at. Pure, and the same on both sides."""

from collections.abc import Callable

from .contract import Contract, UtcInstant
from .evidence import KeptData
from .lane import Lane
from .marker import FilestoreTag, Marker, PhysicalIdentity
from .observation import (
    DatabaseObservation,
    FilestoreObservation,
    HostRecord,
    KeepObservation,
    MarkerObservation,
    RoomObservation,
    RuntimeObservation,
)
from .orders import LowerOrder, Permit, StampOrder
from .reading import (
    DatabaseEntry,
    DatabaseReading,
    FilestoreReading,
    KeepReading,
    LaneReading,
    RuntimeWitness,
)
from .vocabulary import (
    DatabaseState,
    DataSource,
    FilestoreState,
    KeepState,
    MarkerState,
    RoomState,
    RuntimeState,
    TagState,
)

LARGEST_CLOCK_DIFFERENCE_SECONDS = 60


class TokenVerdict(Contract):
    """What the verification of a marker's token gave."""

    order: Permit | StampOrder | LowerOrder | None = None
    """The signed order, where the signature is good and the order is one that writes a row."""
    key_is_unknown: bool = False
    """Whether no key for it is at hand, so that nothing can be said."""
    detail: str = ""
    """What was wrong, for people."""


def judge_database(reading: DatabaseReading, record: HostRecord) -> DatabaseObservation:
    """What stands under the lane's name, in the light of what was last recorded there."""
    problem = _why_it_may_not_be_renamed(reading)
    entry = reading.entry

    def seen(state: DatabaseState, detail: str) -> DatabaseObservation:
        return DatabaseObservation(
            state=state,
            detail=detail,
            identity=reading.identity(),
            oid=entry.oid if entry else None,
            system_identifier=reading.server.system_identifier if reading.server else None,
            tag=entry.tag if entry else None,
            locked=entry.locked if entry else False,
            may_rename=not problem,
            rename_problem=problem,
        )

    if reading.server is None or (entry is None and reading.problem is not None):
        return seen(DatabaseState.UNREADABLE, reading.problem or "the server did not answer")
    if entry is not None and not entry.takes_connections:
        return seen(DatabaseState.CLOSED, f"database {entry.name} takes no connections")
    if entry is not None and (reading.problem is not None or reading.holds_relations is None):
        return seen(DatabaseState.UNREADABLE, reading.problem or "its contents were not read")
    if entry is not None and reading.holds_relations:
        return seen(DatabaseState.INITIALISED, f"database {entry.name}, oid {entry.oid}")
    elsewhere = lane_data_under_another_name(reading, record)
    if elsewhere is not None:
        return seen(
            DatabaseState.RENAMED,
            f"the lane's database (oid {elsewhere.oid}) stands under the name {elsewhere.name}",
        )
    expected = record.generation is not None and not record.declared_lost
    if expected and not _data_is_kept(reading, record):
        return seen(
            DatabaseState.MISSING,
            f"generation {record.generation} was recorded here and is not found",
        )
    if entry is not None:
        return seen(DatabaseState.UNINITIALISED, f"database {entry.name} holds nothing")
    return seen(DatabaseState.ABSENT, f"there is no database {reading.name}")


def _why_it_may_not_be_renamed(reading: DatabaseReading) -> str:
    server, entry = reading.server, reading.entry
    if server is None:
        return ""
    if server.in_recovery:
        return "the server is a replica, which cannot be written to"
    if server.role_is_superuser:
        return ""
    if not server.role_may_create_databases:
        return f"role {server.role} has no CREATEDB, without which it may not rename a database"
    if entry is not None and not entry.owned:
        return f"role {server.role} does not own database {entry.name}"
    return ""


def _is_recorded(entry: DatabaseEntry, reading: DatabaseReading, record: HostRecord) -> bool:
    return (
        record.identity is not None
        and reading.server is not None
        and record.identity.system_identifier == reading.server.system_identifier
        and record.identity.database_oid == entry.oid
    )


def _is_kept(entry: DatabaseEntry, lane: Lane) -> bool:
    return (
        entry.tag is not None
        and entry.tag.lane == lane
        and entry.tag.state is TagState.KEPT
        and entry.tag.database_oid == entry.oid
    )


def _was_set_aside(entry: DatabaseEntry, reading: DatabaseReading, record: HostRecord) -> bool:
    """Whether it is kept, and the host knows how that came about."""
    if any(_is_as_recorded(entry, kept) for kept in record.kept):
        return True
    if not _is_kept(entry, record.lane):
        return False
    return (
        not _is_recorded(entry, reading, record)
        or record.unfinished is not None
        or any(kept.database_oid == entry.oid for kept in record.kept)
    )


def lane_data_under_another_name(
    reading: DatabaseReading, record: HostRecord
) -> DatabaseEntry | None:
    """The lane's data under another name than its own; what was set aside is not meant."""
    for entry in reading.neighbours:
        if _was_set_aside(entry, reading, record):
            continue
        tagged = (
            entry.tag is not None
            and entry.tag.lane == record.lane
            and entry.tag.database_oid == entry.oid
        )
        if tagged or _is_recorded(entry, reading, record):
            return entry
    return None


def _data_is_kept(reading: DatabaseReading, record: HostRecord) -> bool:
    return any(
        _was_set_aside(entry, reading, record) and _is_recorded(entry, reading, record)
        for entry in reading.neighbours
    )


def judge_marker(
    reading: DatabaseReading, verdict: TokenVerdict | None, record: HostRecord
) -> MarkerObservation:
    """What the marker is worth; `verdict` is None when there is no token to verify."""
    row = reading.marker_row
    if reading.marker_problem is not None:
        return MarkerObservation(state=MarkerState.TAMPERED, detail=reading.marker_problem)
    if row is None or verdict is None:
        tag = reading.entry.tag if reading.entry else None
        if (
            reading.entry is not None
            and tag is not None
            and tag.lane != record.lane
            and tag.database_oid == reading.entry.oid
        ):
            return MarkerObservation(
                state=MarkerState.FOREIGN, detail=f"its engine tag is that of lane {tag.lane}"
            )
        if reading.entry is None or not reading.holds_relations:
            return MarkerObservation(state=MarkerState.NOT_APPLICABLE)
        return MarkerObservation(state=MarkerState.ABSENT, detail="there is no marker row")

    def seen(state: MarkerState, detail: str) -> MarkerObservation:
        return MarkerObservation(
            state=state,
            detail=detail,
            authoritative=row.authoritative,
            claimed=row.claimed,
            generation=row.generation,
            is_anothers_own=is_anothers_own(reading, verdict, record.lane),
        )

    if verdict.key_is_unknown:
        return seen(MarkerState.UNVERIFIABLE, verdict.detail)
    order = verdict.order
    if order is None:
        return seen(MarkerState.TAMPERED, verdict.detail)
    expected = (
        order.pending_row(row.token) if isinstance(order, Permit) else order.marker.row(row.token)
    )
    if not row.says_the_same_as(expected):
        return seen(MarkerState.TAMPERED, "the row does not say what its signed token says")
    if row.lane != str(record.lane) or order.lane != record.lane:
        return seen(MarkerState.FOREIGN, f"the marker is that of lane {row.lane}")
    if isinstance(order, Permit):
        pending = seen(MarkerState.PENDING, f"the rebuild of permit {order.permit_id} is unsettled")
        return pending.model_copy(update={"permit_id": order.permit_id})
    return _judge_settled(order.marker, reading, record, seen)


def is_anothers_own(reading: DatabaseReading, verdict: TokenVerdict, lane: Lane) -> bool:
    """Whether the marker's token was signed for another lane, and for this very database.

    It may have lost its tag, and may have been given another name. Of where a rebuild stands that
    is not settled nothing was signed, so a pending marker never counts as such.
    """
    order, found = verdict.order, reading.identity()
    if order is None or isinstance(order, Permit) or order.lane == lane or found is None:
        return False
    written = order.marker.identity
    return written == found.model_copy(update={"database_name": written.database_name})


def _judge_settled(
    marker: Marker,
    reading: DatabaseReading,
    record: HostRecord,
    seen: Callable[[MarkerState, str], MarkerObservation],
) -> MarkerObservation:
    if record.generation is None or marker.generation > record.generation:
        return seen(
            MarkerState.AHEAD,
            f"the marker is of generation {marker.generation}, "
            f"the host's record of {record.generation or 'none'}",
        )
    if marker.generation < record.generation:
        return seen(
            MarkerState.ROLLED_BACK,
            f"the marker is of generation {marker.generation}, "
            f"the host's record of {record.generation}",
        )
    difference = _difference(marker.identity, reading.identity())
    if difference:
        return seen(MarkerState.COPIED, f"the marker was written elsewhere: {difference}")
    if marker.nonce != record.nonce:
        return seen(
            MarkerState.ROLLED_BACK, "the marker is an older writing of the same generation"
        )
    tag = reading.entry.tag if reading.entry else None
    if tag is None:
        return seen(MarkerState.TAG_LOST, "the database has no engine tag")
    if (tag.lane, tag.generation, tag.database_oid, tag.state) != (
        marker.lane,
        marker.generation,
        marker.identity.database_oid,
        TagState.LIVE,
    ):
        return seen(
            MarkerState.TAG_LOST,
            f"the engine tag says {tag.lane} generation {tag.generation}, oid "
            f"{tag.database_oid}, {tag.state}",
        )
    return seen(MarkerState.BOUND, f"generation {marker.generation}")


def _difference(written: PhysicalIdentity, found: PhysicalIdentity | None) -> str:
    if found is None:
        return "no identity was found"
    return "; ".join(
        f"{name.replace('_', ' ')} {getattr(written, name)} there, {getattr(found, name)} here"
        for name in PhysicalIdentity.model_fields
        if getattr(written, name) != getattr(found, name)
    )


def judge_filestore(
    reading: FilestoreReading,
    database: DatabaseReading,
    record: HostRecord,
    runtime: RuntimeWitness,
) -> FilestoreObservation:
    """Whose files they are."""

    def seen(state: FilestoreState, detail: str) -> FilestoreObservation:
        return FilestoreObservation(state=state, path=reading.path, detail=detail)

    if reading.problem is not None:
        return seen(FilestoreState.UNREADABLE, reading.problem)
    if reading.tag_problem is not None:
        return seen(FilestoreState.UNREADABLE, reading.tag_problem)
    served = runtime.reading.filestore_path if runtime.reading else None
    for other, whose in ((record.filestore_path, "recorded"), (served, "served by Odoo")):
        if other is not None and other != reading.path:
            return seen(
                FilestoreState.ELSEWHERE, f"the guard looks at {reading.path}; {whose}: {other}"
            )
    if served is not None and runtime.reading and runtime.reading.filestore_tag != reading.tag:
        return seen(
            FilestoreState.ELSEWHERE,
            f"Odoo finds another tag in {reading.path} than the guard, so it is another folder",
        )
    if not reading.exists:
        return seen(FilestoreState.ABSENT, f"there is no folder {reading.path}")
    tag = reading.tag
    if tag is None:
        state = FilestoreState.UNTAGGED if reading.holds_files else FilestoreState.EMPTY
        return seen(state, f"{reading.path} has no tag")
    if tag.lane != record.lane:
        return seen(FilestoreState.FOREIGN, f"the files are those of lane {tag.lane}")
    if database.entry is None or not database.holds_relations:
        state = FilestoreState.OURS if reading.holds_files else FilestoreState.EMPTY
        return seen(state, f"tag of generation {tag.generation}")
    disagreement = _tag_disagreement(tag, database)
    if disagreement:
        return seen(FilestoreState.STALE, disagreement)
    return seen(FilestoreState.OURS, f"tag of generation {tag.generation}")


def _tag_disagreement(tag: FilestoreTag, database: DatabaseReading) -> str:
    row, server, entry = database.marker_row, database.server, database.entry
    if row is not None and tag.generation != row.generation:
        return f"the files are of generation {tag.generation}, the marker of {row.generation}"
    if server is not None and tag.system_identifier != server.system_identifier:
        return f"the files belong to the cluster {tag.system_identifier}"
    if entry is not None and tag.database_oid != entry.oid:
        return f"the files belong to the database with oid {tag.database_oid}, not {entry.oid}"
    return ""


def judge_runtime(witness: RuntimeWitness, guard: LaneReading, lane: Lane) -> RuntimeObservation:
    """What the second witness said, compared with what the guard saw."""
    reading = witness.reading
    if reading is None:
        return _judge_silence(witness, guard, lane)

    def seen(state: RuntimeState, detail: str) -> RuntimeObservation:
        return RuntimeObservation(
            state=state, detail=detail, stays_listed_when_locked=reading.stays_listed_when_locked
        )

    identity, own = reading.runtime_identity, guard.runtime_identity
    if identity is not None and identity.lane != lane:
        return seen(RuntimeState.OTHER_LANE, f"the runtime is that of lane {identity.lane}")
    if own is not None and own.lane != lane:
        return seen(RuntimeState.OTHER_LANE, f"the guard's environment is that of lane {own.lane}")
    if identity is not None and own is not None and own != identity:
        return seen(
            RuntimeState.OTHER_DEPLOYMENT,
            f"the runtime is of deployment {identity.deployment_record_id or '-'}, the guard "
            f"runs in {own.deployment_record_id or '-'}",
        )
    found = guard.database.identity()
    if reading.identity != found:
        return seen(
            RuntimeState.OTHER_DATABASE,
            f"the runtime's database is {_short(reading.identity)}, the guard's {_short(found)}",
        )
    if reading.registry_loaded and _nothing_stands(guard.database):
        return seen(
            RuntimeState.OTHER_DATABASE,
            "the runtime serves a database, and where the guard looks there is nothing",
        )
    # Contradictions come first: they count even where this witness is not asked for.
    if identity is None:
        return seen(RuntimeState.SILENT, "the runtime answered without an identity")
    if own is None:
        return seen(RuntimeState.SILENT, "the guard's environment has no identity to compare")
    return seen(RuntimeState.AGREES, f"deployment {identity.deployment_record_id or '-'}")


def _nothing_stands(reading: DatabaseReading) -> bool:
    return reading.server is not None and (
        reading.entry is None or reading.holds_relations is False
    )


def _judge_silence(witness: RuntimeWitness, guard: LaneReading, lane: Lane) -> RuntimeObservation:
    problem = witness.problem or "the runtime did not answer"
    identity = guard.runtime_identity
    if identity is not None and identity.lane != lane:
        return RuntimeObservation(
            state=RuntimeState.OTHER_LANE,
            detail=f"the guard's environment is that of lane {identity.lane}",
        )
    if witness.attested_by is None or identity is None:
        return RuntimeObservation(state=RuntimeState.SILENT, detail=problem)
    return RuntimeObservation(
        state=RuntimeState.ATTESTED,
        detail=f"attested on the order of {witness.attested_by}: {problem}",
    )


def _short(identity: PhysicalIdentity | None) -> str:
    if identity is None:
        return "none"
    return (
        f"{identity.database_name} (oid {identity.database_oid}, marker table "
        f"{identity.marker_table_oid}, cluster {identity.system_identifier})"
    )


def judge_keep(reading: KeepReading, filestore: FilestoreReading) -> KeepObservation:
    """Whether there is a place for what is set aside."""
    if reading.state is KeepState.READY and filestore.is_mount_point:
        return KeepObservation(
            state=KeepState.OTHER_VOLUME,
            detail=f"{filestore.path} is itself a mount point and cannot be renamed",
        )
    return KeepObservation(
        state=reading.state, detail=reading.problem or (reading.path or "no keep is configured")
    )


def judge_room(needed_bytes: int | None, free_bytes: int | None) -> RoomObservation:
    """Whether what is needed fits into what is free; either may be unknown."""
    if needed_bytes is None or free_bytes is None:
        state = RoomState.UNKNOWN
    else:
        state = RoomState.ENOUGH if needed_bytes <= free_bytes else RoomState.NOT_ENOUGH
    return RoomObservation(state=state, needed_bytes=needed_bytes, free_bytes=free_bytes)


def judge_room_to_copy(keep: KeepReading, source: DataSource | None) -> RoomObservation:
    """Whether files that have to be copied to be set aside fit into the keep.

    Where they are only renamed nothing is said of room.
    """
    if keep.state is not KeepState.OTHER_VOLUME:
        return RoomObservation()
    # Data that stays where it is needs no place in the keep.
    needed = 0 if source is DataSource.EXISTING else keep.copied_bytes or 0
    return judge_room(needed, keep.free_bytes)


def kept_is_unchanged(reading: DatabaseReading, keep: KeepReading, kept: KeptData) -> bool:
    """Whether kept data is there with the oid that was recorded, and its files too.

    Its tag must be the recorded one. Where its comment was overwritten with something that is no
    tag, the record is enough.
    """
    if kept.has_filestore and not any(
        each.name == kept.name and _is_folder_of(each.tag, kept) for each in keep.filestores
    ):
        return False
    return any(_is_as_recorded(entry, kept) for entry in reading.neighbours)


def _is_as_recorded(entry: DatabaseEntry, kept: KeptData) -> bool:
    """Whether it is this kept data: name and oid are on record, and its tag says no other thing."""
    if (entry.name, entry.oid) != (kept.name, kept.database_oid):
        return False
    if entry.tag is None:
        return True
    return _is_kept(entry, kept.lane) and entry.tag.generation == kept.generation


def _is_folder_of(tag: FilestoreTag | None, kept: KeptData) -> bool:
    """Whether a folder in the keep is the one that was set aside with this data."""
    if tag is None:
        # Only what an unfinished rebuild left may have lost its tag: recorded data had one.
        return kept.nonce is None
    return (tag.lane, tag.generation) == (kept.lane, kept.generation) and tag.database_oid in (
        None,
        kept.database_oid,
    )


def clock_problem(own: UtcInstant, server: UtcInstant | None) -> str:
    """Why two clocks cannot both be right, or nothing."""
    if server is None:
        return ""
    seconds = abs((own - server).total_seconds())
    if seconds <= LARGEST_CLOCK_DIFFERENCE_SECONDS:
        return ""
    return f"this clock says {own:%Y-%m-%d %H:%M:%S} UTC, the server's {server:%Y-%m-%d %H:%M:%S}"
