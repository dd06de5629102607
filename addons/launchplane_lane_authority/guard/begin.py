"""`begin`: the last check, and then everything that stands there is set aside."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.evidence import KeptData, SideData
from launchplane_lane_contracts.judgement import (
    clock_problem,
    judge_database,
    judge_filestore,
    judge_keep,
    judge_marker,
    judge_room_to_copy,
    kept_is_unchanged,
)
from launchplane_lane_contracts.marker import EngineTag, FilestoreTag
from launchplane_lane_contracts.observation import Observation, RoomObservation
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.reading import (
    DatabaseEntry,
    DatabaseReading,
    LaneReading,
    RuntimeWitness,
)
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.receipt import SetAside
from launchplane_lane_contracts.rulebook import decide
from launchplane_lane_contracts.rules.retry import only_remains_stand_there
from launchplane_lane_contracts.vocabulary import DataSource, KeepState, RoomState, TagState

from . import filestore
from .copying import what_cannot_be_copied
from .database import MAINTENANCE_DATABASE, connected
from .declaration import as_declared_here
from .keep import ABORTED, ENDED, FILLING, GOING_BACK, SET_ASIDE, UNDONE, BeginIntent, Keep
from .lane_reading import read_database, read_lane
from .moving import Mover
from .order_check import check_environment, check_permit
from .others_own import others_own
from .own_session import require_own_session
from .settings import GuardSettings
from .side import Sides
from .side_arrival import forget_sides, mark_side, side_is_gone
from .swap import Coming, Going, expect, one_transaction, set_locked, swap
from .tokens import PublicKeys


def begin(
    settings: GuardSettings, keys: PublicKeys, permit: Permit, token: str
) -> tuple[LaneReading, SetAside | None]:
    """Verify, decide again from the permit and our own reading, and set aside.

    Run again after a crash it carries on. Raises Refused, CouldNotTell or Busy; then the lane's
    data stands where it stood.
    """
    check_environment(permit, settings)
    check_permit(permit)
    keep = open_keep(settings, permit)
    with keep.locked():
        intent = keep.intent(permit.permit_id)
        if intent is None:
            intent = _note(settings, keys, permit, token, keep)
        elif intent.token != token or any(
            keep.has(permit.permit_id, step) for step in (SET_ASIDE, UNDONE, ABORTED, ENDED)
        ):
            # Another token under the same id is another permit, or the note of an undo; and what
            # went back already must not be taken away again.
            raise Refused.because(_already_begun(permit, intent))
        elif any(
            keep.has(each, GOING_BACK) for each in (*permit.retries_permits, permit.permit_id)
        ):
            raise Refused.because(_goes_back(permit))
        else:
            require_own_session(settings)
        set_aside = _set_aside(settings, permit, intent, keep)
        keep.note(permit.permit_id, SET_ASIDE)
        forget_sides(settings, keep)
    return read_lane(settings), set_aside


def open_keep(settings: GuardSettings, permit: Permit) -> Keep:
    """The lane's keep, made ready. Raises Refused when there is none that can be used."""
    reading = read_lane(settings)
    observed = judge_keep(reading.keep, reading.filestore)
    # One on another volume will do: what is set aside is copied there where there is room.
    if settings.keep is None or observed.state in (KeepState.NOT_CONFIGURED, KeepState.UNUSABLE):
        decision = decide(
            permit.policy,
            permit.request,
            permit.observation.model_copy(update={"keep": observed}),
            datetime.now(UTC),
        )
        raise Refused.because(
            *(each for each in decision.reasons if each.code.value.startswith("keep_"))
        )
    keep = Keep(settings.keep)
    try:
        keep.prepare(permit.lane)
    except OSError as problem:
        raise CouldNotTell(f"The keep {settings.keep} could not be used: {problem}.") from None
    return keep


def _note(
    settings: GuardSettings, keys: PublicKeys, permit: Permit, token: str, keep: Keep
) -> BeginIntent:
    """Decide again, and remember the permit before the first change."""
    reading = read_lane(settings)
    now = datetime.now(UTC)
    observation = observe(reading, keys, permit)
    decision = decide(permit.policy, permit.request, observation, now)
    moved = (
        *_moved(permit, observation),
        *side_is_gone(permit, keep, reading.database),
        *_folders_in_the_way(settings, permit, keep),
        *_earlier_begins_in_the_way(permit, keep),
    )
    if not decision.allowed or moved:
        raise Refused.because(*decision.reasons, *moved)
    require_own_session(settings)
    entry = reading.database.entry
    intent = BeginIntent(
        permit_id=permit.permit_id,
        token=token,
        database_oid=entry.oid if entry else None,
        kept_name=permit.kept_name,
        had_filestore=reading.filestore.exists,
        begun_at=now,
    )
    try:
        for earlier in permit.retries_permits:
            if not keep.is_real(earlier):
                keep.void(earlier, permit.kept_name)
        keep.note_begin(intent)
    except OSError as problem:
        raise CouldNotTell(
            f"The permit could not be noted in the keep, so nothing was begun: {problem}."
        ) from None
    return intent


def observe(reading: LaneReading, keys: PublicKeys, permit: Permit) -> Observation:
    """What the host saw, with everything replaced that this side can see for itself."""
    record = permit.observation.record
    database = reading.database
    row = database.marker_row
    verdict = keys.judge_marker_token(row.token) if row is not None else None
    incoming = as_declared_here(permit, reading.declaration)
    if incoming.kept is not None:
        incoming = incoming.model_copy(
            update={"kept_is_unchanged": kept_is_unchanged(database, reading.keep, incoming.kept)}
        )
    marker = judge_marker(database, verdict, record)
    if others_own(database, permit.lane) is not None:
        # Also where the key of that lane's marker is unknown here.
        marker = marker.model_copy(update={"is_anothers_own": True})
    problem = clock_problem(reading.read_at, database.server.now if database.server else None)
    return permit.observation.model_copy(
        update={
            "database": judge_database(database, record),
            "marker": marker,
            "filestore": judge_filestore(reading.filestore, database, record, RuntimeWitness()),
            "keep": judge_keep(reading.keep, reading.filestore),
            "room": _room(reading, permit),
            "incoming": incoming,
            "clock_trusted": permit.observation.clock_trusted and not problem,
            "clock_detail": problem,
            "taken_at": reading.read_at,
        }
    )


def _room(reading: LaneReading, permit: Permit) -> RoomObservation:
    """The stricter of what the host found out and what this side sees."""
    seen, own = (
        permit.observation.room,
        judge_room_to_copy(reading.keep, permit.request.data_source),
    )
    return seen if own.state is RoomState.UNKNOWN or seen.state is RoomState.NOT_ENOUGH else own


def _moved(permit: Permit, observation: Observation) -> tuple[Reason, ...]:
    """What is no longer as it was when the permit was signed."""
    before, now = permit.observation, observation
    facts = (
        ("database state", before.database.state, now.database.state),
        ("database oid", before.database.oid, now.database.oid),
        ("marker", before.marker.state, now.marker.state),
        ("cluster", before.database.system_identifier, now.database.system_identifier),
    )
    return tuple(
        reason(
            ReasonCode.READINGS_MOVED,
            f"The {name} was {then} when the permit was signed and is {found} now.",
            "Plan again; the next plan shows what stands there.",
            fact=name,
            then=then,
            now=found,
        )
        for name, then, found in facts
        if then != found
    )


def _folders_in_the_way(settings: GuardSettings, permit: Permit, keep: Keep) -> Iterator[Reason]:
    """What would stop the exchange of the folders half-way, or hide that it was not done."""
    if permit.request.data_source is DataSource.EXISTING:
        return
    away, incoming = keep.filestore(permit.kept_name), _incoming_folder(permit, keep)
    if away.exists():
        yield reason(
            ReasonCode.SET_ASIDE_IMPOSSIBLE,
            f"The files would be set aside as {away}, and that is already there.",
            "Look at what is in that folder and move it elsewhere, then start again.",
            folder=away,
        )
    if incoming is not None and not incoming.is_dir():
        yield reason(
            ReasonCode.KEPT_CHANGED,
            f"The files of what comes are not in {incoming}.",
            "Look for that folder and put it back into the keep, then start again.",
            folder=incoming,
        )
    mover = Mover(settings.filestore, keep)
    if mover.renames or not settings.filestore.is_dir():
        return
    odd = what_cannot_be_copied(settings.filestore)
    if odd is not None:
        yield reason(
            ReasonCode.SET_ASIDE_IMPOSSIBLE,
            f"The files have to be copied into the keep, and {odd} is neither file, folder nor "
            "link.",
            "Take it out of the filestore folder, then start again.",
            path=odd,
        )
    lacks = mover.room_lacks(incoming)
    if lacks is not None:
        yield lacks


def _earlier_begins_in_the_way(permit: Permit, keep: Keep) -> Iterator[Reason]:
    """Why the operation that is retried cannot be begun again here."""
    for earlier in permit.retries_permits:
        if not keep.is_real(earlier):
            continue
        if keep.has(earlier, ENDED) or keep.has(earlier, UNDONE) or keep.has(earlier, ABORTED):
            found = "has ended here"
            remedy = "Look at the lane, and plan anew."
        elif keep.has(earlier, GOING_BACK):
            found = "is being undone here"
            remedy = "Let that undo come to its end first: undo the operation once more."
        elif not keep.has(earlier, SET_ASIDE):
            found = "came half-way here"
            remedy = (
                "Let that begin come to its end first (`lane-authority start` with the operation, "
                "once more), or undo the operation."
            )
        else:
            continue
        yield reason(
            ReasonCode.READINGS_MOVED,
            f"The rebuild of permit {earlier}, which would be done once more, {found}.",
            remedy,
            permit_id=earlier,
        )


def _already_begun(permit: Permit, intent: BeginIntent) -> Reason:
    return reason(
        ReasonCode.PERMIT_ALREADY_BEGUN,
        f"Permit {permit.permit_id} was begun at {intent.begun_at:%Y-%m-%d %H:%M:%S} UTC; it is "
        "good for one rebuild.",
        "Finish that rebuild or undo it; for another one, plan and authorize again.",
        permit_id=permit.permit_id,
        begun_at=intent.begun_at,
    )


def _goes_back(permit: Permit) -> Reason:
    return reason(
        ReasonCode.PERMIT_ALREADY_BEGUN,
        f"Permit {permit.permit_id} was begun, and what it set aside is on its way back: an undo "
        "or an abort came half-way.",
        "Run that undo or abort again, to its end; for another rebuild, plan and authorize again.",
        permit_id=permit.permit_id,
    )


def _set_aside(
    settings: GuardSettings, permit: Permit, intent: BeginIntent, keep: Keep
) -> SetAside | None:
    if permit.request.data_source is DataSource.EXISTING:
        # The data stays. An image that does not know the lock must still find its database listed.
        # And only the data that the permit is for: somebody may have put another in its place.
        with connected(settings, MAINTENANCE_DATABASE) as server, one_transaction(server):
            set_locked(server, settings.database, locked=False)
            if intent.database_oid is not None:
                expect(server, settings.database, intent.database_oid)
        return None
    if intent.had_filestore:
        _copy_beforehand(settings, intent, keep)
    reading = read_database(settings)
    mark_side(settings, permit, intent.token, keep, reading)
    _exchange_databases(settings, permit, intent, reading)
    _refuse_what_came_since(settings, permit, intent)
    _exchange_folders(settings, permit, intent, keep)
    if intent.database_oid is None and not intent.had_filestore:
        return None
    return SetAside(
        name=intent.kept_name,
        database_oid=intent.database_oid,
        has_filestore=intent.had_filestore,
    )


def _exchange_databases(
    settings: GuardSettings, permit: Permit, intent: BeginIntent, reading: DatabaseReading
) -> None:
    going = None
    if intent.database_oid is not None and not _stands(
        reading, intent.kept_name, intent.database_oid
    ):
        going = Going(
            intent.database_oid,
            intent.kept_name,
            kept_tag(permit, reading.entry.tag if reading.entry else None, intent),
        )
    coming = None
    found = _what_comes(permit)
    if found is not None:
        if _stands(reading, settings.database, found.database_oid):
            return
        coming = Coming(
            found.database_oid,
            found.name,
            EngineTag(
                lane=permit.lane,
                generation=permit.generation,
                database_oid=found.database_oid,
                state=TagState.PENDING,
                permit_id=permit.permit_id,
            ),
        )
    if going is None and coming is None:
        return
    with connected(settings, MAINTENANCE_DATABASE) as server:
        swap(server, settings.database, going, coming)


def _refuse_what_came_since(settings: GuardSettings, permit: Permit, intent: BeginIntent) -> None:
    """Refuse to say yes while something stands there that nobody decided about.

    A begin that was killed is run again, and somebody made a database or files in between: after a
    yes the materialiser would drop them.
    """
    reading = read_lane(settings)
    entry, found = reading.database.entry, _what_comes(permit)
    coming = found.database_oid if found is not None else None
    if entry is not None and entry.oid != coming:
        raise Refused.because(_came_since(f"database {entry.name} (oid {entry.oid})"))
    files = reading.filestore
    is_ours = files.tag is not None and files.tag.permit_id == permit.permit_id
    if files.holds_files and not intent.had_filestore and coming is None and not is_ours:
        raise Refused.because(_came_since(f"the folder {files.path} with files"))


def _came_since(what: str) -> Reason:
    return reason(
        ReasonCode.READINGS_MOVED,
        f"Since the permit was noted, {what} came to the lane's place, and nobody decided about "
        "it.",
        "Undo the operation, which keeps it as well as what stood there before; or move it away "
        "and run the same command again.",
        found=what,
    )


def _stands(reading: DatabaseReading, name: str, oid: int) -> bool:
    """Whether this very database stands under this name."""
    everything: tuple[DatabaseEntry, ...] = reading.neighbours
    if reading.entry is not None:
        everything = (reading.entry, *everything)
    return any(entry.name == name and entry.oid == oid for entry in everything)


def kept_tag(permit: Permit, tag: EngineTag | None, intent: BeginIntent) -> EngineTag:
    """Whose data it is that is set aside: by its own tag, else by what the host recorded."""
    # A tag that came with a copy, or is another lane's, says nothing of this database.
    is_its_own = (
        tag is not None and tag.database_oid == intent.database_oid and tag.lane == permit.lane
    )
    recorded = None if _is_remains(permit) else permit.observation.record.generation
    generation = tag.generation if tag and is_its_own else recorded
    assert intent.database_oid is not None
    return EngineTag(
        lane=permit.lane,
        # An empty database that nobody recorded is the remainder of no generation but this one.
        generation=generation or permit.generation,
        database_oid=intent.database_oid,
        state=TagState.KEPT,
        permit_id=permit.permit_id,
        set_aside_at=intent.begun_at,
    )


def _is_remains(permit: Permit) -> bool:
    """Whether what is set aside is what an earlier begin of the same operation left."""
    return only_remains_stand_there(permit.request, permit.observation)


def _what_comes(permit: Permit) -> KeptData | SideData | None:
    """The database that takes the name at once; None where a materialiser makes one later."""
    incoming = permit.observation.incoming
    if permit.request.data_source is DataSource.KEPT:
        return incoming.kept
    return incoming.side


def _incoming_folder(permit: Permit, keep: Keep) -> Path | None:
    kept, side = permit.observation.incoming.kept, permit.observation.incoming.side
    if side is not None:
        return Sides(keep.folder).files(side.name)
    if permit.request.data_source is not DataSource.KEPT or kept is None or not kept.has_filestore:
        return None
    return keep.filestore(kept.name)


def _came_in_between(served: Path, permit: Permit) -> bool:
    """Whether the served folder holds files and is not one that a begin made here."""
    found = filestore.read_filestore(served)
    return found.holds_files and (found.tag is None or found.tag.permit_id != permit.permit_id)


def _copy_beforehand(settings: GuardSettings, intent: BeginIntent, keep: Keep) -> None:
    """Copy the files, where they have to be copied, while the lane is still open."""
    try:
        Mover(settings.filestore, keep).copy_beforehand(keep.filestore(intent.kept_name))
    except OSError as problem:
        raise CouldNotTell(
            f"The files could not be copied into the keep ({problem}). Database and files are as "
            "they were. Run `begin` again with the same permit when that is put right, or undo "
            "the operation."
        ) from None


def _exchange_folders(
    settings: GuardSettings, permit: Permit, intent: BeginIntent, keep: Keep
) -> None:
    """Move the served folder into the keep and put the incoming one, or an empty one, there."""
    served = settings.filestore
    away, incoming = keep.filestore(intent.kept_name), _incoming_folder(permit, keep)
    filling = f"{FILLING}-begin"
    try:
        mover = Mover(served, keep)
        if intent.had_filestore and not away.exists():
            tag, _problem = filestore.read_tag(served)
            mover.set_aside(away)
            if tag is not None:
                filestore.write_tag(away, tag.model_copy(update={"state": TagState.KEPT}))
        elif not keep.has(permit.permit_id, filling):
            mover.empty(away)
        if incoming is not None and incoming.exists():
            if mover.renames or not keep.has(permit.permit_id, filling):
                # Where something is there, a begin was killed and somebody has made it since.
                mover.make_room(away.name)
            if not mover.renames:
                keep.note(permit.permit_id, filling)
            mover.serve(incoming)
        elif incoming is not None:
            mover.clear(incoming)
        elif _came_in_between(served, permit):
            # A begin was killed in between, and somebody made a folder there since.
            mover.make_room(away.name)
        if not served.exists() and incoming is not None:
            raise FileNotFoundError(f"neither {served} nor {incoming} is there")
        if not served.exists() and away.exists():
            filestore.make_like(served, away)
        system_identifier = read_database(settings).server
        if system_identifier is None:
            raise CouldNotTell("The server went away while the files were set aside.")
        filestore.write_tag(
            served,
            FilestoreTag(
                lane=permit.lane,
                generation=permit.generation,
                system_identifier=system_identifier.system_identifier,
                database_oid=None,
                state=TagState.PENDING,
                permit_id=permit.permit_id,
            ),
        )
    except OSError as problem:
        raise CouldNotTell(
            f"The files could not be set aside ({problem}). The database is kept as "
            f"{intent.kept_name}. Run `begin` again with the same permit, or undo the operation."
        ) from None
