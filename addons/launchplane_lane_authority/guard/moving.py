"""Moving the served folder into the keep, and a kept one out of it.

On one volume that is a rename. Where the keep is on another volume, or the served folder is a mount
point, the files are copied, compared and synced, and only then is the place that they came from
emptied. What says that a copy is whole is a rename inside the keep, so a move that was killed at
any point can be run again: until that rename the original is the data, from then on the copy.
"""

import os
from pathlib import Path

from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from . import copying, filestore
from .keep import Keep
from .mounts import why_not_renamed

COMING = ".{}.coming"
"""A copy on its way into the keep, not whole yet."""
COPIED = ".{}.copied"
"""A kept folder that is served again from a whole copy; it only waits to be emptied."""


class Mover:
    """Moves the folder of one lane."""

    def __init__(self, served: Path, keep: Keep) -> None:
        self.served = served
        self.keep = keep
        self.renames = why_not_renamed(served, keep.folder) is None

    def copy_beforehand(self, away: Path) -> None:
        """Copy what can be copied while the lane is still open. Raises OSError.

        So that the rest is short, and a volume that fills up is met before anything has moved.
        """
        if not self.renames and self.served.exists() and not away.exists():
            copying.copy_folder(self.served, _named(COMING, away), in_use=True)

    def set_aside(self, away: Path) -> None:
        """Move the served folder to a name in the keep that is free. Raises OSError."""
        if self.renames:
            filestore.rename_folder(self.served, away)
            return
        coming = _named(COMING, away)
        copying.copy_folder(self.served, coming)
        filestore.rename_folder(coming, away)
        self.empty(away)

    def empty(self, away: Path) -> None:
        """Empty the served folder of what was set aside from it. Raises OSError.

        After a rename there is nothing to empty.
        """
        if not self.renames and self.served.exists() and away.exists():
            copying.empty(self.served, away)

    def make_room(self, name: str) -> None:
        """Leave nothing in the served folder; what is there is set aside. Raises OSError."""
        if not self.served.exists():
            return
        if self.renames and all(filestore.is_tag(each.name) for each in self.served.iterdir()):
            copying.remove_empty(self.served)
            return
        if self.renames:
            # A move that was killed in between may have set a first one aside already.
            self.set_aside(self.keep.free_folder(name))
            return
        away = self.keep.filestore(name)
        if away.exists() and copying.holds_only(self.served, away):
            self.empty(away)
        elif not copying.holds_nothing(self.served):
            self.set_aside(self.keep.free_folder(name))

    def serve(self, kept: Path) -> None:
        """Move a folder of the keep to the place that is served, which is free. Raises OSError."""
        if self.renames:
            filestore.rename_folder(kept, self.served)
            return
        if not self.served.exists():
            filestore.make_served(self.served)
        copying.copy_folder(kept, self.served)
        filestore.rename_folder(kept, _named(COPIED, kept))
        self.clear(kept)

    def clear(self, kept: Path) -> None:
        """Take away what moves of this folder left behind. Raises OSError."""
        for left in (_named(COPIED, kept), _named(COMING, kept)):
            if left.exists():
                copying.empty_and_remove(left, self.served)

    def room_lacks(self, kept: Path | None) -> Reason | None:
        """Why the served folder and a kept one cannot change places, where room is missing.

        `kept` is the folder that is to be served, if there is one. Raises OSError.
        """
        if self.renames:
            return None
        going = copying.bytes_of(self.served) if self.served.exists() else 0
        coming = copying.bytes_of(kept) if kept is not None and kept.exists() else 0
        beside = existing(self.served)
        one_disk = beside.stat().st_dev == self.keep.folder.stat().st_dev
        # What is set aside is copied first; only then does emptying give its room back.
        for needed, where, returned in (
            (going, self.keep.folder, 0),
            (coming, beside, 0 if one_disk else going),
        ):
            free = free_bytes(where) + returned
            if needed > free:
                return reason(
                    ReasonCode.ROOM_NOT_ENOUGH,
                    f"The files have to be copied to another volume: {needed} bytes are needed and "
                    f"{free} are free on the volume of {where}.",
                    "Make room on that volume, or put keep and filestore folder on one volume, "
                    "then start again. Nothing has moved.",
                    needed_bytes=needed,
                    free_bytes=free,
                )
        return None


def existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that is there."""
    return path if path.exists() else next(each for each in path.parents if each.exists())


def free_bytes(folder: Path) -> int:
    """Room on a folder's volume. Raises OSError."""
    volume = os.statvfs(folder)
    return volume.f_bavail * volume.f_frsize


def _named(pattern: str, folder: Path) -> Path:
    return folder.with_name(pattern.format(folder.name))
