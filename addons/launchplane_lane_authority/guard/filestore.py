"""The lane's files: reading whose they are, tagging them, renaming their folder."""

import os
from pathlib import Path

from pydantic import ValidationError

from launchplane_lane_contracts.contract import FilestorePath
from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.marker import FILESTORE_TAG_NAME, FilestoreTag
from launchplane_lane_contracts.reading import FilestoreReading

from .durable import TEMPORARY_SUFFIX, replace, sync_folder
from .mounts import is_mount_point

LARGEST_TAG_BYTES = 16_384
OF_THE_VOLUME = "lost+found"
"""What a volume of its own has at its root, and nobody but the system reads."""


def read_filestore(folder: Path) -> FilestoreReading:
    """What stands in the folder. Never raises; what went wrong is in the answer."""
    path = FilestorePath(str(folder))
    try:
        if folder.is_symlink():
            return FilestoreReading(path=path, problem=f"{folder} is a symbolic link")
        if not folder.exists():
            return FilestoreReading(path=path)
        if not folder.is_dir():
            return FilestoreReading(path=path, problem=f"{folder} is not a folder")
        with os.scandir(folder) as entries:
            holds_files = any(not holds_no_data(entry.name) for entry in entries)
        tag, tag_problem = read_tag(folder)
        return FilestoreReading(
            path=path,
            exists=True,
            holds_files=holds_files,
            is_mount_point=is_mount_point(folder),
            tag=tag,
            tag_problem=tag_problem,
        )
    except OSError as problem:
        return FilestoreReading(path=path, problem=f"{folder}: {problem.strerror}")


def is_tag(name: str) -> bool:
    """Whether it is our tag, or what a guard that was killed while it wrote the tag left."""
    return name == FILESTORE_TAG_NAME or (
        name.startswith(f".{FILESTORE_TAG_NAME}.") and name.endswith(TEMPORARY_SUFFIX)
    )


def holds_no_data(name: str) -> bool:
    """Whether what has this name at the root of a filestore is our tag or the volume's own."""
    return is_tag(name) or name == OF_THE_VOLUME


def read_tag(folder: Path) -> tuple[FilestoreTag | None, str | None]:
    """The tag in a folder, or why one that is there could not be read."""
    path = folder / FILESTORE_TAG_NAME
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_TAG_BYTES)
    except FileNotFoundError:
        return None, None
    except OSError as problem:
        return None, f"{path}: {problem.strerror}"
    try:
        return FilestoreTag.from_json(content), None
    except ValidationError:
        return None, f"{path} does not hold a tag"


def write_tag(folder: Path, tag: FilestoreTag) -> None:
    """Tag a folder, which is made where it is not there. Raises OSError."""
    if not folder.exists():
        make_served(folder)
    path = folder / FILESTORE_TAG_NAME
    replace(path, tag.canonical())
    for entry in folder.iterdir():
        # What a guard that was killed at this left: the lane's lock is ours, so none writes it now.
        if is_tag(entry.name) and entry != path:
            entry.unlink(missing_ok=True)
    # Odoo, the devkit and the guard may be different users of one volume.
    owner = folder.stat()
    path.chmod(0o644)
    if os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid)


def tag_served(folder: Path, tag: FilestoreTag) -> None:
    """Tag the folder that is served. Raises CouldNotTell when that fails."""
    try:
        write_tag(folder, tag)
    except OSError as problem:
        raise CouldNotTell(f"The filestore's tag could not be written: {problem}.") from None


def make_served(folder: Path) -> None:
    """Make the folder with the owner of its parent, which is the one who serves it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o755)
    owned_like(folder, folder.parent)
    sync_folder(folder.parent)


def owned_like(folder: Path, model: Path) -> None:
    """Give a folder the owner of another, where that may be done. Raises OSError."""
    if os.geteuid() == 0:
        owner = model.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)


def make_like(folder: Path, model: Path) -> None:
    """Make an empty folder with the owner and the mode of another. Raises OSError."""
    like = model.stat()
    folder.mkdir()
    folder.chmod(like.st_mode & 0o7777)
    if os.geteuid() == 0:
        os.chown(folder, like.st_uid, like.st_gid)
    sync_folder(folder.parent)


def rename_folder(source: Path, target: Path) -> None:
    """Rename a folder to a name that must be free, and make that last. Raises OSError."""
    if target.exists():
        raise FileExistsError(f"{target} exists")
    source.rename(target)
    sync_folder(target.parent)
    sync_folder(source.parent)
