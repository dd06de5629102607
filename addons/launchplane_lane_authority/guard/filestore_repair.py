"""`filestore repair`: puts back what the database names and the folder lacks or has damaged.

Files come from the shadow, or from folders that are kept. Each is compared with the SHA-1 that is
its name before it is put in its place, and a file that is good is never touched.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from launchplane_lane_contracts.contract import FilestorePath
from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.filestore_check import FilestoreRepair
from launchplane_lane_contracts.vocabulary import FilestoreState

from . import durable
from .attached_files import FileState, digest_in, named_files, state_of, state_within
from .database import connected, query_through
from .filestore import make_served, owned_like, write_tag
from .filestore_check import counted, states_of
from .keep import FILESTORES, Keep
from .lane_files import not_ours, ready_keep, require_server, signed_words, state_of_files
from .lane_reading import read_lane
from .settings import GuardSettings
from .shadow import NO_LINKS, every_shadow, shadow_of

NOT_OURS = frozenset(
    {
        FilestoreState.FOREIGN,
        FilestoreState.STALE,
        FilestoreState.ELSEWHERE,
        FilestoreState.UNREADABLE,
    }
)


@dataclass
class _Work:
    """One repair: where to, where from, and what came of it."""

    served: Path
    shadows: list[Path]
    kept: list[Path]
    from_shadow: int = 0
    from_kept: int = 0
    failed: list[str] = field(default_factory=list)
    changed: set[Path] = field(default_factory=set)

    def put_back(self, name: str) -> None:
        """Put one file in its place. Raises OSError."""
        target = self.served / name
        if digest_in(name) is None or target.parent.is_symlink():
            self.failed.append(name)
            return
        for folder in self.shadows:
            if state_of(folder, name) is FileState.GOOD:
                self._place(folder / name, target, name, link=True)
                self.from_shadow += 1
                return
        for folder in self.kept:
            if state_of(folder, name) is FileState.GOOD:
                # A copy: kept data must stay as it is, whatever is done to the served file.
                self._place(folder / name, target, name, link=False)
                self.from_kept += 1
                return
        self.failed.append(name)

    def _place(self, source: Path, target: Path, name: str, *, link: bool) -> None:
        if not target.parent.exists():
            target.parent.mkdir(mode=0o755)
            owned_like(target.parent, self.served)
            self.changed.add(self.served)
        temporary = durable.temporary(target)
        try:
            if not (link and _linked(source, temporary)):
                durable.copy(source, temporary)
            if state_within(None, temporary, name) is not FileState.GOOD:
                raise OSError(f"{source} changed while it was put back")
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        self.changed.add(target.parent)


def _linked(source: Path, target: Path) -> bool:
    """Whether a hard link could be made. Raises OSError for what a copy would meet as well."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as problem:
        if problem.errno in NO_LINKS:
            return False
        raise
    return True


def repair(settings: GuardSettings) -> FilestoreRepair:
    """Put back what can be put back, and the folder's tag where nothing is missing afterwards.

    Raises Refused when the folder is known as another one's, CouldNotTell when lane or keep cannot
    be read or a file could not be written, Busy when another guard is at work.
    """
    reading = read_lane(settings)
    lane = require_server(reading)
    keep = ready_keep(settings, reading, lane)
    state, detail = state_of_files(reading, lane)
    if state in NOT_OURS:
        raise not_ours(state, detail)
    words = signed_words(settings.public_keys, reading)
    own = shadow_of(keep.folder, reading.database)
    assert own is not None
    with keep.locked(), connected(settings, settings.database) as connection:
        query = query_through(connection)
        named = named_files(query)
        found = states_of(query, settings.filestore, named)
        others = [each.folder for each in every_shadow(keep.folder) if each.folder != own.folder]
        work = _Work(settings.filestore, [own.folder, *others], _kept_folders(keep))
        wanted = sorted((*found[FileState.MISSING], *found[FileState.DAMAGED]))
        tag_written = False
        try:
            if wanted and not settings.filestore.exists():
                make_served(settings.filestore)
            for name in wanted:
                work.put_back(name)
            if reading.filestore.tag is None and words.tag is not None and not work.failed:
                write_tag(settings.filestore, words.tag)
                tag_written = True
            for folder in work.changed:
                durable.sync_folder(folder)
        except OSError as problem:
            raise CouldNotTell(
                f"{work.from_shadow + work.from_kept} of {len(wanted)} file(s) were put back, then "
                f"the system did not go on: {problem}. Repair again when that is put right."
            ) from None
    return FilestoreRepair(
        path=FilestorePath(str(settings.filestore)),
        named=len(named),
        from_shadow=work.from_shadow,
        from_kept=work.from_kept,
        not_repaired=counted(work.failed),
        tag_written=tag_written,
    )


def _kept_folders(keep: Keep) -> list[Path]:
    folder = keep.folder / FILESTORES
    return sorted(each for each in folder.iterdir() if each.is_dir() and not each.is_symlink())
