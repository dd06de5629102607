"""On which mount a path lies. Two bind mounts of one disk have one device and still no rename."""

import os
import re
from pathlib import Path

MOUNT_TABLE = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")


def mount_point_of(path: Path) -> Path | None:
    """The mount point that an existing path lies on or below; None where it cannot be known.

    Raises OSError when the path cannot be resolved.
    """
    try:
        table = os.fsdecode(MOUNT_TABLE.read_bytes())
    except OSError:
        return None
    points = [
        Path(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), fields[4]))
        for fields in (line.split(" ") for line in table.splitlines())
        if len(fields) > 4
    ]
    resolved = path.resolve(strict=True)
    around = [point for point in points if resolved.is_relative_to(point)]
    return max(around, key=lambda point: len(point.parts), default=None)


def is_mount_point(path: Path) -> bool:
    """Whether a folder is itself a mount point. Raises OSError."""
    return path.is_mount() or mount_point_of(path) == path.resolve()


def on_one_volume(one: Path, other: Path) -> bool:
    """Whether things in two folders can be renamed from one into the other. Raises OSError."""
    return one.stat().st_dev == other.stat().st_dev and mount_point_of(one) == mount_point_of(other)


def why_not_renamed(folder: Path, keep: Path) -> str | None:
    """Why a folder cannot be renamed into the keep, where it cannot. Raises OSError."""
    # The folder may not be there; what counts is what it lies in.
    beside = next(parent for parent in folder.parents if parent.exists())
    if not on_one_volume(keep, beside):
        return f"{keep} is on another volume than {folder}"
    if folder.exists() and is_mount_point(folder):
        return f"{folder} is itself a mount point"
    return None
