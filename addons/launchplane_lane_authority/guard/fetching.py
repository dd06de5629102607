"""Files from a command that writes them as a tar: each one that is asked for, whole, and no other.

Odoo names a file by the SHA-1 of its content, so a name says what must be in it.
"""

import hashlib
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import IO

from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .attached_files import digest_in, lies_inside
from .child import end_with_parent
from .durable import sync_folder
from .program_chain import words_of

READ_AT_ONCE_BYTES = 1 << 20
NAMED_AT_MOST = 3
SECONDS_TO_END = 5.0


def fetch(command: Sequence[str], names: Sequence[str], folder: Path, words: str) -> None:
    """Put these files into the folder, which is empty.

    Raises Refused when one is not there or not whole, CouldNotTell when the command fails.
    """
    if not names:
        return
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said:
        asked.write(b"".join(os.fsencode(name) + b"\0" for name in names))
        asked.seek(0)
        try:
            process = subprocess.Popen(
                list(command),
                stdin=asked,
                stdout=subprocess.PIPE,
                stderr=said,
                preexec_fn=partial(end_with_parent, os.getpid()),
            )
        except OSError as problem:
            raise CouldNotTell(
                f"The command that fetches files, {command[0]}, could not be started: {problem}."
            ) from None
        assert process.stdout is not None
        try:
            fetched = _unpack(process.stdout, set(names), folder)
        except (tarfile.TarError, EOFError) as problem:
            _end(process)
            raise CouldNotTell(
                f"What came of the files of {words} is no whole tar ({problem}): {words_of(said)}"
            ) from None
        finally:
            _end(process)
        missing = sorted(set(names) - fetched)
        if missing:
            raise Refused.because(
                _incomplete(
                    f"{len(missing)} file(s) that its rows name could not be fetched, such as "
                    f"{', '.join(missing[:NAMED_AT_MOST])}. {words_of(said)}".strip(),
                    words,
                )
            )
    _make_last(folder)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it where it has not ended; what it said last is then there."""
    assert process.stdout is not None
    process.stdout.close()
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _unpack(stream: IO[bytes], wanted: set[str], folder: Path) -> set[str]:
    """Write what was asked for; the names of it. Raises OSError, TarError, Refused."""
    fetched: set[str] = set()
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            if not member.isfile() or name not in wanted or name in fetched:
                continue
            content = archive.extractfile(member)
            assert content is not None
            if not lies_inside(name) or not _write(content, name, folder):
                raise Refused.because(
                    _incomplete(f"the content of {name} is not what its name says", name)
                )
            fetched.add(name)
    # What follows the end of a tar is padding; a command that is cut off from it would fail.
    while stream.read(READ_AT_ONCE_BYTES):
        pass
    return fetched


def _write(content: IO[bytes], name: str, folder: Path) -> bool:
    """Write one file, and say whether its content is the one that its name promises."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha1(usedforsecurity=False)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "wb") as stream:
        while block := content.read(READ_AT_ONCE_BYTES):
            digest.update(block)
            stream.write(block)
        stream.flush()
        os.fsync(descriptor)
    promised = digest_in(name)
    return promised is None or digest.hexdigest() == promised


def _make_last(folder: Path) -> None:
    for place, _folders, _names in os.walk(folder):
        sync_folder(Path(place))


def _incomplete(detail: str, words: str) -> Reason:
    return reason(
        ReasonCode.SOURCE_INCOMPLETE,
        f"The files of {words} are not all there and whole: {detail}. Nothing of the lane was "
        "changed.",
        "Put that right at the source (a file that is gone for good is deleted with its attachment "
        "in its Odoo), or choose another source, then do the same again.",
        detail=detail,
    )
