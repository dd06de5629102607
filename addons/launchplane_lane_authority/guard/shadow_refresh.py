"""`filestore refresh`: what is new in the served folder is linked into the shadow.

It may be run at any moment, again and again, and by several at once.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from launchplane_lane_contracts.contract import FilestorePath
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.filestore_check import ShadowRefresh
from launchplane_lane_contracts.judgement import clock_problem
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_contracts.vocabulary import FilestoreState

from .attached_files import still_named
from .database import connected, query_through
from .filestore_check import counted
from .lane_files import (
    SignedWords,
    not_ours,
    ready_keep,
    require_server,
    signed_words,
    state_of_files,
)
from .lane_reading import read_lane
from .settings import GuardSettings
from .shadow import (
    NO_LINKS,
    Refreshed,
    Shadow,
    ShadowNotes,
    every_shadow,
    opened,
    read_shadow,
    refreshing,
    shadow_of,
    why_impossible,
)


def refresh(settings: GuardSettings) -> ShadowRefresh:
    """Bring the shadow of this lane's files up to date.

    Raises Refused when the files are not known as this lane's or no links can be made, CouldNotTell
    when the lane cannot be read, Busy when another one is at it.
    """
    with opened(settings.filestore) as served:
        reading = read_lane(settings)
        lane = require_server(reading)
        state, detail = state_of_files(reading, lane)
        if served is None or state is not FilestoreState.OURS:
            raise not_ours(state, detail)
        # What was read by its path must be what is open, or it was exchanged in between.
        if not os.path.samestat(os.fstat(served), settings.filestore.stat()):
            raise CouldNotTell("The folder was exchanged while it was read. Refresh again.")
        keep = ready_keep(settings, reading, lane)
        impossible = why_impossible(reading.filestore, reading.keep)
        if impossible is not None:
            raise _no_links(impossible)
        words = signed_words(settings.public_keys, reading)
        now = datetime.now(UTC)
        due = _due(reading, words, now)
        shadow = shadow_of(keep.folder, reading.database)
        assert shadow is not None
        with refreshing(keep.folder), _told():
            left = _leave_unused(keep.folder, reading, shadow, words, now, due)
            if not words.protected:
                return _answer(settings, reading, words, left=left)
            done = shadow.link_from(served)
            gone, leaving = _gone(settings, shadow, done, now, due)
            shadow.leave(leaving)
            shadow.write_notes(
                ShadowNotes(refreshed_at=now, files=done.files - len(leaving), gone_since=gone)
            )
    return _answer(settings, reading, words, done, gone=len(gone), left=left + len(leaving))


def _no_links(detail: str) -> Refused:
    return Refused.because(
        reason(
            ReasonCode.SHADOW_IMPOSSIBLE,
            f"The files can have no shadow: {detail}.",
            "Put keep and filestore folder on one volume, below its mount point, owned by one "
            "user. Until then a proven backup is what brings lost files back.",
            detail=detail,
        )
    )


@contextmanager
def _told() -> Iterator[None]:
    """Say in words what the system would not do."""
    try:
        yield
    except OSError as problem:
        if problem.errno in NO_LINKS:
            raise _no_links(f"{problem.filename}: {problem.strerror}") from None
        raise CouldNotTell(
            f"The shadow is not complete yet ({problem}). What it holds is good; refresh again "
            "when that is put right."
        ) from None


def _due(reading: LaneReading, words: SignedWords, now: datetime) -> Callable[[datetime], bool]:
    """Says of an instant whether what waits since then has waited long enough."""
    server = reading.database.server
    kept_for = words.kept_for
    if kept_for is None or server is None or clock_problem(reading.read_at, server.now):
        return lambda _since: False
    return lambda since: now - since >= kept_for


def _gone(
    settings: GuardSettings,
    shadow: Shadow,
    done: Refreshed,
    now: datetime,
    due: Callable[[datetime], bool],
) -> tuple[dict[str, datetime], list[str]]:
    """What Odoo has collected: the names that still wait, and those that may leave."""
    with connected(settings, settings.database) as connection:
        named = still_named(query_through(connection), done.unserved)
    notes = shadow.notes()
    before = notes.gone_since if notes else {}
    gone = {name: before.get(name, now) for name in done.unserved if name not in named}
    leaving = [name for name, since in gone.items() if due(since)]
    return {name: since for name, since in gone.items() if name not in set(leaving)}, leaving


def _leave_unused(
    keep: Path,
    reading: LaneReading,
    own: Shadow,
    words: SignedWords,
    now: datetime,
    due: Callable[[datetime], bool],
) -> int:
    """Take away shadows that nothing can need any more, once they have waited long enough.

    That is a shadow of a database that is neither live nor kept, and the own one where the data may
    be made anew. One of another cluster is left alone: nobody here knows what is kept there.
    """
    database = reading.database
    assert database.server is not None
    assert database.entry is not None
    oids = {database.entry.oid, *(each.oid for each in database.neighbours)}
    used = {f"{database.server.system_identifier}-{oid}" for oid in oids}
    left = 0
    for shadow in every_shadow(keep):
        name, mine = shadow.folder.name, shadow.folder == own.folder
        cluster, _dash, _oid = name.partition("-")
        notes = shadow.notes()
        if cluster != database.server.system_identifier:
            continue
        if notes is None:
            if not mine and name not in used:
                # Odoo linked files into it as they arrived, and no refresh has seen it since.
                shadow.write_notes(ShadowNotes(refreshed_at=now, files=0, unused_since=now))
            continue
        if (mine and words.protected) or (not mine and name in used):
            if notes.unused_since is not None:
                shadow.write_notes(notes.model_copy(update={"unused_since": None}))
        elif notes.unused_since is None:
            shadow.write_notes(notes.model_copy(update={"unused_since": now}))
        elif due(notes.unused_since):
            left += shadow.remove()
    return left


def _answer(
    settings: GuardSettings,
    reading: LaneReading,
    words: SignedWords,
    done: Refreshed | None = None,
    *,
    gone: int = 0,
    left: int = 0,
) -> ShadowRefresh:
    done = done or Refreshed()
    return ShadowRefresh(
        path=FilestorePath(str(settings.filestore)),
        protected=words.protected,
        linked=done.linked,
        exchanged=done.exchanged,
        damaged=counted(done.damaged),
        gone=gone,
        left=left,
        kept_for=words.kept_for,
        shadow=read_shadow(settings.keep, reading.database, reading.filestore, reading.keep),
    )
