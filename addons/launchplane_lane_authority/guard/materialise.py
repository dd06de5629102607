"""`materialise`: a source is restored beside the lane and verified there; then it waits.

This is the materialiser for lanes without one of their own, and an example of the order in which
one works: the source is read and the copy of it proven equal before anything of the lane is
touched. `begin` then gives it the lane's name and folder, in the transaction that sets the old data
aside. Killed anywhere, it leaves the lane as it was; what it made is dropped by the next run.
"""

import dataclasses
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import psycopg2
from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.evidence import SideData, SourcePlace
from launchplane_lane_contracts.fingerprint import ContentFingerprint, Difference
from launchplane_lane_contracts.orders import MaterialiseOrder
from launchplane_lane_contracts.reading import LaneReading, ServerReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.restore_source import upstream_differs

from . import backup_source, upstream
from .attached_files import FileState, named_files, state_of
from .database import first_line, query_through
from .fingerprint import DEFAULT_WORKERS, read_in
from .keep import SET_ASIDE, Keep
from .kept_data import require_keep, require_server
from .lane_reading import read_lane
from .neutralise import neutralise
from .order_check import check_environment
from .own_session import require_own_session
from .restore_source import offered_upstream
from .room_beside import require_room
from .settings import GuardSettings
from .side import (
    Sides,
    behind_its_door,
    make_side_database,
    opened_for_a_while,
    own_files_like,
)

NAMED_AT_MOST = 5


class Source(Protocol):
    """What can be restored beside a lane, while it is open."""

    @property
    def encoding(self) -> str:
        """Of its database."""

    @property
    def collate(self) -> str:
        """The locale by which its text is ordered."""

    @property
    def character_type(self) -> str:
        """The locale that says what a letter is."""

    @property
    def database_bytes(self) -> int:
        """The size of its database."""

    @property
    def file_bytes(self) -> int | None:
        """The size of its files together, where that is known."""

    @property
    def file_count(self) -> int:
        """How many files it has."""

    @property
    def lacking(self) -> tuple[str, ...]:
        """Files that its rows name and that it is known not to have."""

    @property
    def words(self) -> str:
        """What it is, for people."""

    def restore_into(self, target: GuardSettings, target_version: int, workers: int) -> None:
        """Fill an empty database with it. Raises CouldNotTell, Refused."""

    def fetch_files(self, folder: Path) -> None:
        """Put its files into an empty folder. Raises CouldNotTell, Refused."""

    def differences(self, found: ContentFingerprint, workers: int) -> tuple[Difference, ...]:
        """In what a content differs from it."""


def materialise(
    settings: GuardSettings,
    order: MaterialiseOrder,
    environment: Mapping[str, str] = os.environ,
    *,
    workers: int = DEFAULT_WORKERS,
) -> tuple[LaneReading, SideData]:
    """Restore the order's source beside the lane, and verify it.

    Raises Refused, CouldNotTell, Busy or BadInput; then the lane is as it was and nothing is left
    beside it.
    """
    check_environment(order, settings)
    reading = read_lane(settings)
    require_server(reading.database)
    require_own_session(settings)
    keep = require_keep(settings, reading, order.lane)
    sides = Sides(keep.folder)
    with sides.at_work():
        _sweep(settings, keep, sides)
        with _opened(settings, order, reading, environment) as source:
            assert reading.database.server is not None
            require_room(settings, keep.folder, source.database_bytes, source.file_bytes)
            side = _bring(settings, order, sides, source, reading.database.server, workers)
    return read_lane(settings), side


def sweep(settings: GuardSettings) -> LaneReading:
    """Drop what waits beside the lane, and what was left there. It needs no order.

    It can drop nothing else, and a begin that expects what is gone is refused. Raises Refused,
    CouldNotTell, Busy.
    """
    reading = read_lane(settings)
    require_server(reading.database)
    if settings.keep is not None and Sides(settings.keep).names():
        sides = Sides(settings.keep)
        with sides.at_work():
            _sweep(settings, Keep(settings.keep), sides)
    return read_lane(settings)


def _sweep(settings: GuardSettings, keep: Keep, sides: Sides) -> None:
    """Drop what an earlier run made, unless a begin is half-way through giving it the name."""
    with keep.locked():
        half_way = next(
            (
                each
                for each in keep.records()
                if not each.ended and not keep.has(each.permit_id, SET_ASIDE)
            ),
            None,
        )
        if half_way is not None:
            raise Refused.because(
                reason(
                    ReasonCode.OPERATION_UNFINISHED,
                    f"The begin under permit {half_way.permit_id} came half-way, so nothing is "
                    "brought beside the lane now.",
                    "Let that begin come to its end (`lane-authority start` with the operation, "
                    "once more), or undo the operation.",
                    permit_id=half_way.permit_id,
                )
            )
        sides.sweep(settings)


@contextmanager
def _opened(
    settings: GuardSettings,
    order: MaterialiseOrder,
    reading: LaneReading,
    environment: Mapping[str, str],
) -> Iterator[Source]:
    """The one source that the order names, at one moment."""
    if order.upstream is None:
        assert order.backup is not None
        with backup_source.opened(settings, order.backup) as backup:
            yield backup
        return
    differences = tuple(upstream_differs(order.upstream, offered_upstream(environment)))
    if differences:
        raise Refused.because(*differences)
    place = upstream.place_from(settings, order.upstream, environment)
    with upstream.opened(place, order.upstream) as source:
        _require_elsewhere(source.where, reading)
        yield source


def _require_elsewhere(where: SourcePlace, reading: LaneReading) -> None:
    database = reading.database
    assert database.server is not None
    own = {each.oid: each for each in database.neighbours}
    if database.entry is not None:
        own[database.entry.oid] = database.entry
    found = own.get(where.database_oid)
    tag = found.tag if found is not None else None
    if where.system_identifier != database.server.system_identifier or found is None:
        return
    if found is database.entry or (tag is not None and tag.lane == reading.lane):
        raise Refused.because(
            reason(
                ReasonCode.SOURCE_IS_THE_LANE_ITSELF,
                f"The upstream source was found to be {found.name} (oid {found.oid}) on the lane's "
                "own server, which is this lane's data.",
                "Correct the lane's ODOO_UPSTREAM_ variables and its recorded upstream source; to "
                "have the lane's own data again, restore a backup or kept data.",
                database=found.name,
            )
        )


def _bring(
    settings: GuardSettings,
    order: MaterialiseOrder,
    sides: Sides,
    source: Source,
    server: ServerReading,
    workers: int,
) -> SideData:
    """Make it, fill it, compare it; what could not be made whole is dropped again."""
    name = sides.note(settings.database, order)
    try:
        side = _fill(settings, order, sides, name, source, server, workers)
        sides.verified(side)
    except BaseException as problem:
        sides.forget(settings, name)
        if isinstance(problem, psycopg2.Error | OSError):
            raise CouldNotTell(
                f"{source.words} could not be restored beside the lane: {first_line(problem)}. "
                "Nothing of the lane was changed."
            ) from None
        raise
    return side


def _fill(
    settings: GuardSettings,
    order: MaterialiseOrder,
    sides: Sides,
    name: DatabaseName,
    source: Source,
    server: ServerReading,
    workers: int,
) -> SideData:
    beside = dataclasses.replace(settings, database=name)
    entry = make_side_database(
        settings,
        name,
        encoding=source.encoding,
        collate=source.collate,
        character_type=source.character_type,
    )
    source.restore_into(beside, server.version, workers)
    folder = sides.files(name)
    source.fetch_files(folder)
    with behind_its_door(settings, entry, workers) as sessions:
        found = read_in(sessions, oid=entry.oid)
        differences = source.differences(found, workers)
        if differences:
            raise Refused.because(_not_equal([str(each) for each in differences], source.words))
        _require_files(sessions[0], folder, source)
    neutralised = False
    if order.neutralise:
        with opened_for_a_while(settings, entry):
            neutralised = neutralise(settings, name)
    own_files_like(folder, settings.filestore)
    return SideData(
        operation_id=order.operation_id,
        name=name,
        database_oid=entry.oid,
        source=source.words,
        fingerprint_digest=found.digest(),
        files=source.file_count,
        lacking=source.lacking,
        neutralised=neutralised,
        verified_at=datetime.now(UTC),
    )


def _require_files(inside: Connection, folder: Path, source: Source) -> None:
    """Refuse unless every file is there that the restored rows name, with the right content."""
    named = named_files(query_through(inside))
    lacking = frozenset(source.lacking)
    bad = [
        name
        for name in named
        if name not in lacking
        and state_of(folder, name) not in (FileState.GOOD, FileState.NOT_VERIFIABLE)
    ]
    if bad:
        raise Refused.because(_not_equal([f"file {name}" for name in bad], source.words))


def _not_equal(differences: list[str], words: str) -> Reason:
    shown = "; ".join(differences[:NAMED_AT_MOST])
    more = len(differences) - NAMED_AT_MOST
    return reason(
        ReasonCode.COPY_DIFFERS,
        f"What was restored beside the lane is not what {words} holds: {shown}"
        + (f"; and {more} more" if more > 0 else "")
        + ". It was dropped again, and nothing of the lane was changed.",
        "Do the same again; where it differs once more, look at what differs, at the source and at "
        "the programs that copied it, or choose another source.",
        differences=len(differences),
    )
