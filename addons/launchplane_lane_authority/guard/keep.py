"""The keep: where things are set aside, and where the guard remembers which permits were begun."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from launchplane_lane_contracts.contract import (
    DatabaseName,
    DatabaseNameField,
    FilestorePath,
    PermitId,
    PermitIdField,
    UtcInstant,
    VersionedContract,
)
from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import ObjectId
from launchplane_lane_contracts.reading import BeginRecord, KeepReading, KeptFilestore
from launchplane_lane_contracts.vocabulary import KeepState

from . import durable, filestore
from .copying import bytes_of
from .mounts import on_one_volume, why_not_renamed
from .one_at_a_time import one_at_a_time
from .release_notes import RELEASED
from .side import SIDES, Sides

LANE_FILE = "lane"
BEGUN = "begun"
FILESTORES = "filestores"
KEPT_BY_ORDER = "kept-by-order"


class BeginIntent(VersionedContract):
    """Written before the first change, so that a crash can be carried on from."""

    permit_id: PermitIdField
    """The permit."""
    token: str
    """The permit as it was signed."""
    database_oid: ObjectId | None
    """What stood under the name."""
    kept_name: DatabaseNameField
    """The name under which that is set aside."""
    had_filestore: bool
    """Whether there was a folder to set aside."""
    begun_at: UtcInstant
    """When (UTC)."""


class Keep:
    """One lane's keep."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self, lane: Lane) -> None:
        """Make its parts and write down whose it is. Raises OSError."""
        for part in (self.folder / BEGUN, self.folder / FILESTORES):
            part.mkdir(mode=0o700, exist_ok=True)
        try:
            durable.write_new(self.folder / LANE_FILE, str(lane).encode())
        except FileExistsError:
            if self.lane() != str(lane):
                raise CouldNotTell(
                    f"The keep {self.folder} belongs to lane {self.lane()}, not to {lane}. Give "
                    "each lane a keep of its own."
                ) from None

    def lane(self) -> str | None:
        """The lane whose keep it is, where it has been used."""
        try:
            return (self.folder / LANE_FILE).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One guard at a time. Raises Busy when another one is at it."""
        with one_at_a_time(
            self.folder,
            "Another guard is working on this lane. Wait until it has ended, then look at the "
            "lane again.",
        ):
            yield

    def filestore(self, name: str) -> Path:
        """Where the folder of a kept database lies."""
        return self.folder / FILESTORES / name

    def free_folder(self, name: str) -> Path:
        """A name in the keep that is free: this one, or the same with a number."""
        folder, number = self.filestore(name), 1
        while folder.exists():
            number += 1
            folder = self.filestore(f"{name}-{number}")
        return folder

    def note_begin(self, intent: BeginIntent) -> None:
        """Remember a permit before anything is changed. Raises FileExistsError, OSError."""
        folder = self._begun(intent.permit_id)
        folder.mkdir(mode=0o700, exist_ok=True)
        durable.sync_folder(folder.parent)
        durable.write_new(folder / "begun.json", intent.canonical())

    def intent(self, permit_id: PermitId) -> BeginIntent | None:
        """What was noted of a permit, where it was begun.

        Raises CouldNotTell when the note cannot be understood.
        """
        path = self._begun(permit_id) / "begun.json"
        try:
            return BeginIntent.from_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError:
            raise CouldNotTell(f"{path} cannot be understood; it was changed by hand.") from None

    def note(self, permit_id: PermitId, step: str) -> None:
        """Remember that a step is done; noting it twice does no harm. Raises OSError."""
        with suppress(FileExistsError):
            durable.write_new(self._begun(permit_id) / step, b"")

    def forget(self, permit_id: PermitId, step: str) -> None:
        """Take a note back, where nothing was done of what it says. Raises OSError."""
        (self._begun(permit_id) / step).unlink(missing_ok=True)
        durable.sync_folder(self._begun(permit_id))

    def has(self, permit_id: PermitId, step: str) -> bool:
        """Whether a step is done."""
        return (self._begun(permit_id) / step).exists()

    def void(self, permit_id: PermitId, kept_name: DatabaseName) -> None:
        """Note that a permit was never begun here, and now never can be. Raises OSError."""
        with suppress(FileExistsError):
            self.note_begin(
                BeginIntent(
                    permit_id=permit_id,
                    token=NEVER_BEGUN,
                    database_oid=None,
                    kept_name=kept_name,
                    had_filestore=False,
                    begun_at=datetime.now(UTC),
                )
            )
        self.note(permit_id, ENDED)

    def is_real(self, permit_id: PermitId) -> bool:
        """Whether a begin under this permit is on record. Raises CouldNotTell."""
        intent = self.intent(permit_id)
        return intent is not None and intent.token != NEVER_BEGUN

    def _begun(self, permit_id: PermitId) -> Path:
        return self.folder / BEGUN / permit_id

    def note_kept(self, permit_id: PermitId) -> None:
        """Remember that all of what an order of its own keeps is kept. Raises OSError."""
        folder = self.folder / KEPT_BY_ORDER
        folder.mkdir(mode=0o700, exist_ok=True)
        durable.sync_folder(self.folder)
        with suppress(FileExistsError):
            durable.write_new(folder / permit_id, b"")

    def is_kept(self, permit_id: PermitId) -> bool:
        """Whether that was noted: what lies at the lane's place since is not the order's."""
        return (self.folder / KEPT_BY_ORDER / permit_id).exists()

    def records(self) -> tuple[BeginRecord, ...]:
        """Every permit that was begun here. Raises OSError, CouldNotTell."""
        folder = self.folder / BEGUN
        if not folder.is_dir():
            return ()
        intents = (
            self.intent(PermitId(entry.name))
            for entry in sorted(folder.iterdir())
            if entry.is_dir()
        )
        return tuple(
            BeginRecord(
                permit_id=intent.permit_id,
                begun_at=intent.begun_at,
                set_aside=self.has(intent.permit_id, SET_ASIDE),
                ended=self.has(intent.permit_id, ENDED),
                going_back=self.has(intent.permit_id, GOING_BACK),
            )
            for intent in intents
            if intent is not None
        )


NEVER_BEGUN = "undone before it was begun"
"""What is noted in the token's place, so that the permit can never be begun."""
SET_ASIDE = "set-aside"
"""Everything that stood there was set aside."""
FILLING = "filling"
"""Nothing of what stood there before is in the served folder; kept files are being put there."""
GOING_BACK = "going-back"
"""An undo or an abort has begun to put back what was set aside: nothing else is begun on it."""
FINISHED = "finished"
"""The new data carries its pending marker."""
UNDONE = "undone"
"""What was set aside has been put back."""
ABORTED = "aborted"
"""What was set aside has been put back as it was, since nothing had come in its place."""
ENDED = "ended"
"""The rebuild was settled, undone or aborted."""


def read_keep(folder: Path | None, served: Path, lane: Lane | None) -> KeepReading:
    """Whether the keep can be used for the folder that is served. Never raises."""
    if folder is None:
        return KeepReading(state=KeepState.NOT_CONFIGURED, problem="LANE_AUTHORITY_KEEP is not set")
    path = FilestorePath(str(folder))

    def unusable(problem: str) -> KeepReading:
        return KeepReading(state=KeepState.UNUSABLE, path=path, problem=problem)

    try:
        if not folder.is_dir():
            return unusable(f"{folder} is not a folder")
        if not os.access(folder, os.W_OK | os.X_OK):
            return unusable(f"{folder} cannot be written to")
        if folder.resolve().is_relative_to(served.resolve()):
            return unusable(f"{folder} lies inside the folder that Odoo serves")
        keep = Keep(folder)
        owner = keep.lane()
        if owner is not None and lane is not None and owner != str(lane):
            return unusable(f"{folder} is the keep of lane {owner}")
        for part in (keep.folder / BEGUN, keep.folder / FILESTORES):
            if served.resolve().is_relative_to(part.resolve()):
                return unusable(f"{served} lies inside the keep's own folder {part}")
        for part in (folder / FILESTORES, folder / SIDES, folder / RELEASED):
            # What is kept moves between them by a rename, and it has moved half-way by then.
            if part.exists() and not on_one_volume(part, folder):
                return unusable(
                    f"its folder {part} is on another volume than the keep; let the whole keep be "
                    "on one volume"
                )
        why_copied = why_not_renamed(served, folder)
        volume = os.statvfs(folder)
        return KeepReading(
            state=KeepState.OTHER_VOLUME if why_copied else KeepState.READY,
            path=path,
            problem=why_copied,
            copied_bytes=bytes_of(served) if why_copied and served.is_dir() else None,
            free_bytes=volume.f_bavail * volume.f_frsize,
            filestores=_kept_filestores(folder / FILESTORES),
            begun=keep.records(),
            sides=Sides(folder).ready(),
        )
    except (OSError, CouldNotTell) as problem:
        return unusable(str(problem))


def _kept_filestores(folder: Path) -> tuple[KeptFilestore, ...]:
    if not folder.is_dir():
        return ()
    return tuple(
        KeptFilestore(name=entry.name, tag=filestore.read_tag(entry)[0])
        for entry in sorted(folder.iterdir())
        # A name that begins with a dot is a copy on its way.
        if entry.is_dir() and not entry.name.startswith(".")
    )
