"""Whether the files of a backup are those that its manifest speaks of. Nothing is restored here."""

import hashlib
import os
import stat
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from launchplane_lane_contracts.backup import FILE_LIST, FILESTORE_FOLDER, DumpFile, FilestoreFile
from launchplane_lane_contracts.backup_answers import DIFFERENCES_LISTED_AT_MOST
from launchplane_lane_contracts.errors import CouldNotTell

from .attached_files import lies_inside
from .backups_folder import Backup
from .client_programs import ClientProgram, plain_environment
from .durable import COPIED_AT_ONCE_BYTES

WORDS_OF_AN_ENTRY = 7
SECONDS_TO_LIST = 300.0


@dataclass
class Findings:
    """What differs: the first of it in words, and how much it is."""

    words: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, words: str) -> None:
        """One more thing."""
        self.count += 1
        if len(self.words) < DIFFERENCES_LISTED_AT_MOST:
            self.words.append(words)

    def include(self, other: "Findings") -> None:
        """What was found elsewhere as well."""
        self.count += other.count
        self.words = [*self.words, *other.words][:DIFFERENCES_LISTED_AT_MOST]


class FilesCheck(threading.Thread):
    """`check_files` beside something else that takes time; started at once.

    Nobody waits for it where that something failed: it only reads, and ends with the guard.
    """

    def __init__(self, backup: Backup) -> None:
        super().__init__(name="files of a backup", daemon=True)
        self._backup, self._found = backup, Findings()
        self._problem: Exception | None = None
        self.start()

    def run(self) -> None:
        """Look at every file."""
        try:
            for words in check_files(self._backup):
                self._found.add(words)
        except Exception as problem:
            self._problem = problem

    def ended(self) -> Findings:
        """What differs, once all of it was looked at. Raises as `check_files` does."""
        self.join()
        if self._problem is not None:
            raise self._problem
        return self._found


def check_dump(backup: Backup, program: ClientProgram) -> Iterator[str]:
    """Every file of the dump that is not what was captured, with the table whose rows are in it.

    Raises OSError.
    """
    listed = {each.name: each for each in backup.manifest.dump.files}
    # What a link leads to is no part of the backup, and goes with what it is a part of.
    own = backup.database.is_dir() and not backup.database.is_symlink()
    there = {path.name: path for path in backup.database.iterdir()} if own else {}
    bad: dict[str, str] = {}
    for name, each in listed.items():
        how = _differs(there[name], each) if name in there else "it is missing"
        if how:
            bad[name] = how
    tables = _tables(backup, program) if bad else {}
    for name, how in bad.items():
        what = f" ({tables[name]})" if name in tables else ""
        yield f"dump file {name}{what}: {how}"
    for name in sorted(there.keys() - listed.keys()):
        yield f"dump file {name}: it is there as well"


def _differs(path: Path, expected: DumpFile) -> str:
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        return "it is no plain file"
    if found.st_size != expected.size_bytes:
        return f"{found.st_size} bytes instead of {expected.size_bytes}"
    with path.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != expected.sha256:
            return "as long as before, with other content"
    return ""


def _tables(backup: Backup, program: ClientProgram) -> Mapping[str, str]:
    """Which table's rows are in which file, as far as the dump's own list can still be read."""
    try:
        listing = subprocess.run(
            [program.path, "--list", backup.database],
            capture_output=True,
            check=False,
            env=plain_environment(),
            timeout=SECONDS_TO_LIST,
        ).stdout.decode(errors="replace")
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found = {}
    for line in listing.splitlines():
        # `3366; 0 16395 TABLE DATA public res_partner odoo`
        words = line.replace(";", " ").split()
        if len(words) >= WORDS_OF_AN_ENTRY and words[3:5] == ["TABLE", "DATA"]:
            found[f"{words[0]}.dat.gz"] = f"rows of table {words[5]}.{words[6]}"
    return found


def check_files(backup: Backup) -> Iterator[str]:
    """Every attachment's file that is not what was captured, is missing or is too many.

    Raises OSError.
    """
    expected = backup.manifest.filestore
    with (backup.folder / FILE_LIST).open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != expected.list_sha256:
            yield f"{FILE_LIST}: it is not the list that was captured"
            return
    if backup.filestore.is_symlink():
        yield f"{FILESTORE_FOLDER}: it is a link, and what it leads to is no part of the backup"
        return
    good = 0
    try:
        for each in backup.files():
            how = _file_differs(backup.filestore, each)
            good += how != "it is missing"
            if how:
                yield f"file {each.path}: {how}"
    except CouldNotTell as problem:
        yield problem.message
        return
    links = list(_links_in(backup.filestore))
    for name in links:
        yield f"folder {name}: it is a link, and what it leads to is no part of the backup"
    if not links and good != _files_in(backup.filestore):
        named = {each.path for each in backup.files()}
        for name in _names_in(backup.filestore):
            if name not in named:
                yield f"file {name}: it is there as well"


def _file_differs(folder: Path, expected: FilestoreFile) -> str:
    if not lies_inside(expected.path):
        return "its name leads out of the folder"
    try:
        descriptor = os.open(folder / expected.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return "it is missing"
    except OSError as problem:
        return f"it cannot be read ({problem.strerror})"
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return "it is no plain file"
        if found.st_size != expected.size_bytes:
            return f"{found.st_size} bytes instead of {expected.size_bytes}"
        digest = hashlib.sha256()
        while block := stream.read(COPIED_AT_ONCE_BYTES):
            digest.update(block)
    return "" if digest.hexdigest() == expected.sha256 else "as long as before, with other content"


def _files_in(folder: Path) -> int:
    return sum(1 for _name in _names_in(folder))


def _names_in(folder: Path) -> Iterator[str]:
    for where, _folders, names in os.walk(folder):
        for name in names:
            yield str((Path(where) / name).relative_to(folder))


def _links_in(folder: Path) -> Iterator[str]:
    """Folders that are links to others."""
    for where, folders, _names in os.walk(folder):
        for name in folders:
            if (path := Path(where) / name).is_symlink():
                yield str(path.relative_to(folder))
