"""Finding kept data: the very database that an order names, and the folder of its files."""

from collections.abc import Iterator
from pathlib import Path

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import EngineTag, FilestoreTag
from launchplane_lane_contracts.orders import KeptReference
from launchplane_lane_contracts.reading import DatabaseEntry, DatabaseReading, LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import KeepState, TagState

from . import filestore
from .keep import Keep
from .settings import GuardSettings


def require_server(database: DatabaseReading) -> None:
    """Raise CouldNotTell or Refused unless the server answered and can be written to."""
    if database.server is None:
        raise CouldNotTell(f"The server did not answer: {database.problem}.")
    if database.server.in_recovery:
        raise Refused.because(
            reason(
                ReasonCode.ROLE_MAY_NOT_RENAME,
                "The server is a replica, on which nothing can be changed.",
                "Let ODOO_DB_HOST and ODOO_DB_PORT name the primary server, then run the same "
                "command again.",
            )
        )


def require_keep(settings: GuardSettings, reading: LaneReading, lane: Lane) -> Keep:
    """The lane's keep. Raises Refused when there is none that can be used, CouldNotTell."""
    if settings.keep is None or reading.keep.state is KeepState.UNUSABLE:
        code = ReasonCode.KEEP_NOT_CONFIGURED if settings.keep is None else ReasonCode.KEEP_UNUSABLE
        raise Refused.because(
            reason(
                code,
                f"The lane's keep cannot be used: {reading.keep.problem}.",
                "Give the guard the keep with which the data was set aside, then run the same "
                "command again.",
            )
        )
    keep = Keep(settings.keep)
    try:
        keep.prepare(lane)
    except OSError as problem:
        raise CouldNotTell(f"The keep {settings.keep} could not be used: {problem}.") from None
    return keep


def every_database(database: DatabaseReading) -> Iterator[DatabaseEntry]:
    """What stands under the lane's name, and all its neighbours."""
    if database.entry is not None:
        yield database.entry
    yield from database.neighbours


def require_plain_name(kept: KeptReference) -> None:
    """Raise Refused when the name would lead out of the keep's own folders."""
    if Path(kept.name).name != kept.name:
        raise Refused.because(_changed(kept, f"{kept.name!r} is no name of kept data"))


def is_kept_data(
    entry: DatabaseEntry, kept: KeptReference, lane: Lane, name: DatabaseName | None = None
) -> bool:
    """Whether this database is the one that is meant, under its kept name or the one given.

    Where its comment was overwritten with something that is no tag, name and oid are enough.
    """
    tag = entry.tag
    if entry.name != (name or kept.name):
        return False
    if tag is None:
        return entry.oid == kept.database_oid
    return (entry.oid, tag.database_oid, tag.lane, tag.state, tag.generation, tag.permit_id) == (
        kept.database_oid,
        entry.oid,
        lane,
        TagState.KEPT,
        kept.generation,
        kept.permit_id,
    )


def stayed_kept(entry: DatabaseEntry, lane: Lane) -> bool:
    """Whether what a begin set aside, by its name and oid, is not tagged as anything else since.

    Its tag or the record in the keep is enough: a comment may have been overwritten.
    """
    tag = entry.tag
    return tag is None or (
        (tag.state, tag.database_oid, tag.lane) == (TagState.KEPT, entry.oid, lane)
    )


def find_kept(database: DatabaseReading, kept: KeptReference, lane: Lane) -> DatabaseEntry:
    """The kept database, under its kept name. Raises Refused when it is not exactly there."""
    require_plain_name(kept)
    found = next((each for each in database.neighbours if each.name == kept.name), None)
    if found is not None and is_kept_data(found, kept, lane):
        return found
    raise Refused.because(_changed(kept, _what_stands(database, found, kept, lane)))


def _what_stands(
    database: DatabaseReading, found: DatabaseEntry | None, kept: KeptReference, lane: Lane
) -> str:
    if found is None:
        elsewhere = next(
            (each for each in every_database(database) if each.oid == kept.database_oid), None
        )
        if elsewhere is None:
            return f"there is no database {kept.name}, and none with oid {kept.database_oid}"
        return f"oid {kept.database_oid} stands under the name {elsewhere.name}"
    if found.oid != kept.database_oid:
        return f"{kept.name} has oid {found.oid} and not {kept.database_oid}"
    tag = found.tag
    assert tag is not None
    return (
        f"the tag of {kept.name} says lane {tag.lane}, {tag.state}, generation {tag.generation}, "
        f"oid {tag.database_oid}, permit {tag.permit_id or '-'}; the order is for lane {lane}, "
        f"generation {kept.generation}, permit {kept.permit_id}"
    )


def tag_of(kept: KeptReference, lane: Lane) -> EngineTag:
    """The tag of kept data, for one whose comment was overwritten."""
    return EngineTag(
        lane=lane,
        generation=kept.generation,
        database_oid=kept.database_oid,
        state=TagState.KEPT,
        permit_id=kept.permit_id,
    )


def require_folder(folder: Path, kept: KeptReference, lane: Lane, *, expected: bool) -> None:
    """Raise Refused when the folder of the files is not what the order says."""
    if not expected:
        if folder.exists():
            raise Refused.because(
                _changed(kept, f"the order knows of no files, and there are some in {folder}")
            )
        return
    if folder.is_symlink() or not folder.is_dir():
        raise Refused.because(_changed(kept, f"its files are not in {folder}"))
    tag, problem = filestore.read_tag(folder)
    if problem is not None:
        raise Refused.because(_changed(kept, problem))
    # What an unfinished rebuild left may never have had a tag.
    if tag is not None and not _fits(tag, kept, lane):
        raise Refused.because(
            _changed(
                kept,
                f"the files in {folder} are those of lane {tag.lane}, generation {tag.generation}, "
                f"database oid {tag.database_oid or 'none'}",
            )
        )


def _fits(tag: FilestoreTag, kept: KeptReference, lane: Lane) -> bool:
    return (tag.lane, tag.generation) == (lane, kept.generation) and tag.database_oid in (
        None,
        kept.database_oid,
    )


def _changed(kept: KeptReference, detail: str) -> Reason:
    return reason(
        ReasonCode.KEPT_CHANGED,
        f"The kept data is not what the order names: {detail}.",
        "If it was renamed or moved, put it back under its name; if something else stands there, "
        "move that away. Then run the same command again.",
        kept=DatabaseName(kept.name),
        detail=detail,
    )
